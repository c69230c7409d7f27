/** Worlds made up at random: what a database may look like, what may come of an act, how it is configured. */
import fc from "fast-check";
import type { DatabaseConfig } from "../../../src/domain/databaseConfig.ts";
import type { Observation } from "../../../src/domain/observation.ts";
import {
  absent,
  config,
  databaseHeader,
  failure,
  hiddenLocks,
  holder,
  locks,
  observation,
  opener,
  regularFile,
  rollbackHeader,
  sqliteProcess,
  nowMs as startMs,
  walHeader,
  withWal,
} from "../../support/builders.ts";
import type { Fate } from "./policyModel.ts";

const files = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Partial<Observation>>({}) },
  fc.constantFrom<Partial<Observation>>(
    { header: rollbackHeader },
    { database: regularFile({ identity: "1:99" }) },
    { database: regularFile({ linkCount: 2 }) },
    { database: regularFile({ modifiedAtMs: startMs - 100 }), header: rollbackHeader },
    { database: regularFile({ sizeBytes: 0 }), header: { kind: "empty" } },
    { header: { kind: "notADatabase" } },
    { header: databaseHeader({ pageSizeBytes: 512 }) },
    { database: { kind: "other", what: "directory" }, header: null },
    { database: { kind: "unreadable", operation: "open", code: "EACCES" }, header: null },
    { database: { kind: "unreadable", operation: "open", code: "EMFILE" }, header: null },
    absent,
  ),
);

const frameCounts = fc.constantFrom(0, 5, 10, 150, 1_000);
const wals = fc.oneof(
  fc.constant<Partial<Observation>>({}),
  fc
    .tuple(frameCounts, frameCounts)
    .map(([mxFrame, nBackfill]) => withWal(mxFrame, Math.min(mxFrame, nBackfill), mxFrame + 3)),
  fc.constant<Partial<Observation>>({ ...withWal(10, 0), walHeader: walHeader({ salt1: 77 }) }),
  fc.constant<Partial<Observation>>({ wal: { kind: "other", what: "fifo" } }),
);

const app = holder(42);
const lockLooks = fc.constantFrom<Partial<Observation>>(
  { locks: locks() },
  { locks: locks({ viewIsComplete: false }) },
  { locks: locks({ connected: [app] }) },
  { locks: locks({ connected: [app], writer: app }) },
  { locks: locks({ connected: [app], readers: [{ mark: 1, holder: app }] }) },
  { locks: locks({ exclusive: app, databaseLockers: [app] }) },
  { locks: locks({ viewIsComplete: false, hidden: hiddenLocks(), connectedWithOwnCount: 1 }) },
  {
    locks: locks({
      viewIsComplete: false,
      hidden: hiddenLocks({ writer: true, readerMarks: [1] }),
      connectedWithOwnCount: 1,
    }),
  },
  { locks: locks({ viewIsComplete: false, hidden: hiddenLocks({ connected: false, exclusive: true }) }) },
  { locks: { kind: "unobservable", reason: "hidden" } },
);

const mounts = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Partial<Observation>>({}) },
  fc.constant<Partial<Observation>>({
    mount: {
      kind: "seen",
      fileSystemType: "nfs",
      mountPoint: "/data",
      device: "0:50",
      readOnly: false,
      writeBarriers: true,
    },
  }),
);

const journals = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Partial<Observation>>({}) },
  fc.constant<Partial<Observation>>({ journal: regularFile({ identity: "1:13", sizeBytes: 512 }) }),
);

const worlds = fc
  .tuple(files, wals, lockLooks, mounts, journals)
  .map(([file, wal, lock, mount, journal]) =>
    observation({ ...wal, ...lock, ...mount, ...journal, ...file }),
  );

const failures = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  fc.constantFrom(
    failure(),
    failure({ code: "SQLITE_CORRUPT", retryable: false }),
    failure({ reason: "crash", code: null }),
    failure({ reason: "identity", code: null, retryable: false }),
  ),
);

const sqliteOf =
  (affected: boolean | null): Fate["sqlite"] =>
  ({ locks: look }) =>
    look.kind === "seen" ? look.connected.map(({ pid }) => sqliteProcess(pid, { affected })) : [];

const fates: fc.Arbitrary<Fate> = fc.record({
  failure: failures,
  verdict: fc.constantFrom("ok", "ok", "ok", "structural", "content", "unknown"),
  openers: fc.constantFrom<Fate["openers"]>(
    { kind: "seen", openers: [], hiddenProcessCount: 0 },
    { kind: "seen", openers: [opener(42)], hiddenProcessCount: 0 },
    { kind: "seen", openers: [opener(77)], hiddenProcessCount: 3 },
    { kind: "seen", openers: [opener(42, { files: ["database"] })], hiddenProcessCount: 0 },
    { kind: "unobservable", reason: "hidden" },
  ),
  passive: fc.tuple(fc.boolean(), fc.nat(20), fc.nat(20)).map(([busy, log, checkpointed]) => ({
    busy,
    logFrameCount: log,
    checkpointedFrameCount: Math.min(log, checkpointed),
    durationMs: 1,
  })),
  locked: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()).map(([acquired, complete, reset]) => ({
    acquired,
    acquireMs: 1,
    heldMs: 1,
    complete: acquired && complete,
    reset: acquired && complete && reset,
    completeMs: acquired && complete ? 1 : null,
    drainMs: acquired && complete ? 0 : null,
    logFrameCount: 10,
    checkpointedFrameCount: 10,
    durationMs: 2,
  })),
  sqlite: fc.constantFrom<boolean | null>(false, true, null).map((affected) => sqliteOf(affected)),
  truncate: fc.boolean().map((truncated) => ({ busy: !truncated, truncated, heldMs: 1, durationMs: 1 })),
  syncMs: fc.constantFrom(0.1, 5, 500),
});

export const configs = fc
  .record({
    mode: fc.constantFrom<DatabaseConfig["mode"]>("observe", "checkpoint", "enforce", "enforce"),
    busyTimeoutDeclared: fc.boolean(),
    whenMissing: fc.constantFrom<DatabaseConfig["whenMissing"]>("wait", "create", "pass"),
    journalMode: fc.constantFrom<DatabaseConfig["profile"]["journalMode"]>("WAL", "WAL", "DELETE"),
    startup: fc.constantFrom<DatabaseConfig["integrity"]["startup"]>("OFF", "QUICK", "FULL"),
  })
  .map(({ journalMode, startup, ...rest }) =>
    config({ ...rest, profile: { journalMode }, integrity: { startup } }),
  );

/** One world that stays as it is for a while, and what comes of the acts in it. */
export interface Spell {
  readonly world: Observation;
  readonly fates: readonly Fate[];
  readonly afterMs: number;
  readonly reconfigured: DatabaseConfig | null;
  readonly queued: "nothing" | "checkpoint" | "check";
}

export const spells: fc.Arbitrary<Spell[]> = fc.array(
  fc.record({
    world: worlds,
    fates: fc.array(fates, { minLength: 1, maxLength: 8 }),
    afterMs: fc.constantFrom(1, 400, 6_000, 70_000),
    reconfigured: fc.option(configs, { freq: 8, nil: null }),
    queued: fc.constantFrom<"nothing" | "checkpoint" | "check">("nothing", "nothing", "checkpoint", "check"),
  }),
  { minLength: 1, maxLength: 8 },
);
