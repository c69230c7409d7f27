/**
 * The page cache of one file from the test's side: how much of it is dirty, and writing it back as the kernel does
 * by itself after some seconds, without a sync: sync_file_range(2) writes data pages only, neither the file's
 * metadata nor the device's cache.
 */
import { dlopen, FFIType } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { cachestat } from "../../../src/host/pageCache.ts";
import { waitFor } from "../../support/waitFor.ts";

/** SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER. */
const writeAndWait = 1 | 2 | 4;

/** Pages of the file that are dirty or on their way to the device. */
export function dirtyPageCount(path: string): number {
  return withFile(path, (descriptor) => {
    const pages = cachestat(descriptor, 0, 0);
    if (!pages.ok) throw new Error(`cachestat of ${path}: ${pages.reason}`);
    return pages.dirty + pages.writeback;
  });
}

/** Until no page of the file is dirty: a file that nobody writes to meanwhile. */
export async function writeBackUntilClean(path: string): Promise<void> {
  await waitFor(`${path} to be clean`, () => {
    withFile(path, writeBack);
    return dirtyPageCount(path) === 0;
  });
}

function writeBack(descriptor: number): void {
  const library = dlopen("libc.so.6", {
    sync_file_range: {
      args: [FFIType.i32, FFIType.i64_fast, FFIType.i64_fast, FFIType.u32],
      returns: FFIType.i32,
    },
  });
  const returned = library.symbols.sync_file_range(descriptor, 0, 0, writeAndWait);
  library.close();
  if (returned !== 0) throw new Error("sync_file_range(2) failed");
}

function withFile<Value>(path: string, use: (descriptor: number) => Value): Value {
  const descriptor = openSync(path, "r");
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
