/**
 * What became of a database between two lives of the daemon: the ledger's entry against what is found at the
 * first look, before anything was opened. Verdicts about loss are lower bounds. Pure.
 *
 * "Same cache": the same boot and the same device, so that no crash of a process can have lost anything; what is
 * missing then was changed by somebody. Otherwise the page cache is taken for lost. (A disk that was pulled and came
 * back under its old device number within one boot is not told apart.)
 *
 * By the WAL that was noted (salts and sequence; seen, proven: its frames) and the one that is found (mxFrame):
 *
 *   found                                 same cache              another boot
 *   ------------------------------------- ----------------------- -----------------------------------------------
 *   another inode                         replaced                replaced
 *   same salts, mxFrame >= seen,
 *     checksum of frame seen as noted     intact                  intact; undecidable if database pages were exposed
 *     checksum differs                    exposed-lost, or proven-lost if frame proven differs too: cut off, and
 *                                         written anew by an application that came up first
 *     checksum not known                  intact                  intact if nobody has written it since the boot,
 *                                                                 else undecidable
 *   same salts, proven <= mxFrame < seen  exposed-lost            exposed-lost
 *   same salts, mxFrame < proven          proven-lost             proven-lost
 *   salts k ahead: started over k times,  intact                  undecidable if database pages were exposed; intact
 *     each time after all was copied                              if all was copied before; else, if checkpoints were
 *                                                                 seen to sync: intact if all was proven, or if the
 *                                                                 WAL was last written before the boot; else
 *                                                                 undecidable
 *   salts k behind: its header is lost    exposed-lost, or        proven-lost if any was proven, else undecidable
 *                                         proven-lost
 *   no WAL, emptied, other salts (deleted intact if all was       intact if all was copied and proven and no
 *     by the last closer, begun anew,     copied, else            database page was exposed, else undecidable
 *     TRUNCATE, another journal mode)     undecidable
 *   nothing was in the WAL                intact                  intact if no database page was exposed, else
 *                                                                 undecidable; rollback mode: undecidable
 *   either of these two, or all frames    undecidable             undecidable
 *     of the same WAL and none copied
 *     since, and the file was written
 *     since the last note
 *   header counter gone back              rolled-back             rolled-back; exposed-lost if database pages were
 *                                                                 exposed
 *   WAL that cannot be read               undecidable             undecidable
 *   the WAL belongs to another database   rolled-back if the      the same, but undecidable where database pages may
 *     (walLineage.ts), whatever it holds    header counter went     have been exposed
 *                                           back, else
 *                                           undecidable
 *
 * Where database pages were exposed, exposed-lost in another boot is undecidable: a checkpoint without a sync may have
 * brought those commits into the database. One that first runs within the seconds between the last note and the cut
 * (synchronous OFF) is not seen, and then that bound may be too high.
 *
 * Where a sync had failed, intact is often undecidable: failedSyncVerdict.ts. What the time of the last write tells:
 * unexplainedWrite.ts. A restore that was announced makes `restored` of all but `intact`. A VACUUM moves the counter
 * forward, and what a WAL carries of page 1 counts for the header. An absent database gets no verdict until something is
 * there.
 *
 * Sources: wal.c, walRestartHdr (salt-1 and the sequence go up by one, after every frame was copied), walCheckpoint
 * (syncs the WAL, copies, syncs the database, unless synchronous is OFF), walIndexRecover (takes all up to the last
 * valid commit frame); walformat.html: frame checksums are cumulative.
 */
import type { LedgerEntry, LedgerWal, RestartLook, RestartVerdict, RestartWal } from "../domain/ledger.ts";
import type { WalLineage } from "../domain/residueReport.ts";
import { type Judgement, withFailedSync } from "./failedSyncVerdict.ts";
import { besideAnother, headerWentBack } from "./restartBesideAnother.ts";
import { unexplainedWrite, writtenBesideItsWal } from "./unexplainedWrite.ts";
import { startsOverCount } from "./walLives.ts";

type FoundWal = Extract<RestartWal, { readonly kind: "wal" }>;

