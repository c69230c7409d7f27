/** Phrases of the startup sequence of a database, in the order in which they come. */
import type { PhraseEntries } from "./phraseEntry.ts";

export const startupPhrases = {
  restartJudged: {
    phrase: "restart verdict",
    levels: ["info", "warn", "error"],
    when: "what became of the database since the daemon last saw it, with figures; `error` for lost commits",
    action: "read [after a crash](#after-a-crash)",
  },
  residueDetected: {
    phrase: "startup detected WAL residue",
    levels: ["warn"],
    when: "frames or a journal were left and nobody is connected; no proof of a crash",
    action:
      "nothing: it is recovered; the report in the state directory tells what was there. With `droppedCommitCountMin` see `damaged WAL kept`",
  },
  damagedWalKept: {
    phrase: "damaged WAL kept",
    levels: ["warn"],
    when: "a WAL is broken with commits behind the break: it was copied to `walPath` before anything was opened",
    action: "`walwarden inspect` it, compare the database with a backup; remove the copy when you are done",
  },
  damagedWalNotKept: {
    phrase: "damaged WAL not kept",
    levels: ["error"],
    when: "it could not be copied, for `reason`; the daemon does not open the database, and tries again",
    action:
      "make room or mend the state directory; or copy database, `-wal` and `-shm`, and open it with `sqlite3`",
  },
  residueReportNotWritten: {
    phrase: "residue report not written",
    levels: ["warn"],
    when: "the report of what was left could not be written; the startup goes on",
    action: "check space and rights of the state directory",
  },
  evidenceCheckPassed: {
    phrase: "evidence quick_check passed",
    levels: ["info"],
    when: "read-only, before anything writes, because a WAL was left or SQLite called the file corrupt",
    action: "nothing",
  },
  evidenceCheckFailed: {
    phrase: "evidence quick_check failed",
    levels: ["warn", "error"],
    when: "the same check found something or had no verdict; `error`: structural, and nothing is written",
    action: "copy database, `-wal` and `-shm` aside, then restore a backup",
  },
  profileVerified: {
    phrase: "startup profile verified",
    levels: ["info"],
    when: "with `journal_mode`, `synchronous` and the others, as read back",
    action: "nothing",
  },
  profileFailed: {
    phrase: "startup profile failed",
    levels: ["error"],
    when: "a value of the profile did not hold, or SQLite refused; it is tried again",
    action: "read `deviations` or `message`; not ready while the journal mode does not hold",
  },
  startupEnded: {
    phrase: "startup ended",
    levels: ["info"],
    when: "the sequence of one database is over; with `ready` and how long it took",
    action: "when `ready` is false see status",
  },
} as const satisfies PhraseEntries;
