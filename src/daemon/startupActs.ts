/** The acts of the startup sequence: each asks the worker, takes the outcome into the memory, reports. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { Target } from "../domain/operation.ts";
import type { Failure, ProfileResult } from "../domain/outcome.ts";
import { afterFailure } from "../policy/backoff.ts";
import type { StartOverReason } from "../policy/decide.ts";
import { connectedToMissing, describeMissing } from "../policy/movedAway.ts";
import { whyNotCreate } from "../policy/startup.ts";
import { mayKeepConnected } from "../policy/startupConnection.ts";
import { clearedRetry, endStartup, enterStage, initialState, type Stage } from "../policy/state.ts";
import { noteFailedSync } from "./failedSyncs.ts";
import type { Memory } from "./memory.ts";
import { noteRecovery, noteResidue } from "./residueActs.ts";
import type { WatchContext } from "./watchContext.ts";

/** Opening waits for locks as long as the busy timeout says, and recovery of a large WAL takes its time. */
const openDeadlineExtraMs = 60_000;

export interface Act {
  readonly context: WatchContext;
  readonly config: DatabaseConfig;
  readonly memory: Memory;
  readonly observation: Observation;
  /** Ends a short operation, when the bound of a shutdown has passed. */
  readonly signal: AbortSignal;
  /** Ends an integrity check at once: it can be run again. */
  readonly checkSignal: AbortSignal;
  /** Whether the database is ready by what is known at the moment of the call. */
  readonly isReady: () => boolean;
}

/** The file that was observed; acts are decided only for regular files. */
export function targetOf(observation: Observation): Target {
  const { resolvedPath, database } = observation;
  if (resolvedPath === null || database.kind !== "regular") {
    throw new Error("an act was decided for a database that is not a regular file");
  }
  return { path: resolvedPath, identity: database.identity };
}

export function startOver(act: Act, because: StartOverReason): void {
  const { context, config, memory, observation } = act;
  void context.startupConnection.end();
  const nowMs = context.clock.nowMs();
  if (because === "rolledBack") {
    context.events.databaseRolledBack(config.name, {
      path: config.path,
      changeCounterBefore: memory.state.headerHistory?.changeCounter ?? null,
      changeCounter: observation.header?.kind === "header" ? observation.header.header.changeCounter : null,
    });
  } else if (because === "replaced") {
    context.events.databaseReplaced(config.name, {
      path: config.path,
      identityBefore: memory.state.identity ?? "",
      identity: observation.database.kind === "regular" ? observation.database.identity : "",
    });
  } else if (because === "vanished") sayMissing(act);
  memory.update((state) => ({
    ...initialState(nowMs),
    stage: because === "vanished" ? "missing" : "guards",
    startupEndedAtMs: because === "vanished" ? state.startupEndedAtMs : null,
    checkRunning: state.checkRunning,
    // A WAL that stays where its database was goes with the earlier file.
    earlierWalSalts:
      because === "replaced" || because === "vanished"
        ? (state.walSalts ?? state.earlierWalSalts)
        : state.earlierWalSalts,
    earlierWalIdentity:
      (because === "replaced" || because === "vanished") && state.walSalts !== null
        ? state.walIdentity
        : state.earlierWalIdentity,
    earlierIdentity: state.earlierWalSalts === null ? state.identity : state.earlierIdentity,
    // What the disk has given up is not back because the sequence begins anew; of another file it is none.
    fsyncError: state.fsyncError,
    headerBesideWal: because === "replaced" || because === "vanished" ? state.headerBesideWal : null,
  }));
  context.metrics.startOver(config.name);
}

function sayMissing({ context, config, observation, memory, isReady }: Act): void {
  const { path, whenMissing } = config;
  const created = whenMissing === "create" ? whyNotCreate(observation, memory.state, config) : null;
  context.events.databaseMissing(config.name, {
    path,
    whenMissing,
    ready: isReady(),
    holders: connectedToMissing(observation),
    advice: describeMissing(observation, config) ?? created ?? "it is picked up when it appears",
  });
}