interface Case {
  readonly entry: LedgerEntry;
  readonly look: RestartLook;
  readonly sameCache: boolean;
  readonly lineage: WalLineage | null;
}

/**
 * @param entry null: the ledger has none for this path
 * @param lineage what the guard says of the WAL that was looked at (restartLineage.ts); null: it was not compared
 */
export function restartVerdict(
  entry: LedgerEntry | null,
  look: RestartLook,
  lineage: WalLineage | null,
): RestartVerdict {
  const judgedAtMs = look.lookedAtMs;
  if (entry === null) return { ...unknown("first-seen", "the ledger has no entry for it"), judgedAtMs };
  const judgement = judge({ entry, look, sameCache: keptCache(entry, look), lineage });
  const until = entry.restoreWindowEndsAtMs;
  if (until === null || look.lookedAtMs > until || judgement.kind === "intact")
    return { ...judgement, judgedAtMs };
  const reason = `a restore was announced; without it this were ${judgement.kind}: ${judgement.reason}`;
  return { ...unknown("restored", reason), judgedAtMs };
}

/** The same boot and the same device. */
export function keptCache(entry: LedgerEntry, look: RestartLook): boolean {
  return entry.bootId !== null && entry.bootId === look.bootId && entry.device === look.device;
}

function judge(known: Case): Judgement {
  const { entry, look } = known;
  if (entry.inode !== look.inode) {
    return unknown("replaced", `another file is there: inode ${look.inode}, ${entry.inode} was noted`);
  }
  return withFailedSync(entry, look.wal, judgeSameFile(known));
}

function judgeSameFile(known: Case): Judgement {
  const { entry, look, sameCache, lineage } = known;
  if (look.header === null && entry.header !== null)
    return unknown("undecidable", "its header cannot be read as a database's any more");
  const byWal = judgeWal(known);
  // What a WAL says counts for the database that it was written for, and only for that.
  if (lineage?.kind === "another") return besideAnother(known, byWal, lineage.evidence);
  if (!wentBack(known)) return byWal;
  // After a cut a shorter WAL says more than the header; without one only a hand can have done it.
  const isLoss = byWal.kind === "exposed-lost" || byWal.kind === "proven-lost";
  if (isLoss && !sameCache) return byWal;
  const counters = `the change counter of its header was ${entry.header?.changeCounter} and is ${look.header?.changeCounter}`;
  if (!sameCache && entry.databaseExposed === true)
    return lost({ exposed: 1, proven: 0 }, `${counters}; checkpoints had not synced it`);
  return unknown("rolled-back", sameCache ? counters : `${counters}: it was restored, or a cut took it back`);
}

/** The header's counter never goes back: pager.c, pager_write_changecounter, also not with VACUUM. Modulo 2^32. */
function wentBack({ entry, look, sameCache }: Case): boolean {
  const { wal } = look;
  if (entry.header === null || look.header === null || look.hasJournal) return false;
  const inWal = wal.kind === "wal" ? wal.pageOneChangeCounter : null;
  // A checkpoint that was cut short leaves the older header in the file and the newer one in the WAL.
  if (inWal === null && !sameCache && wal.kind === "wal" && wal.mxFrame > 0 && wal.isLive) return false;
  return headerWentBack(entry.header, inWal ?? look.header.changeCounter);
}

function judgeWal(known: Case): Judgement {
  const { entry, look } = known;
  const { wal } = look;
  if (entry.wal === null || entry.wal.seenFrame === 0) return nothingWasInTheWal(known);
  if (wal.kind === "unreadable")
    return unknown("undecidable", `the WAL that was noted cannot be read: ${wal.reason}`);
  const losesInDoubt = !known.sameCache && entry.databaseExposed === true;
  if (wal.kind === "none") return walIsGone(known, entry.wal, "the WAL that was noted is gone or empty");
  const stepCount = startsOverCount(entry.wal, wal);
  if (stepCount === null) return walIsGone(known, entry.wal, "the WAL was begun anew");
  if (stepCount > 0) return startedOver(known, entry.wal, wal, stepCount);
  const judgement = stepCount < 0 ? headerLost(known, entry.wal) : sameLife(known, entry.wal, wal);
  if (judgement.kind !== "exposed-lost" || !losesInDoubt) return judgement;
  const doubt =
    "checkpoints without a sync may have brought them into the database: an integrity check tells more";
  return unknown("undecidable", `${judgement.reason}; ${doubt}`);
}

