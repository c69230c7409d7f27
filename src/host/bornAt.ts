/**
 * When a file was made, as the file system remembers it: no program can set it, and a restart of the machine keeps it.
 *
 * Source: statx(2), stx_btime; node:fs gives 0 where a file system has none.
 */
import { fstatSync } from "node:fs";
import { errnoOf } from "./errno.ts";

/** Wall-clock milliseconds. Null: it is not known there. */
export function bornAtMs(descriptor: number): number | null {
  try {
    const { birthtimeMs } = fstatSync(descriptor);
    return birthtimeMs > 0 ? birthtimeMs : null;
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
