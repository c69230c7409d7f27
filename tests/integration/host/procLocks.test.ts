import { describe, expect, test } from "bun:test";
import { type Os, realOs } from "../../../src/host/os.ts";
import { createLockGatherer, readProcLocks } from "../../../src/host/procLocks.ts";

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

describe("gathering /proc/locks", () => {
  test("a lock that one read of a long list left out is there", async () => {
    const without = (pid: number) => textOf(many.filter((other) => other !== pid));
    const { os } = reading([without(1000), without(1001), without(1002)]);
    const locks = await createLockGatherer(os)();
    expect(locks?.map(({ pid }) => pid).sort((a, b) => a - b)).toEqual(many);
  });

  test("a text of one page is a snapshot: it is read once", async () => {
    const { os, readCount } = reading([textOf([7, 8])]);
    expect(await createLockGatherer(os)()).toHaveLength(2);
    expect(readCount()).toBe(1);
  });

  test("a lock that stays is the same value at the next gathering, and an unchanged list the same list", async () => {
    const { os } = reading([textOf([7, 8]), textOf([8, 7]), textOf([8, 9])]);
    const gather = createLockGatherer(os);
    const first = await gather();
    expect(await gather()).toBe(first);
    const changed = await gather();
    expect(changed?.map(({ pid }) => pid)).toEqual([8, 9]);
    expect(changed?.[0]).toBe(first?.[1]);
  });

  test("a lock that went between two gatherings is gone, though nothing came", async () => {
    const { os } = reading([textOf([7, 8]), textOf([7])]);
    const gather = createLockGatherer(os);
    await gather();
    expect((await gather())?.map(({ pid }) => pid)).toEqual([7]);
  });

  test("who asks while it is gathered shares the next gathering, and gets nothing from before the question", async () => {
    const { os, readCount } = reading([textOf([1]), textOf([2]), textOf([3])]);
    const gather = createLockGatherer(os);
    const answers = await Promise.all([gather(), gather(), gather()]);
    expect(answers.map((locks) => locks?.map(({ pid }) => pid))).toEqual([[1], [2], [2]]);
    expect(readCount()).toBe(2);
    expect((await gather())?.map(({ pid }) => pid)).toEqual([3]);
  });

  test("a gathering that fails keeps nobody from the next one", async () => {
    let failing = true;
    const os: Os = {
      ...realOs,
      readProcLocks: async () => {
        if (failing) throw Object.assign(new Error("EMFILE"), { code: "EMFILE", errno: -24 });
        return textOf([7]);
      },
    };
    const gather = createLockGatherer(os);
    expect(await Promise.all([gather(), gather()])).toEqual([null, null]);
    failing = false;
    expect(await gather()).toHaveLength(1);
  });

  test("the system's own list is understood", async () => {
    expect(await createLockGatherer(realOs)()).toBeArray();
    expect(readProcLocks()).toBeArray();
  });
});
