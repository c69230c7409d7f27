import { describe, expect, test } from "bun:test";
import { databaseHistogramsMax, metricCatalogue } from "../../../src/report/metricCatalogue.ts";
import { createMetrics } from "../../../src/report/metrics.ts";
import { parseMetrics } from "../../support/metricsText.ts";
import { aCheckpoint, anIntegrityCheck, aStatus, baseTimeMs } from "./statusBuilder.ts";

const versions = { version: "1.2.3", bunVersion: "1.4.5", sqliteVersion: "3.54.1" };

const unseen = () => null;

async function read(metrics: ReturnType<typeof createMetrics>) {
  return parseMetrics(await metrics.text());
}

function crowd(metrics: ReturnType<typeof createMetrics>, count: number): void {
  for (let index = 0; index < count; index++) metrics.register(`db${index}`, unseen);
}

describe("metrics", () => {
  test("every counter of a database is there with 0 for every label value from the start", async () => {
    const metrics = createMetrics(versions);
    metrics.register("kv", unseen);
    const { samples } = await read(metrics);
    const ofDatabase = samples.filter(({ labels }) => labels.database === "kv");
    expect(ofDatabase.filter(({ name }) => name === "sqlite_wal_checkpoints_total")).toHaveLength(4 * 6);
    expect(ofDatabase.filter(({ name }) => name === "sqlite_integrity_checks_total")).toHaveLength(2 * 4);
    expect(ofDatabase.filter(({ name }) => name === "sqlite_integrity_check_failures_total")).toHaveLength(
      2 * 3,
    );
    expect(ofDatabase.every(({ value }) => value === 0)).toBe(true);
  });

  test("the failures of sql workers are there with 0 for every reason", async () => {
    const read0 = await read(createMetrics(versions));
    for (const reason of ["deadline", "crash", "protocol", "spawn"]) {
      expect(read0.value("walwarden_sql_worker_failures_total", { reason })).toBe(0);
    }
  });

  test("an observation sets the gauges in base units", async () => {
    const metrics = createMetrics(versions);
    metrics.register("kv", () => aStatus());
    const now = await read(metrics);
    const value = (name: string, labels = {}) => now.value(name, { database: "kv", ...labels });
    expect(value("sqlite_up")).toBe(1);
    expect(value("sqlite_observable", { what: "wal_index" })).toBe(1);
    expect(value("sqlite_last_observation_timestamp_seconds")).toBe(baseTimeMs / 1000);
    expect(value("sqlite_database_size_bytes")).toBe(8192);
    expect(value("sqlite_database_pages")).toBe(2);
    expect(value("sqlite_wal_file_size_bytes")).toBe(4_194_304);
    expect(value("sqlite_wal_frames")).toBe(22);
    expect(value("sqlite_wal_backfilled_frames")).toBe(10);
    expect(value("sqlite_wal_connections")).toBe(1);
    expect(value("sqlite_wal_readers")).toBe(1);
    expect(value("sqlite_pragma_compliant", { pragma: "journal_mode" })).toBe(1);
    expect(value("sqlite_database_ready")).toBe(1);
  });

  test("a pin says since when, is 0 without one, and absent where it cannot be seen", async () => {
    const pinGauges = async (changes: Parameters<typeof aStatus>[0]) => {
      const metrics = createMetrics(versions);
      metrics.register("kv", () => aStatus(changes));
      const now = await read(metrics);
      const observable = now.value("sqlite_observable", { database: "kv", what: "holders" });
      return [now.value("sqlite_wal_pin_since_timestamp_seconds", { database: "kv" }), observable];
    };
    const held = {
      kind: "held",
      sinceMs: 5_000,
      heldFrameCount: 3,
      holders: [],
      unnamedHolders: true,
    } as const;
    expect(await pinGauges({ pin: held })).toEqual([5, 1]);
    expect(await pinGauges({})).toEqual([0, 1]);
    const unseen = { kind: "unobservable", reason: "hidden" } as const;
    expect(await pinGauges({ pin: unseen, holdersObservable: false })).toEqual([undefined, 0]);
    expect(await pinGauges({ observedAtMs: null })).toEqual([undefined, 0]);
  });

  test("a failed observation leaves no figure of an earlier one, and says that it failed", async () => {
    const metrics = createMetrics(versions);
    let status = aStatus();
    metrics.register("kv", () => status);
    await read(metrics);
    status = aStatus({ observedAtMs: null });
    const now = await read(metrics);
    expect(now.value("sqlite_up", { database: "kv" })).toBe(0);
    expect(now.value("sqlite_observable", { database: "kv", what: "wal_index" })).toBe(0);
    for (const name of ["sqlite_database_size_bytes", "sqlite_wal_frames", "sqlite_wal_connections"]) {
      expect(now.value(name, { database: "kv" })).toBeUndefined();
    }
    // When the last look succeeded stays true, and its age is what an alert measures.
    expect(now.value("sqlite_last_observation_timestamp_seconds")).toBe(baseTimeMs / 1000);
  });

  test("what could not be seen is absent, never 0", async () => {
    const metrics = createMetrics(versions);
    metrics.register("kv", () =>
      aStatus({
        walFrameCount: null,
        walBackfilledFrameCount: null,
        connected: null,
        readerCount: null,
        pragmas: [],
      }),
    );
    const now = await read(metrics);
    expect(now.value("sqlite_up")).toBe(1);
    expect(now.value("sqlite_observable", { what: "wal_index" })).toBe(0);
    for (const name of [
      "sqlite_wal_frames",
      "sqlite_wal_backfilled_frames",
      "sqlite_wal_connections",
      "sqlite_wal_readers",
      "sqlite_pragma_compliant",
    ]) {
      expect(now.value(name)).toBeUndefined();
    }
  });

  test("compliance is judged by what the file itself stores", async () => {
    const metrics = createMetrics(versions);
    metrics.register("kv", () => aStatus({ journalMode: "rollback" }));
    expect((await read(metrics)).value("sqlite_pragma_compliant")).toBe(0);
  });

  test("a checkpoint is counted by trigger and outcome, timed, and its stall recorded", async () => {
    const metrics = createMetrics(versions);
    metrics.register("kv", unseen);
    metrics.checkpoint("kv", aCheckpoint({ durationMs: 250, heldMs: 4 }));
    metrics.checkpoint("kv", aCheckpoint({ outcome: "complete", heldMs: 0 }));
    metrics.checkpoint("kv", aCheckpoint({ outcome: "skipped", durationMs: 0, heldMs: 0 }));
    const now = await read(metrics);
    const outcomes = { database: "kv", trigger: "periodic" };
    expect(now.value("sqlite_wal_checkpoints_total", { ...outcomes, outcome: "reset" })).toBe(1);
    expect(now.value("sqlite_wal_checkpoints_total", { ...outcomes, outcome: "skipped" })).toBe(1);
    expect(now.value("sqlite_wal_checkpoint_duration_seconds_count", outcomes)).toBe(2);
    expect(now.value("sqlite_wal_checkpoint_writer_stall_seconds_count")).toBe(1);
    expect(now.value("sqlite_wal_checkpoint_writer_stall_seconds_sum")).toBeCloseTo(0.004);
  });

  test("integrity has no value before the first verdict, and a check without a verdict does not change it", async () => {
    const metrics = createMetrics(versions);
    metrics.register("kv", unseen);
    metrics.integrity("kv", anIntegrityCheck({ verdict: "unknown" }));
    const first = await read(metrics);
    expect(first.value("sqlite_integrity_ok", { check: "quick_check" })).toBeUndefined();
    // How long it would have taken is not known either.
    expect(first.value("sqlite_integrity_check_duration_seconds_count", { check: "quick_check" })).toBe(0);
    metrics.integrity("kv", anIntegrityCheck());
    metrics.integrity("kv", anIntegrityCheck({ verdict: "undecidable" }));
    const passed = await read(metrics);
    expect(passed.value("sqlite_integrity_ok", { check: "quick_check" })).toBe(1);
    expect(passed.value("sqlite_last_successful_integrity_check_timestamp_seconds")).toBe(baseTimeMs / 1000);
    metrics.integrity("kv", anIntegrityCheck({ verdict: "structural" }));
    const failed = await read(metrics);
    expect(failed.value("sqlite_integrity_ok", { check: "quick_check" })).toBe(0);
    expect(
      failed.value("sqlite_integrity_check_failures_total", { check: "quick_check", class: "structural" }),
    ).toBe(1);
  });

  test("a startup with nothing to recover is no recovery, and its frames are a known 0", async () => {
    const metrics = createMetrics(versions);
    metrics.register("kv", unseen);
    metrics.recovery("kv", 0);
    const none = await read(metrics);
    expect(none.value("sqlite_startup_recoveries_total")).toBe(0);
    expect(none.value("sqlite_startup_recovered_frames")).toBe(0);
    metrics.recovery("kv", 22);
    const some = await read(metrics);
    expect(some.value("sqlite_startup_recoveries_total")).toBe(1);
    expect(some.value("sqlite_startup_recovered_frames")).toBe(22);
  });

  test("a database that is no longer watched loses every series, and a late result brings none back", async () => {
    const metrics = createMetrics(versions);
    for (const name of ["kv", "other"]) {
      metrics.register(name, () => aStatus({ name }));
      metrics.checkpoint(name, aCheckpoint());
      metrics.integrity(name, anIntegrityCheck());
      metrics.recovery(name, 1);
      metrics.walReset(name, 1);
    }
    metrics.unregister("kv");
    metrics.checkpoint("kv", aCheckpoint());
    metrics.integrity("kv", anIntegrityCheck());
    metrics.recovery("kv", 1);
    metrics.walReset("kv", 1);
    const { samples, value } = await read(metrics);
    expect(samples.filter(({ labels }) => labels.database === "kv")).toEqual([]);
    expect(value("sqlite_up", { database: "other" })).toBe(1);
  });

  test("the daemon's own process shows with figures that can be true", async () => {
    const now = await read(createMetrics(versions));
    expect(now.value("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(now.value("process_virtual_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(now.value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(now.value("process_open_fds")).toBeGreaterThan(2);
    expect(now.value("process_max_fds")).toBeGreaterThan(2);
    expect(Math.abs((now.value("process_start_time_seconds") ?? 0) - Date.now() / 1000)).toBeLessThan(3600);
  });

  test("every name of the catalogue is exposed with its type, and nothing else is", async () => {
    const metrics = createMetrics(versions);
    crowd(metrics, databaseHistogramsMax + 1);
    const types = Object.fromEntries(
      [...(await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]),
    );
    const expected = Object.fromEntries(
      Object.entries(metricCatalogue).map(([name, { type }]) => [name, type]),
    );
    expect(types).toEqual(expected);
  });
});

describe("the text", () => {
  test("says the name of a database whatever is in it", async () => {
    const metrics = createMetrics(versions);
    const name = 'a "quoted" \\ name\nof two lines';
    metrics.register(name, () => aStatus({ name }));
    const text = await metrics.text();
    expect(text).toContain('sqlite_up{database="a \\"quoted\\" \\\\ name\\nof two lines"} 1\n');
  });

  test("of a thousand databases is written in slices: others have their turn in between", async () => {
    const metrics = createMetrics(versions);
    const databaseCount = 1_000;
    for (let at = 0; at < databaseCount; at += 1) {
      const name = `db${at}`;
      metrics.register(name, () => aStatus({ name }));
    }
    let turnCount = 0;
    let writing = true;
    const countTurns = () => {
      turnCount += 1;
      if (writing) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    const beganMs = performance.now();
    const text = await metrics.text();
    const durationMs = performance.now() - beganMs;
    writing = false;
    expect(text.match(/^sqlite_up\{/gm)).toHaveLength(databaseCount);
    // Slices of 5 ms, and one status more.
    expect(turnCount).toBeGreaterThanOrEqual(Math.floor(durationMs / 40));
    expect(turnCount).toBeGreaterThan(2);
  });

  test("has the same series for each of them, and one that goes meanwhile is not waited for", async () => {
    const metrics = createMetrics(versions);
    for (const name of ["kv", "other", "third"]) metrics.register(name, () => aStatus({ name }));
    const writing = metrics.text();
    metrics.unregister("other");
    const { samples } = parseMetrics(await writing);
    const seriesOf = (database: string) =>
      samples.filter(({ labels }) => labels.database === database).map(({ name }) => name);
    expect(seriesOf("kv")).toEqual(seriesOf("third"));
    expect(parseMetrics(await metrics.text()).samples.some(({ labels }) => labels.database === "other")).toBe(
      false,
    );
  });
});

describe("histograms above the limit", () => {
  const histogram = "sqlite_wal_checkpoint_duration_seconds";
  const series = { database: "db0", trigger: "periodic" };

  test("up to the limit every database has its distribution, and the fleet's is not shown", async () => {
    const metrics = createMetrics(versions);
    crowd(metrics, databaseHistogramsMax);
    const now = await read(metrics);
    expect(now.value(`${histogram}_bucket`, { ...series, le: "0.05" })).toBe(0);
    expect(now.samples.some(({ name }) => name.startsWith("sqlite_fleet_"))).toBe(false);
  });

  test("above it sum and count of each database go on, and its finite buckets are gone for good", async () => {
    const metrics = createMetrics(versions);
    crowd(metrics, databaseHistogramsMax);
    metrics.checkpoint("db0", aCheckpoint({ durationMs: 500 }));
    metrics.register("one more", unseen);
    metrics.checkpoint("db0", aCheckpoint({ durationMs: 500 }));
    metrics.unregister("one more");
    const now = await read(metrics);
    expect(now.value(`${histogram}_count`, series)).toBe(2);
    expect(now.value(`${histogram}_sum`, series)).toBe(1);
    expect(
      now.samples.filter(({ name, labels }) => name === `${histogram}_bucket` && labels.le !== "+Inf"),
    ).toEqual([]);
  });

  test("above it the fleet's distribution has all that was recorded before, too", async () => {
    const metrics = createMetrics(versions);
    crowd(metrics, databaseHistogramsMax);
    metrics.checkpoint("db0", aCheckpoint({ durationMs: 20 }));
    metrics.register("one more", unseen);
    metrics.checkpoint("one more", aCheckpoint({ durationMs: 20 }));
    const now = await read(metrics);
    const fleet = "sqlite_fleet_wal_checkpoint_duration_seconds_bucket";
    expect(now.value(fleet, { trigger: "periodic", le: "0.025" })).toBe(2);
    expect(now.value(fleet, { trigger: "periodic", le: "0.01" })).toBe(0);
    expect(now.value(fleet, { trigger: "shutdown", le: "+Inf" })).toBe(0);
  });
});
