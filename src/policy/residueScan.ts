/**
 * When what was left beside a database must be read whole: before anything is opened while nobody is connected, for
 * whoever opens first recovers what is there, whatever it is. Also whether the WAL that was read belongs here. Pure.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { JournalResidueLook, ResidueLook, WalLineage } from "../domain/residueReport.ts";
import { decideJournalMode, wantsJournalMode } from "./journalMode.ts";
import { residueOf } from "./residue.ts";
import type { DatabaseState } from "./state.ts";
import type { HeaderBesideWal } from "./strangeWal.ts";
import { damageCopyDue, fileMark } from "./walDamage.ts";
import { judgeLineage, type LineageEvidence } from "./walLineage.ts";
import { walSalts } from "./walState.ts";

/** What changes all the time is not read more often than this; nothing is opened meanwhile. */
const scanAgainMs = 200;
/** Where nothing is about to be opened it is read only so that a WAL that does not belong here is said at once. */
const scanIdleAgainMs = 5_000;

/** What a look at residue depends on: the files as they were last written, and the database's header. */
export function residueFingerprint({ database, wal, journal, header }: Observation): string {
  const headerHex = header?.kind === "header" ? header.header.bytesHex : (header?.kind ?? "none");
  return [fileMark(database), fileMark(wal), fileMark(journal), headerHex].join(" ");
}

/** The look, if nothing has changed since. */
export function presentResidueLook(observation: Observation, state: DatabaseState): ResidueLook | null {
  const look = state.residueLook;
  return look !== null && look.fingerprint === residueFingerprint(observation) ? look : null;
}

/** "later": it changed again just now; until it is read nothing may be opened. */
export function residueScanDue(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): "now" | "later" | "no" {
  if (observation.database.kind !== "regular" || observation.header?.kind !== "header") return "no";
  // With a look at it begins another attempt to copy what is damaged.
  if (damageCopyDue(observation, state, nowMs)) return "now";
  const wanted = whyWanted(observation, state, config, nowMs);
  if (wanted === "no" || presentResidueLook(observation, state) !== null) return "no";
  const ageMs = state.residueLook === null ? Infinity : nowMs - state.residueLook.lookedAtMs;
  const isDue = ageMs < 0 || ageMs >= (wanted === "idle" ? scanIdleAgainMs : scanAgainMs);
  if (isDue) return "now";
  return wanted === "idle" ? "no" : "later";
}

function whyWanted(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): "no" | "idle" | "opening" {
  // What was refused is judged again when it changed, whoever has it open now.
  if (state.strangeWal !== null || isEarlierFileBack(observation, state)) return "opening";
  if (state.guards.length > 0 || state.stage === "missing") return "no";
  if (residueOf(observation, state.openers) === null) return "no";
  // In mode observe it is looked at once, for the report.
  if (config.mode === "observe") return state.stage === "guards" ? "opening" : "no";
  if (state.stage !== "ended") return "opening";
  if (state.run !== null && state.run.step !== "begin") return "no";
  return isAboutToOpen(observation, state, config, nowMs) ? "opening" : "idle";
}

/**
 * The file that the WAL goes with is there again, by its inode. Another may have got the same number, so whether they
 * go together is judged by what is in them.
 */
export function isEarlierFileBack(
  { database }: Observation,
  { earlierWalSalts, earlierIdentity }: DatabaseState,
): boolean {
  return earlierWalSalts !== null && database.kind === "regular" && database.identity === earlierIdentity;
}

/** In steady state. The steps of a checkpoint follow its beginning so closely that one look is for all. */
function isAboutToOpen(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  const beginsCheckpoint = state.run === null ? state.pendingCheckpoint !== null : state.run.step === "begin";
  const beginsCheck = state.pendingChecks.length > 0 && !state.checkRunning;
  if (beginsCheckpoint || beginsCheck) return true;
  return (
    wantsJournalMode(observation, state, config, nowMs) && decideJournalMode(observation, state, config).set
  );
}

/** Null: what lies there now was not read, or could not be. */
export function lineageOf(observation: Observation, state: DatabaseState): WalLineage | null {
  const look = presentResidueLook(observation, state);
  const { header, database } = observation;
  if (look === null || header?.kind !== "header" || database.kind !== "regular") return null;
  if (look.wal.kind === "none") return { kind: "nothing" };
  if (look.wal.kind === "unknown") return { kind: "undecided", reason: look.wal.reason };
  const { scan } = look.wal;
  const remembered = state.headerBesideWal;
  return judgeLineage({
    header: header.header,
    databaseBytes: database.sizeBytes,
    mxFrame: scan.mxFrame,
    pageCount: scan.pageCount,
    pageOne: scan.pageOne,
    pagesBehindCount: scan.pagesBehindCount,
    lowestPageCount: scan.lowestPageCount,
    heldPageCount: scan.heldPageCount,
    carriesHeader: scan.carriesDatabaseHeader,
    ...(remembered?.walSalts === walSalts(observation) ? memoryOf(remembered) : { rememberedHex: null }),
    strayPages: look.wal.strayPages ?? null,
    journalMayBeHot: isMaybeHot(look.journal),
  });
}

function memoryOf({
  headerHex,
  otherHex,
  liveHex = null,
}: HeaderBesideWal): Pick<LineageEvidence, "rememberedHex" | "settledHexes" | "liveHex"> {
  return typeof otherHex === "string"
    ? { rememberedHex: null, settledHexes: [headerHex, otherHex], liveHex }
    : { rememberedHex: headerHex, liveHex };
}

/** SQLite takes a journal for hot by its first byte (rollbackJournal.ts); what cannot be read may be. */
export function isMaybeHot(journal: JournalResidueLook): boolean {
  if (journal.kind === "none") return false;
  if (journal.kind === "unknown") return true;
  return journal.header.kind !== "empty" && journal.header.kind !== "zeroed";
}
