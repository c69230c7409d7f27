/** The state directory belongs to one daemon at a time; the kernel gives the lock back however it ends. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { lockFileExclusively } from "../host/exclusiveLock.ts";

export type EnteredState =
  | { readonly ok: true; readonly release: () => void }
  | { readonly ok: false; readonly message: string };

export function enterStateDirectory(path: string): EnteredState {
  try {
    mkdirSync(path, { recursive: true, mode: 0o750 });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ok: false, message: `cannot make the state directory: ${error.message}; set STATE_DIRECTORY` };
  }
  const lock = lockFileExclusively(join(path, "walwarden.lock"));
  if (lock.ok) return lock;
  return {
    ok: false,
    message: `${lock.reason}: one daemon for one state directory; stop the other, or set STATE_DIRECTORY`,
  };
}
