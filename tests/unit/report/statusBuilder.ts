/** A healthy database's status, and variations of it. */
import type {
  CheckpointStatus,
  DatabaseStatus,
  IntegrityStatus,
  ReadinessCheck,
} from "../../../src/domain/status.ts";
import { checkpointStatus, integrityStatus } from "../../support/builders.ts";

export const baseTimeMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function aCheck(name: string, state: ReadinessCheck["state"] = "ok", reason = ""): ReadinessCheck {
  return { name, state, reason, sinceMs: baseTimeMs };
}

export function aCheckpoint(changes: Partial<CheckpointStatus> = {}): CheckpointStatus {
  const figures = { endedAtMs: baseTimeMs, durationMs: 12.5, heldMs: 2 };
  return checkpointStatus({ outcome: "reset", ...figures, ...changes });
}

export function anIntegrityCheck(changes: Partial<IntegrityStatus> = {}): IntegrityStatus {
  return integrityStatus({ endedAtMs: baseTimeMs, durationMs: 40, ...changes });
}

export function aStatus(
  changes: Partial<Omit<DatabaseStatus, "readiness">> & { readonly checks?: readonly ReadinessCheck[] } = {},
): DatabaseStatus {
  const { checks = [aCheck("file"), aCheck("guards")], ...rest } = changes;
  const name = changes.name ?? "kv";
  const ready = checks.every((check) => check.state !== "failed");
  return {
    name,
    path: "/var/lib/app/kv.db",
    resolvedPath: "/var/lib/app/kv.db",
    configuredMode: "enforce",
    mode: "enforce",
    modeReason: "",
    readiness: { database: name, required: true, ready, checks },
    startup: { stage: "ended", endedAtMs: baseTimeMs, residue: null },
    residueReport: null,
    walDamage: null,
    observedAtMs: baseTimeMs,
    lastObservedAtMs: baseTimeMs,
    databaseBytes: 8192,
    pageSizeBytes: 4096,
    pageCount: 2,
    freelistPageCount: 0,
    journalMode: "wal",
    walFileBytes: 4_194_304,
    walFrameCount: 22,
    walBackfilledFrameCount: 10,
    walIndexReason: "",
    sqliteProcesses: [],
    walResetBug: null,
    walResetRisk: "",
    lastWrittenByVersion: "3.53.1",
    replicator: null,
    walVerdict: { kind: "healthy", reason: "", holders: [], sinceMs: baseTimeMs },
    pin: { kind: "none" },
    writer: null,
    checkpointer: null,
    hiddenLocks: null,
    holdersObservable: true,
    connected: [{ pid: 4711, comm: "app", user: "www", unit: "app.service" }],
    readerCount: 1,
    exposure: {
      kind: "known",
      unsyncedBytes: 0,
      unsyncedCommitCount: 0,
      sinceMs: null,
      inDatabase: false,
      writers: [],
    },
    exposureMaxMs: 1000,
    restartVerdict: null,
    pragmas: [{ pragma: "journal_mode", wanted: "wal", actual: "wal", holds: true }],
    unobservable: ["synchronous of the application's connections"],
    integrity: [anIntegrityCheck()],
    integrityProgress: null,
    checkpoint: aCheckpoint(),
    checkpointConsecutiveFailureCount: 0,
    lastSuccessfulCheckpointAtMs: baseTimeMs,
    nextCheckpointAtMs: baseTimeMs + 60_000,
    writeLockPermission: "declared",
    freeBytes: 1_000_000,
    ...rest,
  };
}
