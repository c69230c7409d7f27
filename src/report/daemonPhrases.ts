/** Phrases about the daemon itself: its life, its configuration, its worker processes, its interface. */
import type { PhraseEntries } from "./phraseEntry.ts";

export const daemonPhrases = {
  daemonStarted: {
    phrase: "daemon started",
    levels: ["info"],
    when: "it listens; with versions, databases, address and socket",
    action: "nothing",
  },
  daemonReady: {
    phrase: "startup of every database ended",
    levels: ["info"],
    when: "once, with the readiness that came of it",
    action: "nothing",
  },
  daemonStopping: {
    phrase: "daemon stopping",
    levels: ["info"],
    when: "a signal came; with its name",
    action: "nothing",
  },
  daemonStopped: {
    phrase: "daemon stopped",
    levels: ["info"],
    when: "the last line of a graceful end",
    action: "nothing",
  },
  internalError: {
    phrase: "internal error",
    levels: ["error"],
    when: "a programming error ends the daemon with exit status 70; with its stack",
    action: "report it with the line; let the service manager start the daemon again",
  },
  configurationReloaded: {
    phrase: "configuration reloaded",
    levels: ["info"],
    when: "after SIGHUP; with databases added, removed and changed",
    action: "restart the daemon for the keys under `needsRestart`",
  },
  configurationWarning: {
    phrase: "configuration warning",
    levels: ["warn"],
    when: "accepted, but probably not what was meant",
    action: "read `warning`; `check-config` shows where a value came from",
  },
  configurationRefused: {
    phrase: "configuration refused",
    levels: ["error"],
    when: "after SIGHUP the configuration has problems; the one before stays",
    action: "mend what `problems` lists, then SIGHUP again",
  },
  globMatchesNothing: {
    phrase: "glob matches nothing",
    levels: ["warn"],
    when: "no file fits a pattern of the configuration",
    action: "check `pattern` for a slip; it is expanded again and again",
  },
  globMatchRefused: {
    phrase: "glob match refused",
    levels: ["warn"],
    when: "a file fits a pattern and cannot be watched",
    action: "read `reason`; name the file under `databases` if it is one",
  },
  sqlWorkerFailed: {
    phrase: "sql worker failed",
    levels: ["warn", "error"],
    when: "a worker process crashed, did not start or passed its deadline; `warn` when it was idle",
    action: "nothing once: another one is started; when it comes again read `reason`",
  },
  requestFailed: {
    phrase: "request failed",
    levels: ["error"],
    when: "an HTTP request was answered with 500; with its stack",
    action: "report it with the line",
  },
  logLinesDropped: {
    phrase: "log lines dropped",
    levels: ["warn"],
    when: "whoever reads the log was too slow; with how many lines are lost",
    action: "look at what reads the daemon's standard output",
  },
} as const satisfies PhraseEntries;
