/**
 * A WAL that was refused because it goes with another file, remembered over a restart of the daemon: who told it by may
 * be gone by then (a process on the file that was replaced, the header that was seen before), and the WAL is not. It is
 * recalled until the WAL is gone or another file has its place, or the file beside it is another one or is seen to fit;
 * and no longer than until a restore that was announced has written the WAL's file. Pure.
 */
import type { LedgerEntry, RefusedWal } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import { saltsOf } from "../format/walHeader.ts";
import { isSameOrNextWal } from "./foreignWalGuard.ts";
import { inodeOf, walFileOf } from "./putBack.ts";
import { lineageOf } from "./residueScan.ts";
import type { DatabaseState } from "./state.ts";
import { databaseMarkOf } from "./strangeWal.ts";
import { walSalts } from "./walState.ts";

const ofEarlierFile = "it goes with the file that was there before this one was put in its place";

/** What the ledger notes; null: nothing is refused now. */
export function refusedWalOf(
  { wal }: Observation,
  { strangeWal, earlierWalSalts, earlierWalIdentity, earlierIdentity, headerBesideWal }: DatabaseState,
): RefusedWal | null {
  if (wal.kind === "absent") return null;
  if (earlierWalSalts !== null)
    return {
      walSalts: earlierWalSalts,
      evidence: ofEarlierFile,
      ownerIdentity: earlierIdentity,
      ownerHeaderHex:
        headerBesideWal?.walSalts === earlierWalSalts ? (headerBesideWal.liveHex ?? null) : null,
      walInode: earlierWalIdentity === null ? null : inodeOf(earlierWalIdentity),
      databaseMark: null,
    };
  if (strangeWal?.confirmed !== true) return null;
  const { walSalts: salts, evidence, databaseMark } = strangeWal;
  const walInode = wal.kind === "regular" ? inodeOf(wal.identity) : null;
  return { walSalts: salts, evidence, ownerIdentity: null, ownerHeaderHex: null, walInode, databaseMark };
}

/** The refusal that the ledger has and that still holds; null: there is none. */
export function standingRefusal(
  entry: LedgerEntry | null,
  observation: Observation,
  state: DatabaseState,
): RefusedWal | null {
  const refused = entry?.refusedWal ?? ofReplaced(entry, observation);
  const { database, wal } = observation;
  if (refused === null || database.kind !== "regular" || wal.kind === "absent") return null;
  if (wal.kind === "regular" && refused.walInode !== null && inodeOf(wal.identity) !== refused.walInode)
    return null;
  if (isRestored(entry, observation)) return null;
  const salts = walSalts(observation);
  const fits = lineageOf(observation, withOwnerHeader(state, refused))?.kind === "fits";
  if (refused.databaseMark !== null)
    return salts === refused.walSalts && refused.databaseMark === databaseMarkOf(observation) && !fits
      ? refused
      : null;
  if (fits && (database.identity === refused.ownerIdentity || entry?.refusedWal === null)) return null;
  return salts === null || isSameOrNextWal(salts, refused.walSalts) ? refused : null;
}

/** While no daemon ran another file was put in the place of the one that was noted, and nobody has touched the WAL since. */
function ofReplaced(entry: LedgerEntry | null, observation: Observation): RefusedWal | null {
  const { database, wal } = observation;
  if (entry === null || entry.wal === null || entry.walFile === null) return null;
  if (database.kind !== "regular" || wal.kind !== "regular") return null;
  if (inodeOf(database.identity) === entry.inode || walFileOf(observation) !== entry.walFile) return null;
  return {
    walSalts: saltsOf(entry.wal),
    evidence: ofEarlierFile,
    ownerIdentity: `${entry.device}:${entry.inode}`,
    ownerHeaderHex: entry.header?.bytesHex ?? null,
    walInode: inodeOf(wal.identity),
    databaseMark: null,
  };
}

/** Announced, and the WAL's file was written since. */
function isRestored(entry: LedgerEntry | null, observation: Observation): boolean {
  if (entry === null || entry.restoreWindowEndsAtMs === null || entry.walFile === null) return false;
  return observation.observedAtMs <= entry.restoreWindowEndsAtMs && walFileOf(observation) !== entry.walFile;
}

/** What the watch then knows again. What it knows by itself is newer. */
export function recalled(
  state: DatabaseState,
  refused: RefusedWal,
  { wal, observedAtMs }: Pick<Observation, "wal" | "observedAtMs">,
): DatabaseState {
  if (state.earlierWalSalts !== null || state.strangeWal !== null) return state;
  const { walSalts: salts, evidence, ownerIdentity, walInode, databaseMark } = refused;
  // It was seen just now to be that file.
  const earlierWalIdentity = walInode === null || wal.kind !== "regular" ? null : wal.identity;
  return databaseMark === null
    ? {
        ...withOwnerHeader(state, refused),
        earlierWalSalts: salts,
        earlierWalIdentity,
        earlierIdentity: ownerIdentity,
      }
    : {
        ...state,
        strangeWal: { walSalts: salts, evidence, sinceMs: observedAtMs, confirmed: true, databaseMark },
      };
}

function withOwnerHeader(
  state: DatabaseState,
  { walSalts: salts, ownerHeaderHex }: RefusedWal,
): DatabaseState {
  if (ownerHeaderHex === null) return state;
  const headerBesideWal = { walSalts: salts, headerHex: ownerHeaderHex, liveHex: ownerHeaderHex };
  return { ...state, headerBesideWal };
}

export function isSameRefusal(one: RefusedWal | null, other: RefusedWal | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.walSalts === other.walSalts &&
    one.evidence === other.evidence &&
    one.ownerIdentity === other.ownerIdentity &&
    one.ownerHeaderHex === other.ownerHeaderHex &&
    one.walInode === other.walInode &&
    one.databaseMark === other.databaseMark
  );
}
