/** Phrases of the witness: exposure, who holds the WAL, what runs beside it, and what is remembered. */
import type { PhraseEntries } from "./phraseEntry.ts";

export const witnessPhrases = {
  exposureDetected: {
    phrase: "exposure detected",
    levels: ["warn"],
    when: "commits are not on disk: how many, since when, by one of which processes",
    action: "set `synchronous` to FULL in the application, or a bound (`exposureMax`)",
  },
  exposureEnded: {
    phrase: "exposure ended",
    levels: ["info"],
    when: "none for a minute",
    action: "nothing",
  },
  exposureBoundMissed: {
    phrase: "exposure bound missed",
    levels: ["warn"],
    when: "one sync took longer than the bound",
    action: "the disk is too slow for the bound: raise it or move the database",
  },
  unsaltedFrames: {
    phrase: "frames without salts",
    levels: ["warn"],
    when: "a WAL in use holds committed frames that recovery would stop at: which, since when, what follows",
    action: "follow `advice`: the WAL has to be reset, and the application's SQLite upgraded",
  },
  unsaltedFramesGone: {
    phrase: "frames without salts gone",
    levels: ["info"],
    when: "that WAL was reset, or is gone, and no other with such frames came for 5 to 25 s",
    action: "nothing",
  },
  unsaltedFramesLost: {
    phrase: "recovery ended before frames without salts",
    levels: ["error"],
    when: "a recovery ended before a frame without salts: which, what is lost or may be",
    action: "follow `advice`: check the database and compare it with a backup",
  },
  walPinned: {
    phrase: "wal pinned",
    levels: ["warn"],
    when: "a reader has held back frames for 5 s or more; `holders` names it",
    action: "end or shorten its read transaction",
  },
  walPinReleased: {
    phrase: "wal pin released",
    levels: ["info"],
    when: "no pin for 10 s",
    action: "nothing",
  },
  walVerdictChanged: {
    phrase: "wal verdict changed",
    levels: ["info", "warn"],
    when: "from, to, reason, holders; `warn` for starved and write-storm",
    action: "read [who holds the WAL](#who-holds-the-wal)",
  },
  affectedSqlite: {
    phrase: "affected sqlite version",
    levels: ["warn"],
    when: "a connected process runs a SQLite with the WAL-reset bug: pid, version",
    action: "follow `advice`: upgrade it, or leave checkpoints to the daemon",
  },
  replicatorDetected: {
    phrase: "replicator detected",
    levels: ["info"],
    when: "Litestream or LiteFS: checkpoints are left to it",
    action: "nothing",
  },
  replicatorGone: {
    phrase: "replicator gone",
    levels: ["info"],
    when: "it is no longer seen; the daemon checkpoints again",
    action: "start it again if it should run",
  },
  restoreAnnounced: {
    phrase: "restore announced",
    levels: ["info"],
    when: "what changes the file within the next hour is a restore",
    action: "nothing",
  },
  ledgerUnreadable: {
    phrase: "ledger unreadable",
    levels: ["error"],
    when: "it was set aside, or stays with `asidePath: null`; restarts are judged without it",
    action: "check the disk of the state directory; move the file away if it stayed",
  },
  ledgerWriteFailed: {
    phrase: "ledger write failed",
    levels: ["warn"],
    when: "what a restart will say may be older than it should be; it is tried again",
    action: "check space and rights of the state directory",
  },
  ledgerWrittenAgain: {
    phrase: "ledger written again",
    levels: ["info"],
    when: "the trouble is over",
    action: "nothing",
  },
} as const satisfies PhraseEntries;
