import { describe, expect, test } from "bun:test";
import { type Os, realOs } from "../../../src/host/os.ts";
import { gatherProcLocks, readProcLocks } from "../../../src/host/procLocks.ts";

const lineOf = (pid: number) => `POSIX  ADVISORY  WRITE ${pid} fe:00:${pid} 120 120`;

function textOf(pids: readonly number[]): string {
  return pids.map((pid, at) => `${at + 1}: ${lineOf(pid)}\n`).join("");
}

/** The real system, with these texts as /proc/locks, one after the other. */
function reading(texts: readonly string[]) {
  let readCount = 0;
  const os: Os = { ...realOs, readProcLocks: async () => texts[readCount++] ?? "" };
  return { os, readCount: () => readCount };
}

const many = Array.from({ length: 200 }, (_, at) => at + 1000);

describe("gatherProcLocks", () => {
  test("a lock that one read of a long list left out is there", async () => {
    const without = (pid: number) => textOf(many.filter((other) => other !== pid));
    const { os } = reading([without(1000), without(1001), without(1002)]);
    const locks = await gatherProcLocks(os);
    expect(locks?.map(({ pid }) => pid).sort((a, b) => a - b)).toEqual(many);
  });

  test("a text of one page is a snapshot: it is read once", async () => {
    const { os, readCount } = reading([textOf([7, 8])]);
    expect(await gatherProcLocks(os)).toHaveLength(2);
    expect(readCount()).toBe(1);
  });

  test("the system's own list is understood", async () => {
    expect(await gatherProcLocks(realOs)).toBeArray();
    expect(readProcLocks()).toBeArray();
  });
});
