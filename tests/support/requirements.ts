/**
 * Tools that some tests need. Missing on a developer's machine they skip the test with a reason; in CI
 * (CI=true) they fail it, so that nothing is ever skipped unnoticed there.
 */

/** Null when every tool is there, else why the test is skipped. Throws in CI. */
export function requireTool(...names: readonly string[]): string | null {
  const missing = names.filter((name) => Bun.which(name) === null);
  if (missing.length === 0) return null;
  return unavailable(`${missing.join(", ")} not found in PATH`);
}

/** For what is more than a program in PATH: the reason, or an error in CI. */
export function unavailable(reason: string): string {
  if (process.env.CI === "true") throw new Error(`required in CI: ${reason}`);
  return reason;
}

/** The test's name, with the reason when it is going to be skipped. */
export function testName(name: string, skipReason: string | null): string {
  return skipReason === null ? name : `${name} (skipped: ${skipReason})`;
}
