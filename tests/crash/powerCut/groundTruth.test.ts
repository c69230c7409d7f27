/**
 * The laboratory itself, without the daemon: it must take from a NORMAL writer what a power cut takes, and nothing
 * from one that syncs each commit. A laboratory that shows no loss proves nothing about a daemon that announces one.
 */
import { expect, test } from "bun:test";
import { testName } from "../../support/requirements.ts";
import { dirtyPageCount, writeBackUntilClean } from "./fileCache.ts";
import { cutFileSystems, openLaboratory } from "./laboratory.ts";
import { requireLaboratory } from "./requirements.ts";
import { cutWhileWriting, makeDatabase, recover, startWriter } from "./writtenDatabase.ts";

const missing = requireLaboratory();
const timeoutMs = 30_000;

for (const fileSystem of cutFileSystems) {
  const labTest = (name: string, body: () => Promise<void>) =>
    test.skipIf(missing !== null)(testName(`${fileSystem}: ${name}`, missing), body, timeoutMs);

  labTest("a power cut takes commits of a NORMAL writer, the latest ones, and damages nothing", async () => {
    await using laboratory = await openLaboratory(fileSystem);
    const path = await makeDatabase(laboratory);
    await using writer = await startWriter(path, { synchronous: "NORMAL", pauseMs: 1 });
    await writer.waitForRows(300);
    const { cut, acknowledged } = await cutWhileWriting(laboratory, writer);
    await writer.kill();
    await laboratory.powerOn(cut);
    const { found, lost } = await recover(path, acknowledged);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost).toEqual(acknowledged.slice(-lost.length));
    expect(found.integrityMessages).toEqual(["ok"]);
  });

  labTest("power cuts take nothing that an EXTRA writer acknowledged", async () => {
    await using laboratory = await openLaboratory(fileSystem);
    const path = await makeDatabase(laboratory);
    const acknowledged: number[] = [];
    for (const round of [1, 2, 3]) {
      const options = { synchronous: "EXTRA", autocheckpoint: round === 2 ? 50 : 0 } as const;
      await using writer = await startWriter(path, { ...options, firstRow: round * 100_000 });
      await writer.waitForRows(200);
      const cutting = await cutWhileWriting(laboratory, writer);
      acknowledged.push(...cutting.acknowledged);
      await writer.kill();
      await laboratory.powerOn(cutting.cut);
      const { found, lost } = await recover(path, acknowledged);
      expect(lost.length).toBe(0);
      expect(found.integrityMessages).toEqual(["ok"]);
    }
  });

  labTest("what the kernel wrote back by itself reads clean and is lost all the same", async () => {
    await using laboratory = await openLaboratory(fileSystem);
    const path = await makeDatabase(laboratory);
    const options = { synchronous: "NORMAL", autocheckpoint: 0, rowCount: 300 } as const;
    await using writer = await startWriter(path, options);
    await writer.waitForRows(300);
    expect(dirtyPageCount(`${path}-wal`)).toBeGreaterThan(0);
    await writeBackUntilClean(`${path}-wal`);
    const { cut, acknowledged } = await cutWhileWriting(laboratory, writer);
    await writer.kill();
    await laboratory.powerOn(cut);
    expect((await recover(path, acknowledged)).lost.length).toBeGreaterThan(0);
  });
}
