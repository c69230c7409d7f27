/** Phrases about checkpoints, integrity checks and other work on a database. */
import type { PhraseEntries } from "./phraseEntry.ts";

const completed = {
  levels: ["info"],
  when: "every frame is in the database; with outcome, frames, duration and how long writers were kept out",
  action: "nothing",
} as const;

const incomplete = {
  levels: ["info", "warn"],
  when: "frames remain; `reason` says why, `holders` who held the WAL back; `info` with `caughtUp: true`",
  action: "end the long reader that `holders` names, or declare the busy timeout",
} as const;

const failed = {
  levels: ["error"],
  when: "SQLite answered an error, or the worker did not come back; three in a row: not ready",
  action: "read `reason`; disk full, rights and damage are the usual causes",
} as const;

const skipped = {
  when: "left out for `reason`: no WAL mode, a guard, a replicator, the WAL-reset bug",
  action: "nothing, or what `reason` advises",
} as const;

/** A database that is not in WAL mode is skipped at every round, for months: at its level the log says nothing. */
const unprinted = {
  when: "the same at a round of the schedule; not printed: status and readiness say it",
  action: "nothing",
} as const;

const passed = { levels: ["info"], when: "the check found nothing", action: "nothing" } as const;

const found = {
  levels: ["warn", "error"],
  when: "`verdict` says what: structural (`error`), content, foreign_keys, undecidable or unknown; with findings",
  action:
    "structural: restore a backup; content: REINDEX; foreign_keys: mend the rows; unknown: look at `deadline`",
} as const;

export const operationPhrases = {
  recoveryCheckpointCompleted: { phrase: "startup-recovery checkpoint completed", ...completed },
  periodicCheckpointCompleted: { phrase: "periodic-checkpoint completed", ...completed },
  demandCheckpointCompleted: { phrase: "demand checkpoint completed", ...completed },
  shutdownCheckpointCompleted: { phrase: "shutdown checkpoint completed", ...completed },
  recoveryCheckpointIncomplete: { phrase: "startup-recovery checkpoint incomplete", ...incomplete },
  periodicCheckpointIncomplete: { phrase: "periodic-checkpoint incomplete", ...incomplete },
  demandCheckpointIncomplete: { phrase: "demand checkpoint incomplete", ...incomplete },
  shutdownCheckpointIncomplete: { phrase: "shutdown checkpoint incomplete", ...incomplete },
  recoveryCheckpointFailed: { phrase: "startup-recovery checkpoint failed", ...failed },
  periodicCheckpointFailed: { phrase: "periodic-checkpoint failed", ...failed },
  demandCheckpointFailed: { phrase: "demand checkpoint failed", ...failed },
  shutdownCheckpointFailed: { phrase: "shutdown checkpoint failed", ...failed },
  recoveryCheckpointSkipped: { phrase: "startup-recovery checkpoint skipped", levels: ["info"], ...skipped },
  demandCheckpointSkipped: { phrase: "demand checkpoint skipped", levels: ["info"], ...skipped },
  shutdownCheckpointSkipped: { phrase: "shutdown checkpoint skipped", levels: ["info"], ...skipped },
  periodicCheckpointSkipped: { phrase: "periodic-checkpoint skipped", levels: ["debug"], ...unprinted },

  startupQuickCheckPassed: { phrase: "startup quick_check passed", ...passed },
  startupIntegrityCheckPassed: { phrase: "startup integrity_check passed", ...passed },
  scheduledQuickCheckPassed: { phrase: "scheduled quick_check passed", ...passed },
  scheduledIntegrityCheckPassed: { phrase: "scheduled integrity_check passed", ...passed },
  demandQuickCheckPassed: { phrase: "demand quick_check passed", ...passed },
  demandIntegrityCheckPassed: { phrase: "demand integrity_check passed", ...passed },
  startupQuickCheckFailed: { phrase: "startup quick_check failed", ...found },
  startupIntegrityCheckFailed: { phrase: "startup integrity_check failed", ...found },
  scheduledQuickCheckFailed: { phrase: "scheduled quick_check failed", ...found },
  scheduledIntegrityCheckFailed: { phrase: "scheduled integrity_check failed", ...found },
  demandQuickCheckFailed: { phrase: "demand quick_check failed", ...found },
  demandIntegrityCheckFailed: { phrase: "demand integrity_check failed", ...found },

  integrityCheckProgress: {
    phrase: "integrity check progress",
    levels: ["info"],
    when: "a check that takes longer than ten seconds: percent and remaining time where they are known, `pausedFor` while it waits",
    action: "nothing; see `integrity.walMax` when it waits for long",
  },

  operationFailed: {
    phrase: "operation failed",
    levels: ["warn", "error"],
    when: "SQLite or a sync answered an error; `warn` where a retry may help, and it is retried",
    action: "read `code` and `message`; `error` will not pass by itself",
  },
} as const satisfies PhraseEntries;
