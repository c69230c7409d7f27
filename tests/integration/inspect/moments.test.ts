/** What a writer does between two reads of an inspection is never told as something wrong: moments made to order. */
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { realClock } from "../../../src/host/clock.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { inspectDatabase } from "../../../src/inspect/databaseInspection.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";

async function inspected(path: string, { os = realOs, pause = async () => {} }: Moments = {}) {
  const host = { os, clock: realClock, pause };
  const answer = await inspectDatabase(host, path, path, { stateDirectory: null, watchMs: 0 });
  if (answer.kind !== "inspected") throw new Error(answer.reason);
  return answer.inspection;
}

interface Moments {
  readonly os?: Os;
  readonly pause?: (pauseMs: number) => Promise<void>;
}

/** Between the look at the WAL's size and the read of it a checkpoint empties it, so many times. */
function emptiedBeforeRead(path: string, times: number): Os {
  const walPath = `${path}-wal`;
  const whole = readFileSync(walPath);
  let left = times;
  return {
    ...realOs,
    lstat: (of) => {
      if (of === walPath) writeFileSync(walPath, whole);
      return realOs.lstat(of);
    },
    open: (of) => {
      if (of === walPath && left > 0) {
        left -= 1;
        truncateSync(walPath, 0);
      }
      return realOs.open(of);
    },
  };
}

function flipByte(path: string, offsetBytes: number): void {
  const descriptor = openSync(path, "r+");
  const byte = new Uint8Array(1);
  readSync(descriptor, byte, 0, 1, offsetBytes);
  writeSync(descriptor, Uint8Array.of((byte[0] ?? 0) ^ 0x5a), 0, 1, offsetBytes);
  closeSync(descriptor);
}

async function writerAtRest(path: string) {
  const writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 30 });
  await writer.waitForRows(30);
  return writer;
}

describe("a WAL that is emptied while it is looked at", () => {
  test("at the first look only: what is in it is told by the next one", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using _writer = await writerAtRest(path);
    const { verdict, wal } = await inspected(path, { os: emptiedBeforeRead(path, 2) });
    expect({ verdict, header: wal?.header, by: wal?.by }).toEqual({
      verdict: "fine",
      header: "header",
      by: "index",
    });
    expect(wal?.frameCount).toBeGreaterThan(30);
  });

  test("at every look: that is said, and nothing is called wrong", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using _writer = await writerAtRest(path);
    const { verdict, wal, remarks, walVerdict } = await inspected(path, {
      os: emptiedBeforeRead(path, Number.POSITIVE_INFINITY),
    });
    expect(verdict).toBe("fine");
    expect(wal).toMatchObject({ header: "changing", by: "unknown", damage: null, frameCount: null });
    expect(remarks.map(({ text }) => text).join("; ")).toContain("started over at each look; ask again");
    expect(walVerdict?.kind).toBe("unknown");
  });
});

describe("a frame that does not hold", () => {
  const inFrame10 = 32 + 9 * (24 + 4096) + 24 + 3_000;

  test("at one look is nothing; at two it is damage", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using _writer = await writerAtRest(path);
    flipByte(`${path}-wal`, inFrame10);
    let pauses = 0;
    const passing = await inspected(path, {
      pause: async () => {
        if (pauses === 0) flipByte(`${path}-wal`, inFrame10);
        pauses += 1;
      },
    });
    expect(pauses).toBeGreaterThan(0);
    expect(passing).toMatchObject({ verdict: "fine", wal: { damage: null } });
    flipByte(`${path}-wal`, inFrame10);
    expect(await inspected(path)).toMatchObject({ verdict: "wrong", wal: { damage: { frame: 10 } } });
  });
});
