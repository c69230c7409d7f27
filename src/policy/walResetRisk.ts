/**
 * The WAL-reset bug beside connections that have it, and what the daemon does there. Pure.
 *
 * How it comes about, by wal.c of 3.51.2 (the fix of 3.51.3 is one comparison of salts in walCheckpoint):
 *
 *   1. A checkpoint, of any version, ends with every frame copied: nBackfill = mxFrame = N. From now on the next
 *      commit whose transaction begins after that may start the WAL over (walRestartLog: READ(0), nBackfill > 0, and
 *      READ(1..4) all free).
 *   2. An affected connection begins a checkpoint: sqlite3WalCheckpoint takes CKPT, and walIndexReadHdr copies the
 *      header: mxFrame = N. So it has nothing to do.
 *   3. Before it looks, a third connection commits. That needs WRITE, not CKPT: walRestartHdr sets nBackfill to 0 and
 *      new salts, the commit sets mxFrame to M, small.
 *   4. The affected connection, in walCheckpoint, finds nBackfill 0 < N. It sets read mark 1 to N, copies what the
 *      hash tables of the new WAL name, and stores nBackfill = N.
 *   5. Frames M+1 to N, written from now on, count as copied and never are. When the WAL starts over they are lost:
 *      older pages come back, in part. Repeated with SQLite 3.40.1: "database disk image is malformed".
 *
 * A checkpoint that finds frames to copy in step 2 is safe: only it, the holder of CKPT, can make the WAL complete, and
 * incomplete it is not started over. What the daemon's own operations can be in it:
 *
 *   - the checkpoint of step 4 never: it runs on an SQLite with the fix;
 *   - step 1: every PASSIVE that reaches the end, alone or under the write lock. TRUNCATE too, when PASSIVE comes before
 *     it and TRUNCATE is then refused; when it finds WRITE taken, for SQLite turns it into PASSIVE; when a reader sits
 *     on the newest snapshot, so that all is copied and nothing reset;
 *   - TRUNCATE that succeeds ends the danger: it holds CKPT and WRITE from before its first frame until mxFrame is 0,
 *     so whoever takes CKPT next reads a header of the new WAL, with which step 4 finds nothing to do.
 *   - the gentle close is none: its last closer is read-only, and cannot checkpoint.
 *
 * So beside such connections the WAL is only ever completed under a read mark of the daemon's own, which keeps
 * walRestartLog from starting it over, and the mark is given up only once TRUNCATE holds CKPT and WRITE
 * (sqlite/guardedTruncate.ts), or once a commit has made the WAL incomplete again.
 *
 * Three connections take part, the daemon's included: beside a process with a single one, alone, there is no danger.
 * A recovery while nobody is connected is none either: whoever connects then recovers the WAL-index, with nBackfill 0. A
 * startup sequence that stays connected (policy/startupConnection.ts) truncates what it has copied, or leaves before its check;
 * whoever connects in the milliseconds in between finds the WAL complete.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { LockHolder, Observation } from "../domain/observation.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import type { LockPermission } from "./lockPermission.ts";

/** Why a complete WAL must not be left to the others; null: it may. */
export function walResetRisk(
  { locks }: Pick<Observation, "locks">,
  known: readonly SqliteProcess[] | null,
): string | null {
  if (locks.kind !== "seen") return `which SQLite is connected cannot be seen: ${locks.reason}`;
  // Asked for by F_GETLK: where nobody is named, nobody is connected.
  const provenAlone = locks.hidden?.connected === false && locks.connectedWithOwnCount === 0;
  if (!locks.viewIsComplete && !provenAlone)
    return "which SQLite is connected cannot be seen: processes outside this PID namespace are hidden";
  const processes = connectedSqlite({ locks }, known);
  const suspect =
    processes.find(({ affected }) => affected === true) ??
    processes.find(({ affected }) => affected === null);
  if (suspect === undefined) return null;
  const counts = processes.map(({ connectionCount }) => connectionCount ?? 2);
  if (counts.reduce((sum, count) => sum + Math.max(1, count), 0) < 2) return null;
  const who = `${suspect.comm ?? "a process"} (${suspect.pid})`;
  return suspect.affected === true
    ? `${who} runs an SQLite${suspect.version === null ? "" : ` ${suspect.version}`} with the WAL-reset bug`
    : `${who} may run an SQLite with the WAL-reset bug: ${suspect.reason}`;
}