/** Enters the next stage; on the way into `evidence` residue is looked at and said. */
export function advance(act: Act, to: Stage): void {
  const { context, config, memory, observation } = act;
  const nowMs = context.clock.nowMs();
  const { stage } = memory.state;
  if (stage === "missing" && to === "guards")
    context.events.databaseAppeared(config.name, { path: config.path });
  if (to === "missing" && stage !== "missing") {
    sayMissing(act);
  }
  memory.update((state) => {
    const entered = enterStage(state, to, nowMs);
    return to === "ended" ? endStartup(entered, nowMs) : entered;
  });
  if (to === "evidence") {
    noteResidue(act);
    if (mayKeepConnected(observation, memory.state, config)) context.startupConnection.begin(config.profile);
  } else if (to === "ended" || to === "guards" || to === "missing") void context.startupConnection.end();
  if (to === "ended") {
    if (memory.state.profile !== null && memory.state.replicator === null) noteRecovery(act, 0);
    const durationMs = nowMs - memory.state.sequenceStartedAtMs;
    context.events.startupEnded(config.name, { ready: act.isReady(), durationMs });
    context.ledger.writeSoon();
  }
}

/** The sequence cannot go on; that is a verdict too, and it is tried again at every round. */
export function stopStartup(act: Act): void {
  const { context, memory } = act;
  const nowMs = context.clock.nowMs();
  if (memory.state.startupEndedAtMs !== null) return;
  memory.update((state) => endStartup(state, nowMs));
}

export async function create(act: Act): Promise<void> {
  const { context, config, memory } = act;
  const outcome = await context.run(
    { kind: "create", profile: config.profile },
    { path: config.path, identity: null },
    { lane: "short", deadlineMs: config.profile.busyTimeoutMs + openDeadlineExtraMs, signal: act.signal },
  );
  if (!outcome.ok) return failed(act, outcome);
  context.events.databaseCreated(config.name, { path: config.path });
  const nowMs = context.clock.nowMs();
  memory.update((state) => enterStage(state, "guards", nowMs));
}

export async function applyProfile(act: Act, setJournalMode: boolean): Promise<void> {
  const { context, config, memory, observation } = act;
  const outcome = await context.run(
    { kind: "applyProfile", profile: config.profile, setJournalMode },
    targetOf(observation),
    { lane: "short", deadlineMs: config.profile.busyTimeoutMs + openDeadlineExtraMs, signal: act.signal },
  );
  if (!outcome.ok) return failed(act, outcome);
  const nowMs = context.clock.nowMs();
  const inStartup = memory.state.stage === "profile";
  const flipped = !inStartup && outcome.journalModeChanged;
  reportProfile(act, outcome);
  memory.update((state) => ({
    ...(inStartup ? enterStage(state, "recovery", nowMs) : clearedRetry(state)),
    profile: outcome,
    profileAtMs: nowMs,
    journalModeFlipCount: state.journalModeFlipCount + (flipped ? 1 : 0),
  }));
}

function reportProfile(act: Act, result: ProfileResult): void {
  const { context, config } = act;
  if (result.pragmas.every((reading) => reading.holds)) context.events.profileVerified(config.name, result);
  else context.events.profileFailed(config.name, result);
}

/** An operation failed: it is tried again after a pause, and the first verdict of the sequence stands. */
export function failed(act: Act, failure: Failure): void {
  const { context, config, memory } = act;
  void context.startupConnection.release();
  if (failure.reason === "stopped") return;
  const nowMs = context.clock.nowMs();
  if (memory.state.stage === "profile") context.events.profileFailed(config.name, failure);
  else context.events.operationFailed(config.name, failure);
  noteFailedSync(context, memory, failure);
  memory.update((state) => endStartup({ ...state, retry: afterFailure(state.retry, failure, nowMs) }, nowMs));
}
