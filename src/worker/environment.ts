/**
 * What a sql worker inherits of the supervisor's environment: an allow-list. NOTIFY_SOCKET, WATCHDOG_* and
 * LISTEN_* speak to the service manager in the supervisor's name, and secrets have no business here.
 */

const inherited = [
  "PATH",
  "HOME",
  "TMPDIR",
  "SQLITE_TMPDIR",
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "TZ",
  "LANG",
  "LC_ALL",
] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

export function workerEnvironment(environment: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of inherited) {
    const value = environment[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
