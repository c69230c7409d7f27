/** Exit statuses of every command: 0 and 1 are answers, the others are named as in sysexits.h. */
export const exitCodes = {
  ok: 0,
  /** The answer is no: not ready, incomplete, corrupt. */
  no: 1,
  usage: 64,
  /** What was to be looked at is no database, or cannot be read. */
  dataError: 65,
  unavailable: 69,
  internal: 70,
  config: 78,
} as const;
