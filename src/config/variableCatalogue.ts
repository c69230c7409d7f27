/**
 * Every environment variable that the configuration reads, with the key of the file that it sets and what it
 * means where the key does not say it. README.md is made from it, and a test holds `readVariables` to it.
 */

export interface VariableEntry {
  /** The key of the file that says the same, as in settingKeys and daemonKeys; null: there is none. */
  readonly key: string | null;
  /** Empty: what the key means, as the schema of the file says it. */
  readonly meaning: string;
}

export const variableCatalogue = {
  KVDB_SQLITE_FILE: {
    key: null,
    meaning: "The one database to watch; those that a file lists are not watched then.",
  },
  KVDB_SQLITE_JOURNAL_MODE: { key: "journalMode", meaning: "" },
  KVDB_SQLITE_SYNCHRONOUS: { key: "synchronous", meaning: "" },
  KVDB_SQLITE_BUSY_TIMEOUT_MS: { key: "busyTimeout", meaning: "" },
  KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS: {
    key: "checkpoint.schedule",
    meaning: "How often the WAL is checkpointed; 0 turns periodic checkpoints off.",
  },
  KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP: { key: "integrity.startup", meaning: "" },
  KVDB_SQLITE_FOREIGN_KEYS: { key: "foreignKeys", meaning: "" },
  WALWARDEN_EXPOSURE_MAX_MS: {
    key: "exposureMax",
    meaning:
      "Bound on how long a commit may stay unsynced; 0 turns it off. See [what a power cut would cost](#what-a-power-cut-would-cost).",
  },
  WALWARDEN_MODE: { key: "mode", meaning: "" },
  WALWARDEN_LISTEN: { key: "listen", meaning: "" },
  WALWARDEN_PORT: {
    key: "listen",
    meaning: "The TCP port on the default address; WALWARDEN_LISTEN wins.",
  },
  PORT: { key: "listen", meaning: "The same, where neither a flag nor another variable says the address." },
  WALWARDEN_CONFIG: { key: null, meaning: "The configuration file; the flag --config wins." },
  NODE_ENV: {
    key: null,
    meaning:
      "With development a missing database is created, with every other word it is waited for, where whenMissing does not say it; npm start sets development where nothing is set.",
  },
  STATE_DIRECTORY: {
    key: "stateDirectory",
    meaning: "Where the daemon keeps what it must remember; systemd sets it, and of several it is the first.",
  },
  RUNTIME_DIRECTORY: {
    key: null,
    meaning:
      "The folder of the Unix socket walwarden.sock, where the file names no socket; else it is the state directory. systemd sets it.",
  },
} as const satisfies Readonly<Record<string, VariableEntry>>;

export type VariableName = keyof typeof variableCatalogue;

/** Of these all that begin so are ours: one that is not known is a mistake worth stopping for. */
export const ownPrefix = /^(KVDB_SQLITE|WALWARDEN)_/;

export const ownVariables: readonly string[] = Object.freeze(
  Object.keys(variableCatalogue).filter((name) => ownPrefix.test(name)),
);
