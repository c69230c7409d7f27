/**
 * A WAL whose frames say that it belongs to another database than the one it lies beside (walLineage.ts). Once that is
 * sure it stands as long as this WAL lies there, also when somebody opens both meanwhile: what that does to the file
 * is then for the operator to see, and not for the daemon to go on with. It goes when the database fits again. Pure.
 */
import type { Observation } from "../domain/observation.ts";
import type { GuardFinding } from "./guardFinding.ts";
import { lineageOf } from "./residueScan.ts";
import type { DatabaseState } from "./state.ts";
import { fileMark } from "./walDamage.ts";
import { walSalts } from "./walState.ts";

export interface StrangeWal {
  readonly walSalts: string;
  readonly evidence: string;
  readonly sinceMs: number;
  /** Seen so for long enough that it is no moment of a checkpoint. */
  readonly confirmed: boolean;
  /** State of the database that was seen so. */
  readonly databaseMark: string;
}

/**
 * The header that was first seen beside a WAL: each later one is this one or one that the WAL carries. The header is read
 * before the WAL, and between the two a checkpoint may end and another life of the WAL begin: so of two looks in a row
 * both are taken. From the ledger there is only one (no `otherHex`).
 */
export interface HeaderBesideWal {
  readonly walSalts: string;
  readonly headerHex: string;
  /** Null: the second look is still to come. */
  readonly otherHex?: string | null;
  /** The one last seen while somebody was connected, so that SQLite had them open together. */
  readonly liveHex?: string | null;
}

/** One state of a database: a copy that keeps size and times has another header. */
export function databaseMarkOf({ database, header }: Observation): string {
  const headerHex = header?.kind === "header" ? header.header.bytesHex : (header?.kind ?? "none");
  return `${fileMark(database)} ${headerHex}`;
}

/** Database and WAL are not read at one instant. */
export const strangeWalDoubtMs = 300;

export function noteStrangeWal(observation: Observation, state: DatabaseState): StrangeWal | null {
  const salts = walSalts(observation);
  if (salts === null || observation.database.kind !== "regular") return null;
  const known = state.strangeWal?.walSalts === salts ? state.strangeWal : null;
  const lineage = lineageOf(observation, state);
  if (lineage === null) return known?.confirmed === true ? known : null;
  const databaseMark = databaseMarkOf(observation);
  // What told it may be remembered no more; as long as neither of the two has changed it is as true as before.
  if (lineage.kind === "undecided" && known?.confirmed === true && known.databaseMark === databaseMark)
    return known;
  if (lineage.kind !== "another") return null;
  const nowMs = observation.observedAtMs;
  const sinceMs = known?.sinceMs ?? nowMs;
  const confirmed = known !== null && (known.confirmed || nowMs - sinceMs >= strangeWalDoubtMs);
  return { walSalts: salts, evidence: lineage.evidence, sinceMs, confirmed, databaseMark };
}

export function noteHeaderBesideWal(
  observation: Observation,
  { headerBesideWal: known, strangeWal, earlierWalSalts, strangerSinceMs, identity }: DatabaseState,
): HeaderBesideWal | null {
  const salts = walSalts(observation);
  // Of a WAL that goes with an earlier file the header of this one says nothing.
  if (earlierWalSalts !== null || strangerSinceMs !== null) return known;
  if (salts === null || observation.header?.kind !== "header") return known;
  // Another file was just put there: who is connected may have the earlier one open.
  if (
    identity !== null &&
    observation.database.kind === "regular" &&
    observation.database.identity !== identity
  )
    return known;
  const { bytesHex } = observation.header.header;
  // Put there before the first look: what was taken for the WAL's own header is that of the wrong database.
  if (strangeWal !== null)
    return known?.headerHex === bytesHex || known?.otherHex === bytesHex ? null : known;
  const { locks } = observation;
  // Page 1 may be half written just now; the next look sees it whole.
  if (locks.kind === "seen" && (locks.checkpointer !== null || locks.hidden?.checkpointer === true))
    return known;
  const liveHex =
    locks.kind === "seen" && locks.connectedWithOwnCount > 0
      ? bytesHex
      : known?.walSalts === salts
        ? (known.liveHex ?? null)
        : null;
  if (known?.walSalts !== salts) return { walSalts: salts, headerHex: bytesHex, otherHex: null, liveHex };
  if (known.otherHex === null) return { ...known, otherHex: bytesHex, liveHex };
  return (known.liveHex ?? null) === liveHex ? known : { ...known, liveHex };
}

export function strangeWalGuards(observation: Observation, state: DatabaseState): readonly GuardFinding[] {
  const { strangeWal } = state;
  if (strangeWal === null) return [];
  const path = observation.resolvedPath ?? "the database";
  return [
    {
      guard: "wal_of_another_file",
      verdict: strangeWal.confirmed ? "refuse" : "wait",
      reason: `${path}-wal does not belong to what is at ${path} now: ${strangeWal.evidence}; opening would mix the two. If you restored ${path}-wal together with ${path}, do not move it, for it holds commits: stop the application and restore both once more, of one moment. If ${path} alone was restored: stop the application, move ${path}-wal and -shm away, then start it again. If the WAL is what you want: put the database back that it was written for. If nothing was restored: a checkpoint has copied frames that recovery will not take (a disk lost writes, or SQLite left frames without salts); keep a copy of all three files before anything opens them`,
    },
  ];
}