/** Everything that was seen is in the database file. */
function nothingWasInTheWal({ entry, look, sameCache }: Case): Judgement {
  const { wal: noted } = entry;
  const isOfThatLife =
    noted !== null && look.wal.kind === "wal" && (startsOverCount(noted, look.wal) ?? -1) >= 0;
  const written = isOfThatLife ? null : unexplainedWrite(entry, look, sameCache);
  if (written !== null) return unknown("undecidable", `nothing waited in a WAL, ${written}`);
  if (sameCache) return intact("nothing waited in a WAL, and the page cache was kept");
  if (look.hasJournal)
    return unknown("undecidable", "a rollback journal lies beside it: opening may take the database back");
  if (entry.header?.inWalMode !== true)
    return unknown("undecidable", "in rollback mode it is not seen what of the database was on disk");
  return databaseInDoubt(entry) ?? intact("nothing waited in a WAL, and the database was synced");
}

function walIsGone({ entry, look, sameCache }: Case, noted: LedgerWal, what: string): Judgement {
  const copied = `${noted.backfilledFrame} of ${noted.seenFrame} frames were seen in the database`;
  if (noted.backfilledFrame < noted.seenFrame) {
    return unknown("undecidable", `${what}; ${copied}: a last closer moves the rest there, a hand does not`);
  }
  const written = unexplainedWrite(entry, look, sameCache);
  if (written !== null) return unknown("undecidable", `${what}; ${copied}, ${written}`);
  if (sameCache) return intact(`${what}; ${copied}`);
  if (noted.provenFrame < noted.seenFrame) {
    return unknown("undecidable", `${what}; ${copied}, and ${noted.provenFrame} were proven`);
  }
  return databaseInDoubt(entry) ?? intact(`${what}; ${copied}, all proven`);
}

function startedOver(known: Case, noted: LedgerWal, found: FoundWal, stepCount: number): Judgement {
  const { entry, look, sameCache } = known;
  const what = `the WAL has started over ${stepCount} ${stepCount === 1 ? "time" : "times"} since, each time after all was copied`;
  if (sameCache) return intact(what);
  const inDoubt = databaseInDoubt(entry);
  if (inDoubt !== null) return inDoubt;
  if (noted.backfilledFrame >= noted.seenFrame)
    return intact(`${what}; all that was seen was in the database`);
  if (!entry.checkpointsSeenToSync)
    return unknown("undecidable", `${what}; whether its checkpoints sync was never seen`);
  if (noted.provenFrame >= noted.seenFrame) return intact(`${what}; all that was seen was proven`);
  if (isOfBeforeTheBoot(entry, look, found)) return intact(`${what}, before the machine went down`);
  return unknown(
    "undecidable",
    `${what}; whether ${exposedFrames(noted)} were recovered before that cannot be seen`,
  );
}

/** The file has the header of an earlier life: the one that was noted never came to disk, or was taken back. */
function headerLost({ sameCache }: Case, noted: LedgerWal): Judgement {
  const what = `the WAL is of an earlier life than the one that was noted${changedBy(sameCache)}`;
  // Only synchronous OFF leaves the header unsynced, and what it has checkpointed since may be there.
  if (!sameCache && noted.provenFrame === 0)
    return unknown("undecidable", `${what}; its header was never synced`);
  return lost(lossAfter(noted, 0, noted.provenFrame > 0), what);
}

