/** Plain values for tests of decisions: a healthy database at rest, of which a test changes what it is about. */
import type { DatabaseConfig } from "../../src/domain/databaseConfig.ts";
import type { RestartVerdict } from "../../src/domain/ledger.ts";
import type {
  FileLook,
  HiddenLocks,
  LockHolder,
  LockLook,
  Observation,
  Opener,
} from "../../src/domain/observation.ts";
import type { CheckResult, Failure } from "../../src/domain/outcome.ts";
import type { SqliteProcess } from "../../src/domain/sqliteProcess.ts";
import type { CheckpointStatus, IntegrityStatus } from "../../src/domain/status.ts";
import type { DatabaseHeader, DatabaseHeaderResult } from "../../src/format/databaseHeader.ts";
import type { WalHeaderResult } from "../../src/format/walHeader.ts";
import type { WalIndex, WalIndexResult } from "../../src/format/walIndex.ts";
import { type DatabaseState, initialState } from "../../src/policy/state.ts";

/** "Now" of every builder; what needs to be old enough lies long before it. */
export const nowMs = Date.UTC(2026, 0, 15, 12, 0, 0);
export const path = "/data/kv.db";
export const pageSizeBytes = 4096;
export const frameBytes = 24 + pageSizeBytes;

export type RegularFile = Extract<FileLook, { readonly kind: "regular" }>;
export type SeenLocks = Extract<LockLook, { readonly kind: "seen" }>;

export function regularFile(change: Partial<RegularFile> = {}): RegularFile {
  return {
    kind: "regular",
    identity: "1:10",
    sizeBytes: 40 * pageSizeBytes,
    modifiedAtMs: nowMs - 3_600_000,
    uid: 1000,
    gid: 1000,
    permissions: 0o644,
    linkCount: 1,
    ...change,
  };
}

export function holder(pid: number, comm: string | null = "app"): LockHolder {
  return { pid, comm, user: "www", uid: 1000, unit: "app.service" };
}

export function opener(pid: number, change: Partial<Opener> = {}): Opener {
  return { ...holder(pid), files: ["database", "wal"], writable: true, ...change };
}

/** Unless told otherwise one with a single connection and an SQLite that has no WAL-reset bug. */
export function sqliteProcess(pid: number, change: Partial<SqliteProcess> = {}): SqliteProcess {
  const build = {
    version: "3.53.1",
    sourceId: "2026-05-05 00:00:00 0",
    file: "/usr/bin/app",
    affected: false,
  };
  return { ...holder(pid), ...build, reason: "", connectionCount: 1, ...change };
}

export function databaseHeader(change: Partial<DatabaseHeader> = {}): DatabaseHeaderResult {
  const header: DatabaseHeader = {
    pageSizeBytes,
    writeVersion: 2,
    readVersion: 2,
    reservedBytes: 0,
    changeCounter: 7,
    pageCount: 40,
    versionValidFor: 7,
    freelistPageCount: 0,
    pageCountValid: true,
    schemaFormat: 4,
    textEncoding: 1,
    sqliteVersionNumber: 3054001,
    inWalMode: true,
    bytesHex: `header ${change.changeCounter ?? 7} ${change.pageCount ?? 40}`,
    ...change,
  };
  return { kind: "header", header };
}

export const rollbackHeader: DatabaseHeaderResult = databaseHeader({
  writeVersion: 1,
  readVersion: 1,
  inWalMode: false,
});

/** The restart was judged: most decisions come after that. */
export const firstSeen: RestartVerdict = {
  kind: "first-seen",
  reason: "the ledger has no entry for it",
  lostExposedCommitCountMin: null,
  lostProvenCommitCountMin: null,
  judgedAtMs: nowMs - 60_000,
};

export function walHeader(
  change: { pageSizeBytes?: number; salt1?: number; salt2?: number } = {},
): WalHeaderResult {
  return {
    kind: "header",
    header: {
      bigEndianChecksums: false,
      pageSizeBytes,
      checkpointSequence: 0,
      salt1: 5,
      salt2: 6,
      ...change,
    },
  };
}

export function walIndex(change: Partial<WalIndex> = {}): WalIndexResult {
  return {
    kind: "index",
    index: {
      mxFrame: 10,
      nBackfill: 0,
      nBackfillAttempted: 0,
      readMarks: [0, 10, 0, 0, 0],
      pageSizeBytes,
      salt1: 5,
      salt2: 6,
      pageCount: 40,
      changeCounter: 7,
      frameChecksum1: 0x11223344,
      frameChecksum2: 0x55667788,
      ...change,
    },
  };
}

export function locks(change: Partial<SeenLocks> = {}): SeenLocks {
  const connected = change.connected ?? [];
  return {
    kind: "seen",
    exclusive: null,
    databaseLockers: connected,
    connected,
    writer: null,
    checkpointer: null,
    recovering: null,
    readers: [],
    viewIsComplete: true,
    hidden: null,
    connectedWithOwnCount: connected.length,
    ...change,
  };
}

/** Of an application in another PID namespace that is connected. */
export function hiddenLocks(change: Partial<HiddenLocks> = {}): HiddenLocks {
  return {
    connected: true,
    writer: false,
    checkpointer: false,
    recovering: false,
    exclusive: false,
    databaseLocked: true,
    readerMarks: [],
    readersCovered: false,
    ...change,
  };
}

