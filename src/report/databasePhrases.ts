/** Phrases about a database as it is seen from outside: its file, guards, mode and readiness. */
import type { PhraseEntries } from "./phraseEntry.ts";

export const databasePhrases = {
  readinessChanged: {
    phrase: "readiness changed",
    levels: ["info", "warn", "error"],
    when: "a readiness check changed: `info` ok, `warn` degraded, `error` failed; with reason",
    action: "read `reason`; status lists every check",
  },
  guardRefused: {
    phrase: "guard refused",
    levels: ["warn", "error"],
    when: "something speaks against opening the database; it stays closed, with `mode` and `ready` as they are then; `error` when not ready",
    action: "do what `reason` says; the daemon goes on by itself afterwards",
  },
  guardCleared: {
    phrase: "guard cleared",
    levels: ["info"],
    when: "what spoke against opening it is gone",
    action: "nothing",
  },
  modeLowered: {
    phrase: "mode lowered",
    levels: ["warn"],
    when: "the daemon does less than configured, for `reason` (a guard says it by itself)",
    action: "do what `reason` says",
  },
  modeRestored: {
    phrase: "mode restored",
    levels: ["info"],
    when: "the configured mode holds again",
    action: "nothing",
  },
  databaseMissing: {
    phrase: "database missing",
    levels: ["warn", "error"],
    when: "a watched file is gone; `holders` still have it open where it was moved or removed; `error` when not ready",
    action: "follow `advice`: where a `-wal` is left it says so, and what not to do",
  },
  databaseCreated: {
    phrase: "database created",
    levels: ["info"],
    when: "it was missing, and `whenMissing` is `create`",
    action: "nothing",
  },
  databaseAppeared: {
    phrase: "database appeared",
    levels: ["info"],
    when: "a missing file is there",
    action: "nothing: its startup sequence begins",
  },
  databaseReplaced: {
    phrase: "database replaced",
    levels: ["warn"],
    when: "another file is at the path; its startup sequence begins anew",
    action: "nothing if it was you; else find out who",
  },
  databaseRolledBack: {
    phrase: "database rolled back",
    levels: ["warn"],
    when: "the same file with an earlier content: a restore by `cp`",
    action:
      "`announce-restore` before the next one; stop the application and move `-wal` and `-shm` away first",
  },
  observationFailed: {
    phrase: "observation failed",
    levels: ["warn"],
    when: "the file cannot be looked at; with operation and error code",
    action: "check rights and mount; it is looked at again",
  },
} as const satisfies PhraseEntries;
