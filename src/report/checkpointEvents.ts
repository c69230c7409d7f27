/**
 * Which phrase and level a checkpoint or a check that ended is logged with. Pure tables: every trigger and
 * outcome has its own phrase, so a new one does not compile until it has been named.
 */
import type { CheckpointOutcomeName, CheckpointTrigger, IntegrityStatus } from "../domain/status.ts";
import type { LogLevel } from "./log.ts";
import { type LogPhrase, logPhrases } from "./logPhrases.ts";

type CheckpointEnd = "completed" | "incomplete" | "failed" | "skipped";

const checkpointEnds: Readonly<Record<CheckpointOutcomeName, CheckpointEnd>> = {
  reset: "completed",
  truncated: "completed",
  complete: "completed",
  incomplete: "incomplete",
  failed: "failed",
  skipped: "skipped",
};

const checkpointPhrases: Readonly<Record<CheckpointTrigger, Readonly<Record<CheckpointEnd, LogPhrase>>>> = {
  "startup-recovery": {
    completed: logPhrases.recoveryCheckpointCompleted,
    incomplete: logPhrases.recoveryCheckpointIncomplete,
    failed: logPhrases.recoveryCheckpointFailed,
    skipped: logPhrases.recoveryCheckpointSkipped,
  },
  periodic: {
    completed: logPhrases.periodicCheckpointCompleted,
    incomplete: logPhrases.periodicCheckpointIncomplete,
    failed: logPhrases.periodicCheckpointFailed,
    skipped: logPhrases.periodicCheckpointSkipped,
  },
  demand: {
    completed: logPhrases.demandCheckpointCompleted,
    incomplete: logPhrases.demandCheckpointIncomplete,
    failed: logPhrases.demandCheckpointFailed,
    skipped: logPhrases.demandCheckpointSkipped,
  },
  shutdown: {
    completed: logPhrases.shutdownCheckpointCompleted,
    incomplete: logPhrases.shutdownCheckpointIncomplete,
    failed: logPhrases.shutdownCheckpointFailed,
    skipped: logPhrases.shutdownCheckpointSkipped,
  },
};

const checkpointLevels: Readonly<Record<CheckpointEnd, LogLevel>> = {
  completed: "info",
  incomplete: "warn",
  failed: "error",
  skipped: "info",
};

export function checkpointEvent(
  trigger: CheckpointTrigger,
  outcome: CheckpointOutcomeName,
  caughtUp: boolean,
): { readonly level: LogLevel; readonly phrase: LogPhrase } {
  const end = checkpointEnds[outcome];
  // A database that is not in WAL mode is skipped at every round, for months.
  const quiet = end === "skipped" && trigger === "periodic";
  // Beside a writer that never pauses every round ends incomplete: no reason to wake anybody.
  const expected = end === "incomplete" && caughtUp;
  const level = quiet ? "debug" : expected ? "info" : checkpointLevels[end];
  return { level, phrase: checkpointPhrases[trigger][end] };
}

interface CheckPhrases {
  readonly passed: LogPhrase;
  readonly failed: LogPhrase;
}

/** Before recovery only quick_check looks, so the evidence trigger has one pair of phrases. */
const evidence: CheckPhrases = {
  passed: logPhrases.evidenceCheckPassed,
  failed: logPhrases.evidenceCheckFailed,
};

const checkPhrases: Readonly<
  Record<IntegrityStatus["trigger"], Readonly<Record<IntegrityStatus["check"], CheckPhrases>>>
> = {
  evidence: { quick_check: evidence, integrity_check: evidence },
  startup: {
    quick_check: { passed: logPhrases.startupQuickCheckPassed, failed: logPhrases.startupQuickCheckFailed },
    integrity_check: {
      passed: logPhrases.startupIntegrityCheckPassed,
      failed: logPhrases.startupIntegrityCheckFailed,
    },
  },
  schedule: {
    quick_check: {
      passed: logPhrases.scheduledQuickCheckPassed,
      failed: logPhrases.scheduledQuickCheckFailed,
    },
    integrity_check: {
      passed: logPhrases.scheduledIntegrityCheckPassed,
      failed: logPhrases.scheduledIntegrityCheckFailed,
    },
  },
  demand: {
    quick_check: { passed: logPhrases.demandQuickCheckPassed, failed: logPhrases.demandQuickCheckFailed },
    integrity_check: {
      passed: logPhrases.demandIntegrityCheckPassed,
      failed: logPhrases.demandIntegrityCheckFailed,
    },
  },
};

/** Only an "ok" passed: a check without a verdict is logged as failed, with its verdict beside it. */
export function checkEvent(status: IntegrityStatus): {
  readonly level: LogLevel;
  readonly phrase: LogPhrase;
} {
  const phrases = checkPhrases[status.trigger][status.check];
  if (status.verdict === "ok") return { level: "info", phrase: phrases.passed };
  return { level: status.verdict === "structural" ? "error" : "warn", phrase: phrases.failed };
}
