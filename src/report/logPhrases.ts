/**
 * The phrases of the log, each written down once. They are an interface: operators search and alert on
 * them, so a phrase is never changed, only added. The level belongs to the event (events.ts), not to the
 * phrase.
 */
export const logPhrases = {
  daemonStarted: "daemon started",
  daemonReady: "startup of every database ended",
  daemonStopping: "daemon stopping",
  daemonStopped: "daemon stopped",
  configurationReloaded: "configuration reloaded",
  internalError: "internal error",
  configurationWarning: "configuration warning",
  configurationRefused: "configuration refused",
  logLinesDropped: "log lines dropped",
  requestFailed: "request failed",

  residueDetected: "startup detected WAL residue",
  evidenceCheckPassed: "evidence quick_check passed",
  evidenceCheckFailed: "evidence quick_check failed",
  profileVerified: "startup profile verified",
  profileFailed: "startup profile failed",
  recoveryCheckpointCompleted: "startup-recovery checkpoint completed",
  recoveryCheckpointIncomplete: "startup-recovery checkpoint incomplete",
  recoveryCheckpointFailed: "startup-recovery checkpoint failed",
  recoveryCheckpointSkipped: "startup-recovery checkpoint skipped",
  startupQuickCheckPassed: "startup quick_check passed",
  startupQuickCheckFailed: "startup quick_check failed",
  startupIntegrityCheckPassed: "startup integrity_check passed",
  startupIntegrityCheckFailed: "startup integrity_check failed",
  startupEnded: "startup ended",

  periodicCheckpointCompleted: "periodic-checkpoint completed",
  periodicCheckpointIncomplete: "periodic-checkpoint incomplete",
  periodicCheckpointFailed: "periodic-checkpoint failed",
  periodicCheckpointSkipped: "periodic-checkpoint skipped",
  demandCheckpointCompleted: "demand checkpoint completed",
  demandCheckpointIncomplete: "demand checkpoint incomplete",
  demandCheckpointFailed: "demand checkpoint failed",
  demandCheckpointSkipped: "demand checkpoint skipped",
  shutdownCheckpointCompleted: "shutdown checkpoint completed",
  shutdownCheckpointIncomplete: "shutdown checkpoint incomplete",
  shutdownCheckpointFailed: "shutdown checkpoint failed",
  shutdownCheckpointSkipped: "shutdown checkpoint skipped",

  scheduledQuickCheckPassed: "scheduled quick_check passed",
  scheduledQuickCheckFailed: "scheduled quick_check failed",
  scheduledIntegrityCheckPassed: "scheduled integrity_check passed",
  scheduledIntegrityCheckFailed: "scheduled integrity_check failed",
  demandQuickCheckPassed: "demand quick_check passed",
  demandQuickCheckFailed: "demand quick_check failed",
  demandIntegrityCheckPassed: "demand integrity_check passed",
  demandIntegrityCheckFailed: "demand integrity_check failed",

  modeLowered: "mode lowered",
  modeRestored: "mode restored",
  guardRefused: "guard refused",
  guardCleared: "guard cleared",
  databaseMissing: "database missing",
  databaseAppeared: "database appeared",
  databaseReplaced: "database replaced",
  observationFailed: "observation failed",
  readinessChanged: "readiness changed",
  operationFailed: "operation failed",
  sqlWorkerFailed: "sql worker failed",
  globMatchRefused: "glob match refused",
} as const;

export type LogPhrase = (typeof logPhrases)[keyof typeof logPhrases];
