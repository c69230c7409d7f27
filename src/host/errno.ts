/**
 * Errors of the operating system as values. Anything else that was thrown is a programmer error and goes on.
 */

/**
 * The name of the error number, "ENOENT"; "errno 117" where the runtime has no name for it. Rethrows what is
 * not an error of the operating system: those carry a numeric `errno`.
 */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error) || !("errno" in error) || typeof error.errno !== "number") throw error;
  if ("code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code)) return error.code;
  return `errno ${Math.abs(error.errno)}`;
}
