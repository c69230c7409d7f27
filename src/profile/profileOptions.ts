/**
 * What an application may ask of a connection, and the crash-safe defaults for what it leaves out.
 * Values are checked here, because they end up in SQL and callers may be plain JavaScript.
 */
import type { JournalMode, Profile, Synchronous } from "../domain/databaseConfig.ts";

/**
 * Every field may be left out; the defaults are WAL, EXTRA, 10000 and on.
 *
 * In WAL mode `EXTRA` does what `FULL` does: the log is synced at each commit. EXTRA adds something (a sync
 * of the directory) only with a rollback journal; it is the default because it is right in both.
 */
export type ProfileOptions = { readonly [Key in keyof Profile]?: Profile[Key] | undefined };

const journalModes: readonly JournalMode[] = ["WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF"];
const synchronousLevels: readonly Synchronous[] = ["OFF", "NORMAL", "FULL", "EXTRA"];

/** SQLite keeps the busy timeout in a C int. */
const busyTimeoutMsMax = 2_147_483_647;

function requireOneOf<Value>(name: string, value: Value, accepted: readonly Value[]): void {
  if (accepted.includes(value)) return;
  throw new TypeError(`profile.${name} is ${JSON.stringify(value)}, accepted: ${accepted.join(", ")}`);
}

/** Throws TypeError for a value that no profile can have: that is the caller's mistake, not a state of a file. */
export function completeProfile(options: ProfileOptions): Profile {
  const profile: Profile = {
    journalMode: options.journalMode ?? "WAL",
    synchronous: options.synchronous ?? "EXTRA",
    busyTimeoutMs: options.busyTimeoutMs ?? 10_000,
    foreignKeys: options.foreignKeys ?? true,
  };
  requireOneOf("journalMode", profile.journalMode, journalModes);
  requireOneOf("synchronous", profile.synchronous, synchronousLevels);
  requireOneOf("foreignKeys", profile.foreignKeys, [true, false]);
  const { busyTimeoutMs } = profile;
  if (!Number.isInteger(busyTimeoutMs) || busyTimeoutMs < 0 || busyTimeoutMs > busyTimeoutMsMax) {
    throw new TypeError(
      `profile.busyTimeoutMs is ${String(busyTimeoutMs)}, accepted: an integer from 0 to ${busyTimeoutMsMax}`,
    );
  }
  return profile;
}
