/**
 * One daemon for one state directory: flock(2) on a file that stays there. The kernel gives the lock back
 * when the process ends, however it ends, so no stale lock can be left behind; the process number in the
 * file is for people, nothing is decided by it.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { errnoOf } from "./errno.ts";
import { flockExclusively } from "./libc.ts";

export type ExclusiveLock =
  | { readonly ok: true; readonly release: () => void }
  | { readonly ok: false; readonly reason: string };

const openFlags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const errnoWouldBlock = 11;

/** Never waits. The descriptor is closed on exec, so no worker keeps the lock alive. */
export function lockFileExclusively(path: string): ExclusiveLock {
  let descriptor: number;
  try {
    descriptor = openSync(path, openFlags, 0o600);
  } catch (error) {
    return { ok: false, reason: `cannot open ${path}: ${errnoOf(error)}` };
  }
  const release = releaserOf(descriptor);
  let refusal: string | null;
  try {
    refusal = lockDescriptor(descriptor, path);
  } catch (error) {
    refusal = `cannot lock ${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (refusal === null) return { ok: true, release };
  release();
  return { ok: false, reason: refusal };
}

/** Null: locked. */
function lockDescriptor(descriptor: number, path: string): string | null {
  if (!fstatSync(descriptor).isFile()) return `${path} is not a regular file`;
  const locked = flockExclusively(descriptor);
  if (locked.ok) {
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, `${process.pid}\n`, 0);
    return null;
  }
  if (locked.errorNumber !== errnoWouldBlock) return `flock on ${path} failed, errno ${locked.errorNumber}`;
  const holder = readFileSync(path, "utf8").trim();
  return `${path} is locked by ${/^\d+$/.test(holder) ? `process ${holder}` : "another process"}`;
}

function releaserOf(descriptor: number): () => void {
  let released = false;
  return () => {
    if (released) return;
    released = true;
    closeSync(descriptor);
  };
}
