/** What operators, probes and scrapers ask of a running daemon, over real sockets, and what the commands say. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { spawnProcess } from "../../support/childProcess.ts";
import { type Daemon, daemonEnvironment, mainPath } from "../../support/daemonProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor, withDeadline } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  dataPath,
  makeDatabase,
  makeKv,
  startReady,
  startWatching,
  stateDirectory,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command beside the daemon, with the daemon's configuration and environment. */
async function runCommand(directory: TempDirectory, ...words: readonly string[]): Promise<CommandEnd> {
  await using child = spawnProcess({
    command: [
      process.execPath,
      "--no-env-file",
      mainPath,
      ...words,
      "--config",
      directory.file("walwarden.yml"),
    ],
    environment: daemonEnvironment({ stateDirectory: stateDirectory(directory) }),
    workingDirectory: directory.path,
  });
  const exitCode = await withDeadline(words.join(" "), child.exited, 15_000);
  return { exitCode, stdout: child.lines.join("\n"), stderr: child.stderr() };
}

async function readyText(daemon: Daemon, query: string): Promise<{ status: number; text: string }> {
  const response = await daemon.get(`/health/ready?${query}`);
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  return { status: response.status, text: await response.text() };
}

/** One database, kv, that is ready, and one, missing, that is not there. */
async function startBesideMissing(directory: TempDirectory, path: string): Promise<Daemon> {
  const missing = { name: "missing", path: dataPath(directory, "missing.db") };
  const daemon = await startWatching(directory, { databases: [{ name: "kv", path }, missing] });
  await waitUntilReady(daemon, "kv");
  await waitForCheck(daemon, "missing", "file", "failed");
  return daemon;
}

describe("endpoints", () => {
  test.concurrent(
    "each answers with its status code and content type, and acting needs more than a TCP connection",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using daemon = await startReady(directory, path);
      const json = "application/json; charset=utf-8";
      const plain = "text/plain; charset=utf-8";
      const expected: readonly (readonly [string, string, number, string])[] = [
        ["GET", "/health/live", 200, json],
        ["GET", "/livez", 200, json],
        ["GET", "/health/ready", 200, json],
        ["GET", "/readyz", 200, json],
        ["GET", "/health/startup", 200, json],
        ["GET", "/startupz", 200, json],
        ["GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"],
        ["GET", "/", 200, plain],
        ["GET", "/api/v1/databases", 200, json],
        ["GET", "/api/v1/databases/kv", 200, json],
        ["GET", "/api/v1/databases/unknown", 404, json],
        ["GET", "/no/such/thing", 404, json],
        ["POST", "/health/live", 405, json],
        ["POST", "/api/v1/databases/kv/checkpoint", 403, json],
        ["POST", "/api/v1/databases/kv/integrity-check", 403, json],
        ["GET", "/api/v1/databases/kv/checkpoint", 405, json],
      ];
      for (const [method, url, status, contentType] of expected) {
        const response = await daemon.get(url, { method });
        const got = [method, url, response.status, response.headers.get("content-type")];
        expect(got).toEqual([method, url, status, contentType]);
        await response.arrayBuffer();
      }
      const foreign = await daemon.get("/api/v1/databases", { headers: { host: "evil.example" } });
      expect(foreign.status).toBe(403);
      const scraped = await daemon.get("/metrics", { headers: { host: "10.1.2.3:9925" } });
      expect(scraped.status).toBe(200);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "ready: verbose says a line a check, exclude takes one out of the verdict, unknown names are said",
    async () => {
      using directory = makeTempDirectory();
      await using daemon = await startBesideMissing(directory, makeKv(directory));
      const all = await readyText(daemon, "verbose");
      expect(all.status).toBe(503);
      expect(all.text).toContain("[+]kv/integrity ok\n");
      expect(all.text).toMatch(/^\[-\]missing\/file failed: .*missing\.db does not exist.*since /m);
      expect(all.text).toEndWith("not ready\n");
      const without = await readyText(daemon, "verbose&exclude=missing/file");
      expect(without.status).toBe(200);
      const typo = await readyText(daemon, "verbose&exclude=mising");
      expect(typo.status).toBe(503);
      expect(typo.text).toContain('nothing to exclude is called "mising"');
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a token file lets its bearer act over TCP, and nobody else",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      writeFileSync(directory.file("token"), "s3cret\n", { mode: 0o600 });
      await using daemon = await startWatching(directory, {
        tokenFile: directory.file("token"),
        databases: [{ name: "kv", path }],
      });
      await waitUntilReady(daemon, "kv");
      const act = (headers: Record<string, string>) =>
        daemon.get("/api/v1/databases/kv/checkpoint", { method: "POST", headers });
      expect((await act({})).status).toBe(403);
      expect((await act({ authorization: "Bearer wrong" })).status).toBe(403);
      const done = await act({ authorization: "Bearer s3cret" });
      expect(done.status).toBe(200);
      expect(await done.json()).toMatchObject({ trigger: "demand", outcome: "complete" });
    },
    testTimeoutMs,
  );
});

