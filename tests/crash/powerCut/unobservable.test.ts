/**
 * Where the page cache tells nothing true the daemon says so, whatever the writer does: overlayfs answers zero for
 * everything, a tmpfs is never on disk, and without barriers no sync proves anything.
 */
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { openLaboratory } from "./laboratory.ts";
import { requireFileSystems, requireLaboratory } from "./requirements.ts";
import { runCommand, tryCommand } from "./systemCommand.ts";
import { readAnnounced, readStatus, startWatching, waitForLooks } from "./watchedDatabase.ts";
import { startWriter } from "./writtenDatabase.ts";

const missing = requireLaboratory() ?? requireFileSystems("overlay", "tmpfs");
const timeoutMs = 40_000;

interface Place {
  readonly mount: readonly string[];
  readonly reason: RegExp;
}

const places: Readonly<Record<string, (rootPath: string) => Place>> = {
  overlay: (rootPath) => {
    const [lower, upper, work] = ["lower", "upper", "work"].map((name) => `${rootPath}/${name}`);
    for (const path of [lower, upper, work]) mkdirSync(path ?? "");
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    return { mount: ["-t", "overlay", "overlay", "-o", options], reason: /overlay/ };
  },
  tmpfs: () => ({ mount: ["-t", "tmpfs", "tmpfs"], reason: /tmpfs/ }),
};

async function expectUnobservable(path: string, reason: RegExp): Promise<void> {
  using directory = makeTempDirectory();
  await using daemon = await startWatching({ path, directory, settings: { exposureMax: "1s" } });
  await using writer = await startWriter(path, { synchronous: "NORMAL", firstRow: 1, pauseMs: 2 });
  await writer.waitForRows(100);
  await waitForLooks(daemon, 2);
  await writer.waitForMoreRows(100);
  expect(await readAnnounced(daemon)).toMatchObject({
    observable: false,
    commitCount: undefined,
    byteCount: undefined,
    sinceMs: undefined,
  });
  const { exposure } = await readStatus(daemon);
  expect(exposure).toMatchObject({ kind: "unobservable", reason: expect.stringMatching(reason) });
}

for (const [name, placeIn] of Object.entries(places)) {
  test.skipIf(missing !== null)(
    testName(`${name}: unobservable, and no figure is given`, missing),
    async () => {
      await using laboratory = await openLaboratory("ext4");
      const mountPath = laboratory.file("place");
      mkdirSync(mountPath);
      const { mount, reason } = placeIn(laboratory.mountPath);
      await runCommand("mount", ...mount, mountPath);
      try {
        await expectUnobservable(`${mountPath}/kv.db`, reason);
      } finally {
        if (!(await tryCommand("umount", mountPath))) await tryCommand("umount", "--lazy", mountPath);
      }
    },
    timeoutMs,
  );
}

test.skipIf(missing !== null)(
  testName("ext4 without barriers: unobservable, and no figure is given", missing),
  async () => {
    await using laboratory = await openLaboratory("ext4");
    await runCommand("mount", "-o", "remount,nobarrier", laboratory.mountPath);
    await expectUnobservable(laboratory.file("kv.db"), /barriers/);
  },
  timeoutMs,
);
