/** What a check has read is dropped from the page cache, and what was there before stays. */
import { expect, test } from "bun:test";
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { realClock } from "../../../src/host/clock.ts";
import { realOs } from "../../../src/host/os.ts";
import { cachestat, dropCached } from "../../../src/host/pageCache.ts";
import { coldRanges, dropInto } from "../../../src/observe/cachedRanges.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { targetOf } from "../worker/harness.ts";

const host = { os: realOs, clock: realClock };
const megabyte = 1024 * 1024;

test("pages that came after stay only where there were some before, and dirty ones stay in any case", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  const descriptor = openSync(path, "w+");
  const cachedAt = (offsetBytes: number) => {
    const stat = cachestat(descriptor, offsetBytes, megabyte);
    return stat.ok ? stat.cached : -1;
  };
  writeSync(descriptor, Buffer.alloc(8 * megabyte, 1));
  fdatasyncSync(descriptor);
  dropCached(descriptor, 0, 8 * megabyte);
  if (cachedAt(0) !== 0) {
    console.log("skipped: this file system has no page cache to drop from, or cachestat is refused");
    closeSync(descriptor);
    return;
  }
  const read = (offsetBytes: number) =>
    readSync(descriptor, Buffer.alloc(megabyte), 0, megabyte, offsetBytes);
  read(0);
  const { identity } = targetOf(path);
  const cold = await coldRanges(host, path, identity ?? "");
  expect(cold?.offsetsBytes.length).toBeGreaterThan(8);
  expect(cold?.offsetsBytes.length).toBeLessThan(32);
  for (let at = 0; at < 8; at += 1) read(at * megabyte);
  writeSync(descriptor, Buffer.alloc(4096, 2), 0, 4096, 6 * megabyte);
  const before = cachedAt(0);
  if (cold !== null) await dropInto(host, cold);
  expect(cachedAt(0)).toBe(before);
  expect(cachedAt(4 * megabyte)).toBe(0);
  expect(cachedAt(6 * megabyte)).toBeGreaterThan(0);
  closeSync(descriptor);
});

test("of a file that was replaced meanwhile nothing is dropped, and nothing fails", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  await Bun.write(path, Buffer.alloc(megabyte));
  expect(await coldRanges(host, path, "1:1")).toBeNull();
  expect(await coldRanges(host, directory.file("none"), "1:1")).toBeNull();
  await dropInto(host, { path, identity: "1:1", rangeBytes: megabyte, offsetsBytes: [0] });
});
