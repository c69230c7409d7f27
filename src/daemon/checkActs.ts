/** Integrity checks: before recovery, at startup, by schedule, on demand. All on read-only connections. */
import type { CheckResult, Failure, Outcome } from "../domain/outcome.ts";
import type { IntegrityStatus } from "../domain/status.ts";
import { standardSizes } from "../policy/integrityParts.ts";
import { findingDetails, findingsOf, verdictOf } from "../policy/integrityVerdict.ts";
import { clearedRetry, enterStage, type PendingCheck } from "../policy/state.ts";
import { fingerprintOf, recordToRestOn } from "../policy/unchangedDatabase.ts";
import { createCheckPause } from "./checkPause.ts";
import { keepProgress } from "./checkProgress.ts";
import { runCheck as runDividedCheck } from "./checkRun.ts";
import { type Act, advance, failed, targetOf } from "./startupActs.ts";

type Check = IntegrityStatus["check"];

/** With residue, before anything writes: what it finds stops the sequence before the recovery checkpoint. */
export async function evidenceCheck(act: Act): Promise<void> {
  const status = await runCheck(act, "quick_check", "evidence");
  if (status === null) return;
  const nowMs = act.context.clock.nowMs();
  act.memory.update((state) => enterStage(state, "profile", nowMs));
}

/** One that did not end within its deadline ends the sequence too: with `unknown`. */
export async function startupCheck(act: Act, check: Check): Promise<void> {
  // The check may have to wait for its turn. And what is copied whole must not stay so beside whoever connects meanwhile:
  // when nobody is connected the check recovers the WAL-index, with nothing copied (policy/walResetRisk.ts).
  await act.context.startupConnection.end();
  const status = await runCheck(act, check, "startup");
  if (status !== null) advance(act, "ended");
}

/** An ok without reading, where nothing has changed since an earlier one and the operator believes it; null: none. */
function earlierOk(act: Act, check: Check, trigger: IntegrityStatus["trigger"]): IntegrityStatus | null {
  const { context, config, observation } = act;
  if (trigger !== "startup" && trigger !== "schedule") return null;
  const { unchangedMaxMs } = config.integrity;
  const records = context.checkRecords.of(config.name);
  const record = recordToRestOn(records, check, observation, unchangedMaxMs, context.clock.nowMs());
  if (record === null) return null;
  const { endedAtMs, durationMs } = record;
  const nothing = { findings: [], findingDetails: [], findingsTruncated: false };
  return { check, verdict: "ok", trigger, ...nothing, restsOn: record.check, endedAtMs, durationMs };
}

/** Only of a database that looks after the check as it did before it. */
async function noteOk(act: Act, status: IntegrityStatus): Promise<void> {
  const { context, config, observation } = act;
  if (config.integrity.unchangedMaxMs === 0 || status.verdict !== "ok" || status.restsOn !== null) return;
  const fingerprint = fingerprintOf(observation);
  if (fingerprint === null || fingerprintOf(await context.observe(config.path)) !== fingerprint) return;
  const { check, endedAtMs, durationMs } = status;
  context.checkRecords.note(config.name, { check, fingerprint, endedAtMs, durationMs });
}

/** Takes the check off the queue; a check that did not end is `unknown`, never ok. */
export async function pendingCheck(act: Act, pending: PendingCheck): Promise<IntegrityStatus> {
  const { memory } = act;
  memory.update((state) => ({
    ...state,
    checkRunning: true,
    pendingChecks: state.pendingChecks.filter((other) => other !== pending),
  }));
  try {
    const rested = earlierOk(act, pending.check, pending.trigger);
    if (rested !== null) {
      keep(act, rested, true);
      return rested;
    }
    const outcome = await ask(act, pending.check, pending.trigger);
    const status = outcome.ok
      ? statusOf(act, outcome, pending.check, pending.trigger)
      : unknownStatus(act, outcome, pending.check, pending.trigger);
    // A file that was replaced meanwhile: what was proven of the old one says nothing about the new one. A check
    // that the daemon's own end cut short has failed nobody.
    const isCutShort = !outcome.ok && outcome.reason === "stopped";
    if (!isCutShort && memory.state.identity === targetOf(act.observation).identity) {
      keep(act, status, true);
      await noteOk(act, status);
    }
    return status;
  } finally {
    memory.update((state) => ({ ...state, checkRunning: false }));
  }
}

