/** The verdict of a restart: looked for once for each file, before anything opens it, said and taken over. */
import type { LedgerEntry, RestartLook, RestartVerdict } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import type { WalLineage } from "../domain/residueReport.ts";
import { ledgerHeaderOf, walAfterVerdict } from "../policy/ledgerEntry.ts";
import { recalled, refusedWalOf, standingRefusal } from "../policy/refusedWal.ts";
import { presentResidueLook } from "../policy/residueScan.ts";
import {
  contradictedVerdict,
  isContradicted,
  rememberedAtRestart,
  restartLineage,
} from "../policy/restartLineage.ts";
import { keptCache, restartVerdict } from "../policy/restartVerdict.ts";
import type { DatabaseState } from "../policy/state.ts";
import { walStateOf } from "../policy/walState.ts";
import { noteFailedSync } from "./failedSyncs.ts";
import type { LedgerSource } from "./ledgerKeeper.ts";
import { type Act, targetOf } from "./startupActs.ts";

/** A file that changes at every look is written by somebody who takes no locks. */
const attemptsMax = 3;

interface Looked {
  /** Null: the files changed at every look. */
  readonly look: RestartLook | null;
  /** The one that the look is of. */
  readonly observation: Observation;
}

export async function judgeRestart(act: Act): Promise<void> {
  const { context, config, memory } = act;
  const { path, identity } = targetOf(act.observation);
  const entry = context.ledger.entryOf(path);
  if (takeBack(act, entry)) return;
  const { look, observation } = await lookRepeatedly(act, entry);
  const refused = standingRefusal(entry, observation, memory.state);
  // What came in its place meanwhile begins a sequence of its own.
  if (look !== null && `${look.device}:${look.inode}` !== identity) return;
  const lineage = look === null ? null : restartLineage(entry, look, observation, memory.state);
  if (refused !== null) memory.update((state) => recalled(state, refused, observation));
  // After a cut a checkpoint may be undone, so that an older header lies beside the same WAL.
  if (look !== null)
    memory.update((state) => ({
      ...state,
      headerBesideWal: rememberedAtRestart(entry, look, observation, state),
    }));
  // Only the ledger's memory tells it: the guard has to make sure of it first, and this comes again.
  if (lineage?.kind === "another" && refused === null && memory.state.strangeWal === null) return;
  const verdict = look === null ? changing(observation) : restartVerdict(entry, look, lineage);
  const sameCache = look !== null && entry !== null && keptCache(entry, look);
  const inherits = sameCache && entry.databaseExposed === true && !(await isSynced(act));
  memory.update((state) => ({ ...state, restartVerdict: verdict }));
  context.events.restartJudged(config.name, verdict, entry?.wal ?? null, entry?.writtenAtMs ?? null);
  context.ledger.judged(path, takenAlong(entry, look, verdict, lineage), inherits);
  // Before the verdict nothing could be noted.
  if (memory.state.fsyncError !== null) void context.ledger.write();
}

/** What was said before the WAL could be compared. */
function takeBack({ context, config, memory, observation }: Act, entry: LedgerEntry | null): boolean {
  const { restartVerdict: said, strangeWal } = memory.state;
  if (strangeWal === null || !isContradicted(said, strangeWal)) return false;
  const verdict = contradictedVerdict(said, strangeWal, observation.observedAtMs);
  memory.update((state) => ({ ...state, restartVerdict: verdict }));
  context.events.restartJudged(config.name, verdict, entry?.wal ?? null, entry?.writtenAtMs ?? null);
  return true;
}

async function lookRepeatedly(act: Act, entry: LedgerEntry | null): Promise<Looked> {
  const { context, config, memory } = act;
  let { observation } = act;
  for (let attempt = 1; ; attempt += 1) {
    const { header } = observation;
    const wal = walStateOf(observation);
    const residue = presentResidueLook(observation, memory.state);
    const look = await context.lookAtRestart({
      observation,
      header: header?.kind === "header" ? ledgerHeaderOf(header.header, entry) : null,
      noted: entry?.wal ?? null,
      liveMxFrame: wal.kind === "known" ? wal.mxFrame : null,
      scan: residue?.wal.kind === "scanned" ? residue.wal.scan : null,
    });
    if (look !== null || attempt === attemptsMax) return { look, observation };
    observation = await context.observe(config.path);
  }
}

function changing({ observedAtMs }: Observation): RestartVerdict {
  return {
    kind: "undecidable",
    reason: "the files changed at every look",
    lostExposedCommitCountMin: null,
    lostProvenCommitCountMin: null,
    judgedAtMs: observedAtMs,
  };
}

/** Database pages that were written without a sync before: after one of ours they are on disk, if none has failed. */
async function isSynced({ context, memory, observation }: Act): Promise<boolean> {
  const { path, identity } = targetOf(observation);
  if (identity === null || memory.state.fsyncError !== null) return false;
  const outcome = await context.syncFile(path, identity);
  if (!outcome.ok) noteFailedSync(context, memory, outcome);
  return outcome.ok;
}

/**
 * Of another file nothing is; an announced restore has been seen with this. Beside a WAL of another database all of it
 * stays: it is of the database that the WAL was written for, and that may be put back.
 */
function takenAlong(
  entry: LedgerEntry | null,
  look: RestartLook | null,
  verdict: RestartVerdict,
  lineage: WalLineage | null,
): LedgerEntry | null {
  if (entry === null || look === null) return null;
  if (lineage?.kind === "another" && verdict.kind !== "replaced") return entry;
  const restoreWindowEndsAtMs = verdict.kind === "restored" ? null : entry.restoreWindowEndsAtMs;
  return { ...entry, wal: walAfterVerdict(entry, look, verdict), restoreWindowEndsAtMs };
}

/** What the ledger may note now; null: nothing, for it is not judged yet, or is not what was judged. */
export function ledgerSeenOf(
  observation: Observation | null,
  state: DatabaseState,
): ReturnType<LedgerSource> {
  if (observation?.database.kind !== "regular" || state.restartVerdict === null) return null;
  const isJudged = observation.database.identity === state.identity;
  // One that goes back is judged first: it begins a sequence of its own.
  const goesBack = state.headerHistory !== null && state.headerHistory.wentBackSinceMs !== null;
  if (!isJudged || goesBack || state.strangeWal?.confirmed === false) return null;
  const { exposure, fsyncError } = state;
  return { observation, exposure, fsyncError, refusedWal: refusedWalOf(observation, state) };
}