function unknownProcess({ pid, comm, user, unit }: LockHolder): SqliteProcess {
  const unknown = { version: null, sourceId: null, file: null, affected: null, connectionCount: null };
  return { pid, comm, user, unit, ...unknown, reason: "it was not looked at yet" };
}

/** One for each process that is connected now; of one that came since the last look nothing is known. */
export function connectedSqlite(
  { locks }: Pick<Observation, "locks">,
  known: readonly SqliteProcess[] | null,
): readonly SqliteProcess[] {
  if (locks.kind !== "seen") return [];
  const byPid = new Map((known ?? []).map((process) => [process.pid, process]));
  return locks.connected.map((holder) => byPid.get(holder.pid) ?? unknownProcess(holder));
}

/** The gauge: 1 for a proven one; 0 when all that can be connected are known to be free of it; null: neither. */
export function writerWalResetBug(
  { locks }: Pick<Observation, "locks">,
  known: readonly SqliteProcess[] | null,
): 0 | 1 | null {
  const processes = connectedSqlite({ locks }, known);
  if (processes.some(({ affected }) => affected === true)) return 1;
  if (locks.kind !== "seen" || !locks.viewIsComplete || processes.length === 0) return null;
  return processes.every(({ affected }) => affected === false) ? 0 : null;
}

/** TRUNCATE under a read mark of the daemon's own; beside writers that go on asked for during `acquireBudgetMs`. */
export interface GuardedTruncate {
  readonly kind: "guardedTruncate";
  readonly holdBudgetMs: number;
  readonly acquireBudgetMs: number;
}

export type GuardedStep = GuardedTruncate | { readonly kind: "leave"; readonly reason: string };

export interface GuardedQuestion {
  readonly risk: string;
  readonly permission: LockPermission;
  readonly config: DatabaseConfig;
  readonly checkRunning: boolean;
  readonly mountIsKnown: boolean;
  readonly locks: Observation["locks"];
  readonly walFileBytes: number;
  /** Below it a WAL file is not worth the lock of an application whose busy timeout is not known. */
  readonly smallWalBytes: number;
  readonly holdBudgetMs: number;
}

/** The operation itself sees only the locks that are listed: what it might meet beside them is asked for before. */
function whyHiddenLocksForbid(locks: Observation["locks"]): string | null {
  if (locks.kind !== "seen") return `locks cannot be seen: ${locks.reason}`;
  const { hidden, viewIsComplete } = locks;
  if (viewIsComplete) return null;
  if (hidden === null) return "whether hidden processes read it cannot be told";
  const atWork =
    hidden.readersCovered || hidden.readerMarks.length > 0 || hidden.writer || hidden.checkpointer;
  return atWork ? "hidden processes are at work on it" : null;
}

/** What a checkpoint does where there is a risk: the WAL is reset by the daemon itself, or left alone. */
export function guardedStep(question: GuardedQuestion): GuardedStep {
  const { risk, permission, config, walFileBytes, smallWalBytes } = question;
  const leave = (why: string): GuardedStep => ({ kind: "leave", reason: `${risk}, and ${why}` });
  if (permission.kind === "none") return leave(permission.reason);
  if (question.checkRunning) return leave("an integrity check of our own reads the WAL");
  if (!question.mountIsKnown) return leave("locks cannot be told apart: its mount is not known");
  const hiddenWork = whyHiddenLocksForbid(question.locks);
  if (hiddenWork !== null) return leave(hiddenWork);
  const declared = permission.kind === "declared";
  if (!declared && walFileBytes <= smallWalBytes)
    return leave("its WAL is small: without a declared busy timeout it is left to the application");
  const acquireBudgetMs = declared ? config.checkpoint.acquireBudgetMs : 0;
  return { kind: "guardedTruncate", holdBudgetMs: question.holdBudgetMs, acquireBudgetMs };
}