/** A database in WAL mode that nobody has open and nothing was left of. */
export function observation(change: Partial<Observation> = {}): Observation {
  return {
    observedAtMs: nowMs,
    resolvedPath: path,
    database: regularFile(),
    wal: { kind: "absent" },
    shm: { kind: "absent" },
    journal: { kind: "absent" },
    header: databaseHeader(),
    walHeader: null,
    walIndex: null,
    mount: {
      kind: "seen",
      fileSystemType: "ext4",
      mountPoint: "/data",
      device: "8:1",
      readOnly: false,
      writeBarriers: true,
    },
    locks: locks(),
    access: {
      databaseReadable: true,
      databaseWritable: true,
      walWritable: true,
      shmWritable: true,
      directoryWritable: true,
      effectiveUid: 1000,
    },
    freeBytes: 1_000_000_000,
    ...change,
  };
}

export const absent: Partial<Observation> = {
  resolvedPath: null,
  database: { kind: "absent" },
  header: null,
};

/** A WAL of `mxFrame` frames, `nBackfill` of them in the database, as a connected process leaves it. */
export function withWal(mxFrame: number, nBackfill: number, fileFrameCount = mxFrame): Partial<Observation> {
  return {
    wal: regularFile({ identity: "1:11", sizeBytes: 32 + fileFrameCount * frameBytes }),
    shm: regularFile({ identity: "1:12", sizeBytes: 32_768 }),
    walHeader: walHeader(),
    walIndex: walIndex({ mxFrame, nBackfill }),
  };
}

export interface ConfigChange extends Partial<Omit<DatabaseConfig, "profile" | "checkpoint" | "integrity">> {
  readonly profile?: Partial<DatabaseConfig["profile"]>;
  readonly checkpoint?: Partial<DatabaseConfig["checkpoint"]>;
  readonly integrity?: Partial<DatabaseConfig["integrity"]>;
}

/** The defaults of the product, for one named database whose application declares no busy timeout. */
export function config(change: ConfigChange = {}): DatabaseConfig {
  return {
    name: "kv",
    path,
    glob: null,
    mode: "enforce",
    busyTimeoutDeclared: false,
    whenMissing: "wait",
    required: true,
    trustFileSystem: false,
    exposureMaxMs: 0,
    ...change,
    profile: {
      journalMode: "WAL",
      synchronous: "EXTRA",
      busyTimeoutMs: 10_000,
      foreignKeys: true,
      ...change.profile,
    },
    checkpoint: {
      schedule: { kind: "interval", intervalMs: 60_000 },
      sizeTargetBytes: 100 * frameBytes,
      acquireBudgetMs: 100,
      holdBudgetMs: 10,
      holdBudgetMaxMs: 100,
      deadlineMs: 60_000,
      ...change.checkpoint,
    },
    integrity: {
      startup: "QUICK",
      quickSchedule: { kind: "off" },
      fullSchedule: { kind: "off" },
      deadlineMs: 600_000,
      findingsMax: 100,
      walMaxBytes: 256 * 1024 * 1024,
      unchangedMaxMs: 0,
      ...change.integrity,
    },
  };
}

/** As it is before the first look, except that the restart was judged. */
export function freshState(change: Partial<DatabaseState> = {}): DatabaseState {
  const sqlite = {
    sqliteProcesses: [42, 43, 44, 77].map((pid) => sqliteProcess(pid)),
    sqliteProcessesAtMs: nowMs,
  };
  return { ...initialState(nowMs - 60_000), restartVerdict: firstSeen, ...sqlite, ...change };
}

/** After a startup sequence that went well: profile verified, quick_check passed, openers looked at just now. */
export function endedState(change: Partial<DatabaseState> = {}): DatabaseState {
  return freshState({
    stage: "ended",
    identity: "1:10",
    startupEndedAtMs: nowMs - 50_000,
    openers: { kind: "seen", openers: [], hiddenProcessCount: 0 },
    openersAtMs: nowMs,
    profile: { journalModeBefore: "wal", journalModeChanged: false, pragmas: [] },
    profileAtMs: nowMs - 50_000,
    quickCheck: integrityStatus(),
    nextCheckpointAtMs: nowMs + 60_000,
    ...change,
  });
}

/** A check that found nothing. */
export function checkResult(change: Partial<CheckResult> = {}): CheckResult {
  return {
    messages: [],
    truncated: false,
    foreignKeyViolations: [],
    checkViolations: [],
    suspicious: false,
    unchecked: [],
    trees: [],
    error: null,
    durationMs: 1,
    ...change,
  };
}

export function integrityStatus(change: Partial<IntegrityStatus> = {}): IntegrityStatus {
  return {
    check: "quick_check",
    verdict: "ok",
    trigger: "startup",
    findings: [],
    findingDetails: [],
    findingsTruncated: false,
    restsOn: null,
    endedAtMs: nowMs - 50_000,
    durationMs: 5,
    ...change,
  };
}

export function checkpointStatus(change: Partial<CheckpointStatus> = {}): CheckpointStatus {
  return {
    trigger: "periodic",
    outcome: "complete",
    reason: "",
    endedAtMs: nowMs - 60_000,
    durationMs: 1,
    heldMs: 0,
    longestHoldMs: 0,
    caughtUp: true,
    holders: [],
    ...change,
  };
}

export function failure(change: Partial<Failure> = {}): Failure {
  return {
    ok: false,
    reason: "sqlite",
    operation: "passiveCheckpoint",
    path,
    code: "SQLITE_BUSY",
    message: "database is locked",
    retryable: true,
    ...change,
  };
}
