/** Plain values for tests of the ledger: a NORMAL writer's WAL of which a part is proven, and the next start. */
import type {
  LedgerEntry,
  LedgerHeader,
  LedgerWal,
  RestartLook,
  RestartWal,
} from "../../../src/domain/ledger.ts";

export const notedAtMs = Date.UTC(2026, 0, 15, 12, 0, 0);
export const bootBefore = "11111111-1111-4111-8111-111111111111";
export const bootNow = "22222222-2222-4222-8222-222222222222";

export function noted(change: Partial<LedgerWal> = {}): LedgerWal {
  return {
    salt1: 500,
    salt2: 600,
    checkpointSequence: 7,
    pageSizeBytes: 4096,
    seenFrame: 100,
    seenCommitCount: 50,
    seenFrameChecksum: "0123456789abcdef",
    provenFrame: 60,
    provenCommitCount: 30,
    provenFrameChecksum: "fedcba9876543210",
    backfilledFrame: 20,
    ...change,
  };
}

export function ledgerHeader(change: Partial<LedgerHeader> = {}): LedgerHeader {
  return {
    changeCounter: 40,
    pageCount: 10,
    versionValidFor: 40,
    sqliteVersionNumber: 3054001,
    inWalMode: true,
    bytesHex: "00".repeat(100),
    ...change,
  };
}

export function entry(change: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    path: "/data/kv.db",
    device: "64",
    inode: "10",
    databaseBytes: 40_960,
    databaseModifiedAtMs: notedAtMs - 5_000.25,
    header: ledgerHeader(),
    wal: noted(),
    walFile: null,
    headerFrame: 100,
    databaseExposed: false,
    checkpointsSeenToSync: true,
    bootId: bootBefore,
    writtenAtMs: notedAtMs,
    restoreWindowEndsAtMs: null,
    fsyncError: null,
    refusedWal: null,
    ...change,
  };
}

export type FoundWal = Extract<RestartWal, { readonly kind: "wal" }>;

/** All frames that were noted are there, and nobody is connected. */
export function foundWal(change: Partial<FoundWal> = {}): FoundWal {
  return {
    kind: "wal",
    salt1: 500,
    salt2: 600,
    checkpointSequence: 7,
    modifiedAtMs: notedAtMs + 1_000,
    pageSizeBytes: 4096,
    lastFrameChecksum: "0123456789abcdef",
    mxFrame: 100,
    commitCount: 50,
    isLive: false,
    seenFrameMatches: true,
    provenFrameMatches: true,
    pageOneChangeCounter: null,
    mayHaveBeenCopied: null,
    ...change,
  };
}

export function look(change: Partial<RestartLook> = {}): RestartLook {
  return {
    lookedAtMs: notedAtMs + 600_000,
    bootId: bootNow,
    bootedAtMs: notedAtMs + 500_000,
    device: "64",
    inode: "10",
    databaseBytes: 40_960,
    databaseModifiedAtMs: notedAtMs - 5_000.25,
    header: ledgerHeader(),
    wal: foundWal(),
    hasJournal: false,
    ...change,
  };
}