/** @returns null when the operation failed in a way that is tried again; that is noted here. */
async function runCheck(
  act: Act,
  check: Check,
  trigger: IntegrityStatus["trigger"],
): Promise<IntegrityStatus | null> {
  const rested = earlierOk(act, check, trigger);
  if (rested !== null) {
    keep(act, rested, false);
    return rested;
  }
  const outcome = await ask(act, check, trigger);
  if (!outcome.ok && outcome.reason !== "deadline") {
    failed(act, outcome);
    return null;
  }
  const status = outcome.ok
    ? statusOf(act, outcome, check, trigger)
    : unknownStatus(act, outcome, check, trigger);
  keep(act, status, false);
  await noteOk(act, status);
  return status;
}

/** Scheduled checks give way to everything else; somebody waits for the others. */
async function ask(
  act: Act,
  check: Check,
  trigger: IntegrityStatus["trigger"],
): Promise<Outcome<CheckResult>> {
  const { context, config, observation, checkSignal } = act;
  const { findingsMax, deadlineMs } = config.integrity;
  const { database, wal } = observation;
  // While the startup sequence waits for its check there is no checkpoint that a pause could help: full speed.
  const pauses = trigger === "schedule" || trigger === "demand";
  const pause = createCheckPause(act, () => progress.update());
  using progress = keepProgress(act, { check, trigger }, pause.reason);
  const target = targetOf(observation);
  const giveBack =
    trigger === "schedule" && target.identity !== null
      ? await context.keepPageCache(target.path, target.identity)
      : null;
  /** After each part, so that a file larger than the memory pushes nothing out either. */
  const run: typeof context.run = async (...asked) => {
    const outcome = await context.run(...asked);
    await giveBack?.();
    return outcome;
  };
  return await runDividedCheck({
    run,
    target,
    profile: config.profile,
    check,
    findingsMax,
    deadlineMs,
    lane: trigger === "schedule" ? "background" : "long",
    workerCount: context.checkWorkerCount,
    sizes: standardSizes,
    fileBytes:
      (database.kind === "regular" ? database.sizeBytes : 0) + (wal.kind === "regular" ? wal.sizeBytes : 0),
    signal: checkSignal,
    nowMs: () => context.clock.monotonicMs(),
    onTally: progress.note,
    beforePart: pauses ? pause.wait : () => Promise.resolve(),
  });
}

function statusOf(
  act: Act,
  result: CheckResult,
  check: Check,
  trigger: IntegrityStatus["trigger"],
): IntegrityStatus {
  return {
    check,
    verdict: verdictOf(result),
    trigger,
    findings: findingsOf(result),
    findingDetails: findingDetails(result),
    findingsTruncated: result.truncated,
    restsOn: null,
    endedAtMs: act.context.clock.nowMs(),
    durationMs: result.durationMs,
  };
}

function unknownStatus(
  act: Act,
  failure: Failure,
  check: Check,
  trigger: IntegrityStatus["trigger"],
): IntegrityStatus {
  const message = `${failure.operation} did not end: ${failure.code ?? failure.reason} ${failure.message}`;
  return {
    check,
    verdict: "unknown",
    trigger,
    findings: [message],
    findingDetails: [{ class: "undecidable", table: null, index: null, page: null, rowid: null, message }],
    findingsTruncated: false,
    restsOn: null,
    endedAtMs: act.context.clock.nowMs(),
    durationMs: 0,
  };
}

/**
 * The verdict of a check stands until the same check says otherwise; one that did not end takes nothing back
 * that was proven before.
 */
function keep(act: Act, status: IntegrityStatus, keepProven: boolean): void {
  const { context, config, memory, observation } = act;
  const modifiedAtMs = observation.database.kind === "regular" ? observation.database.modifiedAtMs : null;
  memory.update((state) => {
    const earlier = status.check === "quick_check" ? state.quickCheck : state.integrityCheck;
    if (status.verdict === "unknown" && keepProven && earlier !== null) return state;
    const noted = status.verdict === "unknown" ? state : clearedRetry(state);
    const kept = { ...noted, verdictOfModifiedAtMs: modifiedAtMs };
    return status.check === "quick_check"
      ? { ...kept, quickCheck: status }
      : { ...kept, integrityCheck: status };
  });
  context.events.integrityCheckEnded(config.name, status);
  context.metrics.integrity(config.name, status);
}
