/** SIGHUP and patterns: the set of databases changes while the daemon runs. */
import { expect, test } from "bun:test";
import { renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Daemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import {
  databaseNames,
  dataPath,
  makeDatabase,
  makeKv,
  startReady,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitUntilReady,
  writeConfig,
} from "./watched.ts";

async function seriesOf(daemon: Daemon, database: string): Promise<readonly string[]> {
  const { samples } = await daemon.metrics();
  return samples.filter((sample) => sample.labels.database === database).map((sample) => sample.name);
}

test.concurrent(
  "SIGHUP: databases are added, removed with all their series, and changed; the others go on untouched",
  async () => {
    using directory = makeTempDirectory();
    const [kept, changed, removed, added] = ["kept", "changed", "removed", "added"].map((name) => {
      makeDatabase(dataPath(directory, `${name}.db`));
      return { name, path: dataPath(directory, `${name}.db`) };
    });
    await using daemon = await startWatching(directory, { databases: [kept, changed, removed] });
    for (const name of ["kept", "changed", "removed"]) await waitUntilReady(daemon, name);
    const fromIndex = daemon.log.length;
    writeConfig(directory, {
      globInterval: "7s",
      databases: [kept, { ...changed, synchronous: "FULL" }, added],
    });
    daemon.process.signal("SIGHUP");
    const reloaded = await daemon.waitForLog("configuration reloaded", { fromIndex });
    expect(reloaded).toMatchObject({
      added: ["added"],
      removed: ["removed"],
      changed: ["changed"],
      needsRestart: ["globIntervalMs"],
    });
    await daemon.waitForLog("startup ended", { database: "added", fromIndex });
    expect(
      await daemon.waitForLog("startup profile verified", { database: "changed", fromIndex }),
    ).toMatchObject({ synchronous: "FULL" });
    expect(await databaseNames(daemon)).toEqual(["added", "changed", "kept"]);
    await daemon.waitForLog("shutdown checkpoint completed", { database: "removed", fromIndex });
    expect(await seriesOf(daemon, "removed")).toEqual([]);
    expect(await seriesOf(daemon, "added")).toContain("sqlite_database_ready");
    expect(daemon.log.slice(fromIndex).filter((line) => line.database === "kept")).toEqual([]);
    expect((await daemon.get("/health/ready")).status).toBe(200);
    const again = daemon.log.length;
    daemon.process.signal("SIGHUP");
    // What the first reload could not take over still needs the restart.
    expect(await daemon.waitForLog("configuration reloaded", { fromIndex: again })).toMatchObject({
      changed: [],
      needsRestart: ["globIntervalMs"],
    });
  },
  testTimeoutMs,
);

test.concurrent(
  "SIGHUP with a configuration that is wrong: every problem is logged, and the old one stays",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory);
    await using daemon = await startReady(directory, path);
    for (const [text, ...words] of [
      ["databases: [{name: other, pfad: x.db}]\nobserveInterval: often\n", "pfad", "observeInterval"],
      ["databases: [\n", "walwarden.yml"],
    ]) {
      const fromIndex = daemon.log.length;
      writeFileSync(directory.file("walwarden.yml"), text ?? "");
      daemon.process.signal("SIGHUP");
      const refused = await daemon.waitForLog("configuration refused", { fromIndex });
      for (const word of words) expect(JSON.stringify(refused.problems)).toContain(word);
      expect(await databaseNames(daemon)).toEqual(["kv"]);
    }
    expect((await daemon.get("/health/ready")).status).toBe(200);
    const fromIndex = daemon.log.length;
    writeConfig(directory, { databases: [{ name: "kv", path }] });
    daemon.process.signal("SIGHUP");
    expect(await daemon.waitForLog("configuration reloaded", { fromIndex })).toMatchObject({
      added: [],
      removed: [],
      changed: [],
    });
  },
  testTimeoutMs,
);

