import { expect, test } from "bun:test";
import type { ProcLock } from "../../../src/format/procLocks.ts";
import { readMarksOf } from "../../../src/sqlite/readMarks.ts";

const shm = { device: "254:0", inode: "77" };
const ownPid = 10;

function lock(fields: Partial<ProcLock>): ProcLock {
  const base = { mechanism: "POSIX", access: "READ", pid: 20, device: "254:0", inode: "77" } as const;
  return { ...base, firstByte: 124, lastByte: 124, ...fields };
}

test("a mark that another process holds is held, also as part of a merged range", () => {
  for (const firstByte of [124, 125, 126, 127]) {
    expect(readMarksOf([lock({ firstByte, lastByte: firstByte })], shm, ownPid)).toBe("held");
  }
  expect(readMarksOf([lock({ firstByte: 120, lastByte: 128 })], shm, ownPid)).toBe("held");
  expect(readMarksOf([lock({ pid: -1, mechanism: "OFDLCK" })], shm, ownPid)).toBe("held");
});

test("READ(0), connections, other files and our own locks leave the marks free", () => {
  const others = [
    lock({ firstByte: 123, lastByte: 123 }),
    lock({ firstByte: 128, lastByte: 128 }),
    lock({ inode: "78" }),
    lock({ device: "254:1" }),
    lock({ pid: ownPid }),
  ];
  expect(readMarksOf(others, shm, ownPid)).toBe("free");
  expect(readMarksOf([], shm, ownPid)).toBe("free");
});

test("locks that cannot be read are never taken for none", () => {
  expect(readMarksOf(null, shm, ownPid)).toBe("unobservable");
});
