/** The ok of a database that has not changed since counts in place of a new check, where the operator wants that. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { makeKv, startReady, statusOf, testTimeoutMs } from "./watched.ts";

const settings = { checkpoint: { schedule: "off" }, integrity: { startup: "FULL", unchangedMax: "1h" } };

test(
  "across restarts, until something changes; the verdict says which check it rests on",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory);
    const checkOfStart = async () => {
      await using daemon = await startReady(directory, path, settings);
      const status = await waitFor("the check to be known", async () =>
        (await statusOf(daemon, "kv")).integrity.find(({ check }) => check === "integrity_check"),
      );
      const line = daemon.log.find(({ msg }) => msg === "startup integrity_check passed");
      const metrics = await daemon.metrics();
      const checkCount = metrics.value("sqlite_integrity_checks_total", {
        check: "integrity_check",
        outcome: "ok",
      });
      await daemon.stop();
      return { status, line, checkCount };
    };
    // The first start may make -shm and change times; what it leaves is what the next one finds.
    await checkOfStart();
    const first = await checkOfStart();
    const second = await checkOfStart();
    expect(second.status).toMatchObject({ verdict: "ok", restsOn: "integrity_check" });
    expect(second.line).toMatchObject({ restsOn: "integrity_check", checkEndedAt: second.status.endedAt });
    expect(second.checkCount).toBe(0);
    expect(Date.parse(second.status.endedAt)).toBeLessThanOrEqual(Date.parse(first.status.endedAt));
    const database = new Database(path, { readwrite: true });
    database.exec("DELETE FROM written WHERE id = 1");
    database.close(true);
    const third = await checkOfStart();
    expect(third.status).toMatchObject({ verdict: "ok", restsOn: null });
    expect(third.checkCount).toBe(1);
  },
  testTimeoutMs,
);
