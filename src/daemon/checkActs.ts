/** Integrity checks: before recovery, at startup, by schedule, on demand. All on read-only connections. */
import type { CheckResult, Failure, Outcome } from "../domain/outcome.ts";
import type { IntegrityStatus } from "../domain/status.ts";
import { findingsOf, verdictOf } from "../policy/integrityVerdict.ts";
import { clearedRetry, enterStage, type PendingCheck } from "../policy/state.ts";
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
  const status = await runCheck(act, check, "startup");
  if (status !== null) advance(act, "ended");
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
    const outcome = await ask(act, pending.check);
    const status = outcome.ok
      ? statusOf(act, outcome, pending.check, pending.trigger)
      : unknownStatus(act, outcome, pending.check, pending.trigger);
    // A file that was replaced meanwhile: what was proven of the old one says nothing about the new one. A check
    // that the daemon's own end cut short has failed nobody.
    const isCutShort = !outcome.ok && outcome.reason === "stopped";
    if (!isCutShort && memory.state.identity === targetOf(act.observation).identity) keep(act, status, true);
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
  const outcome = await ask(act, check);
  if (!outcome.ok && outcome.reason !== "deadline") {
    failed(act, outcome);
    return null;
  }
  const status = outcome.ok
    ? statusOf(act, outcome, check, trigger)
    : unknownStatus(act, outcome, check, trigger);
  keep(act, status, false);
  return status;
}

function ask(act: Act, check: Check): Promise<Outcome<CheckResult>> {
  const { context, config, observation, checkSignal } = act;
  const { findingsMax, deadlineMs } = config.integrity;
  return context.run(
    { kind: "integrityCheck", profile: config.profile, check, findingsMax },
    targetOf(observation),
    { lane: "long", deadlineMs, signal: checkSignal },
  );
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
    findingsTruncated: result.truncated,
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
  return {
    check,
    verdict: "unknown",
    trigger,
    findings: [`${failure.operation} did not end: ${failure.code ?? failure.reason} ${failure.message}`],
    findingsTruncated: false,
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
