/** What other tests rely on when they run the daemon as a process. */
import { expect, test } from "bun:test";
import { daemonEnvironment, startDaemon } from "../../support/daemonProcess.ts";
import { parseMetrics } from "../../support/metricsText.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";

test("the daemon starts on a free port, its numbers follow a writer, and SIGTERM ends it with 0", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  await using writer = await startBunWriter({ path, busyTimeoutMs: 10_000, autocheckpoint: 0, pauseMs: 2 });
  await using daemon = await startDaemon({
    stateDirectory: directory.path,
    environment: { KVDB_SQLITE_FILE: path },
  });
  await daemon.waitForLog("startup ended", { database: "kv" });
  expect((await daemon.get("/health/live")).status).toBe(200);
  await waitFor("frames in the WAL", async () => {
    const frames = (await daemon.metrics()).value("sqlite_wal_frames", { database: "kv" });
    return frames !== undefined && frames > 0;
  });
  await writer.stop();
  expect(await daemon.stop()).toBe(0);
}, 20_000);

test("a daemon under test inherits nothing that the test did not give it", () => {
  const environment = daemonEnvironment({
    stateDirectory: "/state",
    environment: { KVDB_SQLITE_FILE: "/a.db" },
  });
  const expected = ["HOME", "KVDB_SQLITE_FILE", "PATH", "STATE_DIRECTORY", "TMPDIR", "WALWARDEN_LISTEN"];
  expect(expected).toEqual(expect.arrayContaining(Object.keys(environment)));
});

test("metrics are read with escaped labels and infinite buckets", () => {
  const read = parseMetrics(
    '# HELP a b\n# TYPE a counter\na{database="x\\"\\\\\\n,}",le="+Inf"} 3\na{database="y",le="+Inf"} 4 1700000000\nb 1.5e-3\n',
  );
  expect(read.value("a", { database: 'x"\\\n,}' })).toBe(3);
  expect(read.sum("a", { le: "+Inf" })).toBe(7);
  expect(read.value("b")).toBe(0.0015);
  expect(read.value("c")).toBeUndefined();
});