const promtoolSkip = requireTool("promtool");

describe("metrics", () => {
  test.concurrent(
    "move as a writer writes: frames, file, connections, resets, checkpoints by outcome",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using daemon = await startReady(directory, path, { checkpoint: { schedule: "off" } });
      const value = async (name: string) => (await daemon.metrics()).value(name, { database: "kv" });
      expect(await value("sqlite_up")).toBe(1);
      expect(await value("sqlite_wal_connections")).toBe(0);
      await using writer = await startBunWriter({
        path,
        autocheckpoint: 0,
        rowCount: 50,
        firstRow: 1_000,
      });
      await writer.waitForRows(50);
      await waitFor("the frames to show", async () => ((await value("sqlite_wal_frames")) ?? 0) >= 50);
      expect(await value("sqlite_wal_backfilled_frames")).toBe(0);
      expect(await value("sqlite_wal_file_size_bytes")).toBeGreaterThan(50 * 4096);
      expect(await value("sqlite_wal_connections")).toBe(1);
      expect((await runCommand(directory, "checkpoint", "kv")).exitCode).toBe(0);
      const after = await daemon.metrics();
      expect(after.sum("sqlite_wal_checkpoints_total", { trigger: "demand" })).toBe(1);
      await waitFor("the WAL to be in the database", async () => {
        const metrics = await daemon.metrics();
        const frames = metrics.value("sqlite_wal_frames");
        return frames === undefined || frames === metrics.value("sqlite_wal_backfilled_frames");
      });
      await writer.stop();
      await waitFor("the connection to go", async () => (await value("sqlite_wal_connections")) === 0);
    },
    testTimeoutMs,
  );

  test.concurrent.skipIf(promtoolSkip !== null)(
    testName("are clean under promtool check metrics, with a good and a missing database", promtoolSkip),
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, 'odd "name".db');
      makeDatabase(path);
      await using daemon = await startWatching(directory, {
        databases: [
          { name: 'odd "name"', path },
          { name: "missing", path: dataPath(directory, "missing.db") },
        ],
      });
      await waitUntilReady(daemon, 'odd "name"');
      await using promtool = spawnProcess({ command: ["promtool", "check", "metrics"] });
      promtool.send(await (await daemon.get("/metrics")).text());
      promtool.endInput();
      const exitCode = await withDeadline("promtool", promtool.exited);
      expect({ exitCode, said: promtool.lines.join("\n") + promtool.stderr() }).toEqual({
        exitCode: 0,
        said: "",
      });
    },
    testTimeoutMs,
  );
});

describe("commands", () => {
  test.concurrent(
    "status: a table and JSON, exit 0 when ready, 1 when not; checkpoint and integrity-check act",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using _daemon = await startBesideMissing(directory, path);
      const all = await runCommand(directory, "status");
      expect(all.exitCode).toBe(1);
      expect(all.stdout).toMatch(/^walwarden \S+: not ready\n\nDATABASE +STATE +WAL /);
      expect(all.stdout).toMatch(/^kv +ready /m);
      expect(all.stdout).toMatch(/^ {2}file failed: .*missing\.db does not exist/m);
      expect((await runCommand(directory, "status", "kv")).exitCode).toBe(0);
      const json = await runCommand(directory, "status", "--json");
      expect(json.exitCode).toBe(1);
      expect(JSON.parse(json.stdout)).toMatchObject({
        status: "not ready",
        databases: [{ name: "kv", path }, { name: "missing" }],
      });
      expect((await runCommand(directory, "status", "nobody")).exitCode).toBe(64);

      const checkpoint = await runCommand(directory, "checkpoint", "kv");
      expect(checkpoint).toMatchObject({ exitCode: 0, stderr: "" });
      expect(checkpoint.stdout).toStartWith("kv: checkpoint complete");
      const checked = await runCommand(directory, "integrity-check", "kv", "--full", "--json");
      expect(checked.exitCode).toBe(0);
      expect(JSON.parse(checked.stdout)).toMatchObject({
        check: "integrity_check",
        verdict: "ok",
        trigger: "demand",
      });
      const refused = await runCommand(directory, "checkpoint", "missing");
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain("missing.db is not there");
    },
    testTimeoutMs,
  );

  test.concurrent(
    "no daemon: said what was tried, exit 69",
    async () => {
      using directory = makeTempDirectory();
      writeFileSync(directory.file("walwarden.yml"), "listen: 127.0.0.1:1\ndatabases: [{path: kv.db}]\n");
      for (const words of [["status"], ["checkpoint", "kv"], ["integrity-check", "kv"]]) {
        const end = await runCommand(directory, ...words);
        expect(end).toMatchObject({ exitCode: 69, stdout: "" });
        expect(end.stderr).toContain("walwarden.sock: no such socket");
      }
    },
    testTimeoutMs,
  );
});
