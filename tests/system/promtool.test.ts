/** `promtool check metrics`, as Debian's prometheus package has it, on what /metrics answers. */
import { expect, test } from "bun:test";
import { databaseHistogramsMax } from "../../src/report/metricCatalogue.ts";
import { createMetrics } from "../../src/report/metrics.ts";
import { requireTool, testName } from "../support/requirements.ts";
import { aCheckpoint, anIntegrityCheck, aStatus } from "../unit/report/statusBuilder.ts";

const skipReason = requireTool("promtool");

async function complaints(databaseCount: number): Promise<string> {
  const metrics = createMetrics({ version: "1.2.3", bunVersion: "1.4.5", sqliteVersion: "3.54.1" });
  for (let index = 0; index < databaseCount; index++) {
    const name = index === 0 ? 'quo"te\\back\nline' : `db${index}`;
    metrics.register(name, () => aStatus({ name }));
    metrics.checkpoint(name, aCheckpoint());
    metrics.integrity(name, anIntegrityCheck());
    metrics.integrity(name, anIntegrityCheck({ check: "integrity_check", verdict: "structural" }));
    metrics.recovery(name, 22);
    metrics.walReset(name, 1);
  }
  metrics.workerFailure("crash");
  metrics.eventLoopLag(0.001);
  const child = Bun.spawn(["promtool", "check", "metrics"], {
    stdin: new Blob([await metrics.text()]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return (await child.exited) === 0 ? out + err : `exit ${child.exitCode}\n${out}${err}`;
}

for (const databaseCount of [0, 1, databaseHistogramsMax + 1]) {
  test.skipIf(skipReason !== null)(
    testName(`promtool has nothing to say about the metrics of ${databaseCount} databases`, skipReason),
    async () => {
      expect(await complaints(databaseCount)).toBe("");
    },
  );
}