function sameLife(known: Case, noted: LedgerWal, found: FoundWal): Judgement {
  const { entry, look, sameCache } = known;
  const { mxFrame, commitCount } = found;
  const provenIsGone = mxFrame < noted.provenFrame || found.provenFrameMatches === false;
  const what = `${noted.seenFrame} frames were seen, ${noted.provenFrame} of them proven, ${mxFrame} are there`;
  if (mxFrame < noted.seenFrame)
    return lost(lossAfter(noted, commitCount, provenIsGone), `${what}${changedBy(sameCache)}`);
  if (found.seenFrameMatches === false || provenIsGone) {
    const rewritten = `frame ${noted.seenFrame} is not the one that was seen: the WAL was cut off and written anew`;
    return lost(lossAfter(noted, null, provenIsGone), `${rewritten}; ${what}${changedBy(sameCache)}`);
  }
  const written = writtenBesideItsWal(entry, look, sameCache);
  if (written !== null) return unknown("undecidable", `${what}, ${written}`);
  if (sameCache) return intact(what);
  const inDoubt = databaseInDoubt(entry);
  if (inDoubt !== null) return inDoubt;
  if (found.seenFrameMatches === true) return intact(what);
  if (!found.isLive && isOfBeforeTheBoot(entry, look, found)) return intact(what);
  return unknown("undecidable", `${what}; whether they are the same ones cannot be seen`);
}

/**
 * @param foundCommitCount commits that are left of this life; null: not known, then one at least is missing, for the
 * last frame that was seen ended a commit
 */
function lossAfter(noted: LedgerWal, foundCommitCount: number | null, provenIsGone: boolean): Loss {
  const { seenCommitCount, provenCommitCount } = noted;
  const between = (from: number | null, to: number | null): number =>
    Math.max(1, from === null || to === null ? 1 : to - from);
  if (!provenIsGone) return { exposed: between(foundCommitCount, seenCommitCount), proven: 0 };
  const wasExposed = noted.seenFrame > noted.provenFrame;
  return {
    exposed: wasExposed ? between(provenCommitCount, seenCommitCount) : 0,
    proven: between(foundCommitCount, provenCommitCount),
  };
}

interface Loss {
  readonly exposed: number;
  readonly proven: number;
}

function lost({ exposed, proven }: Loss, reason: string): Judgement {
  return {
    kind: proven > 0 ? "proven-lost" : "exposed-lost",
    reason,
    lostExposedCommitCountMin: exposed,
    lostProvenCommitCountMin: proven,
  };
}

function intact(reason: string): Judgement {
  return { kind: "intact", reason, lostExposedCommitCountMin: 0, lostProvenCommitCountMin: 0 };
}

function unknown(kind: RestartVerdict["kind"], reason: string): Judgement {
  return { kind, reason, lostExposedCommitCountMin: null, lostProvenCommitCountMin: null };
}

/** Null: the database file itself was on disk. */
function databaseInDoubt({ databaseExposed }: LedgerEntry): Judgement | null {
  if (databaseExposed === false) return null;
  const why = databaseExposed
    ? "database pages were written by a checkpoint that did not sync them: an integrity check tells more"
    : "whether checkpoints had synced the database could not be seen there";
  return unknown("undecidable", why);
}

/** btime is in whole seconds, and a clock that was wrong at boot must not be believed. */
const bootDoubtMs = 2_000;
const clockDoubtMs = 60_000;

/** Nobody has written this WAL since the machine was started. */
function isOfBeforeTheBoot(entry: LedgerEntry, look: RestartLook, { modifiedAtMs }: FoundWal): boolean {
  if (look.bootedAtMs === null || entry.device !== look.device) return false;
  const isPlausible = modifiedAtMs >= entry.writtenAtMs - clockDoubtMs;
  return isPlausible && modifiedAtMs < look.bootedAtMs - bootDoubtMs;
}

function exposedFrames({ seenFrame, provenFrame, seenCommitCount, provenCommitCount }: LedgerWal): string {
  if (seenCommitCount === null || provenCommitCount === null)
    return `${seenFrame - provenFrame} exposed frames`;
  return `${seenCommitCount - provenCommitCount} exposed commits`;
}

function changedBy(sameCache: boolean): string {
  return sameCache ? "; no machine went down in between, so the file was changed" : "";
}
