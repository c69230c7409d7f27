/** Exit statuses of every command: 0 and 1 are answers, the others are named as in sysexits.h. */
export const exitCodes = {
  ok: 0,
  no: 1,
  usage: 64,
  dataError: 65,
  unavailable: 69,
  internal: 70,
  config: 78,
} as const;

type ExitName = keyof typeof exitCodes;

const meanings: Readonly<Record<ExitName, string>> = {
  ok: "fine",
  no: "the answer is no: not ready, incomplete, corrupt, something wrong is seen",
  usage: "an unknown command, option or name",
  dataError: "what was to be inspected is no database, or cannot be read",
  unavailable: "daemon not reachable; for run: port, socket, state directory or token file cannot be used",
  internal: "internal error",
  config: "the configuration has problems",
};

/** In words, for `--help` and README.md. */
export const exitStatuses: readonly { readonly code: number; readonly meaning: string }[] = (
  Object.keys(meanings) as ExitName[]
).map((name) => ({ code: exitCodes[name], meaning: meanings[name] }));