test.concurrent(
  "SIGHUP that leads a name to another file: the new file is guarded from its beginning",
  async () => {
    using directory = makeTempDirectory();
    for (const name of ["old", "new"]) makeDatabase(dataPath(directory, `${name}.db`));
    const watching = (name: string) => ({
      databases: [{ name: "kv", path: dataPath(directory, `${name}.db`) }],
    });
    await using daemon = await startWatching(directory, watching("old"));
    await waitUntilReady(daemon, "kv");
    const fromIndex = daemon.log.length;
    writeConfig(directory, watching("new"));
    daemon.process.signal("SIGHUP");
    await daemon.waitForLog("configuration reloaded", { fromIndex });
    await daemon.waitForLog("startup ended", { fromIndex });
    const status = await waitUntilReady(daemon, "kv");
    expect(status.path).toBe(dataPath(directory, "new.db"));
    expect((await daemon.metrics()).value("sqlite_database_ready", { database: "kv" })).toBe(1);
  },
  testTimeoutMs,
);

test.concurrent(
  "SIGHUP that swaps two files: each is watched under its new name, and neither is called a duplicate",
  async () => {
    using directory = makeTempDirectory();
    const [small, large] = ["small.db", "large.db"].map((name) => dataPath(directory, name)) as [
      string,
      string,
    ];
    makeDatabase(small);
    makeDatabase(large, { rowCount: 2_000 });
    const watching = (one: string, two: string) => ({
      databases: [
        { name: "one", path: one },
        { name: "two", path: two },
      ],
    });
    await using daemon = await startWatching(directory, watching(small, large));
    for (const name of ["one", "two"]) await waitUntilReady(daemon, name);
    const fromIndex = daemon.log.length;
    writeConfig(directory, watching(large, small));
    daemon.process.signal("SIGHUP");
    for (const database of ["one", "two"]) {
      await daemon.waitForLog("shutdown checkpoint completed", { database, fromIndex });
      await daemon.waitForLog("startup ended", { database, fromIndex });
    }
    expect((await waitUntilReady(daemon, "one")).databaseBytes).toBe(statSync(large).size);
    expect((await waitUntilReady(daemon, "two")).databaseBytes).toBe(statSync(small).size);
    expect(daemon.log.filter((line) => line.msg === "guard refused")).toEqual([]);
  },
  testTimeoutMs,
);

test.concurrent(
  "a pattern: files that appear are watched, files that go are forgotten, links are refused",
  async () => {
    using directory = makeTempDirectory();
    makeDatabase(dataPath(directory, "one.db"));
    await using daemon = await startWatching(directory, {
      globInterval: "100ms",
      databases: [{ name: "tenants", glob: join(directory.file("data"), "*.db") }],
    });
    const [first = ""] = await waitForNames(daemon, 1);
    await waitUntilReady(daemon, first);
    // Made elsewhere and moved in: half-made files are another test's.
    makeDatabase(directory.file("two.db"));
    renameSync(directory.file("two.db"), dataPath(directory, "two.db"));
    symlinkSync(dataPath(directory, "one.db"), dataPath(directory, "link.db"));
    const names = await waitForNames(daemon, 2);
    for (const name of names) expect((await waitUntilReady(daemon, name)).readiness.ready).toBe(true);
    expect(await daemon.waitForLog("glob match refused")).toMatchObject({
      path: dataPath(directory, "link.db"),
    });
    renameSync(dataPath(directory, "two.db"), directory.file("two.db"));
    expect(await waitForNames(daemon, 1)).toEqual([first]);
    expect((await statusOf(daemon, first)).readiness.ready).toBe(true);
    const gone = names.find((name) => name !== first) ?? "";
    expect(await seriesOf(daemon, gone)).toEqual([]);
  },
  testTimeoutMs,
);

function waitForNames(daemon: Daemon, count: number): Promise<readonly string[]> {
  return waitFor(`${count} databases to be watched`, async () => {
    const names = await databaseNames(daemon);
    return names.length === count ? names : null;
  });
}
