/**
 * What stat(2) says of a file, as one small value. A look at a path whose file is as it was at the look before gives the
 * very same value, so "nothing has changed" is one comparison: a sweep takes thousands of looks, and nearly all of them
 * find what they found before. How many are kept is bounded; what was forgotten is a new value at the next look.
 *
 * Invariant: each look asks the kernel. Only its answer decides whether the earlier value is given again.
 *
 * Sources: statx(2); gnu_dev_makedev() of glibc for the device number.
 */
import type { Pointer } from "bun:ffi";
import { type BigIntStats, constants, fstatSync, lstatSync, statSync } from "node:fs";
import type { FileKind } from "../domain/observation.ts";
import { loadStatx, type Statx, statxWords as word } from "./statx.ts";

interface StatFields {
  /** "device:inode", decimal, as stat(2) says them; the device is not always the one that mountinfo says. */
  readonly identity: string;
  readonly sizeBytes: number;
  /** Wall-clock milliseconds with fractions; exact to a quarter of a microsecond. */
  readonly modifiedAtMs: number;
  /** When contents, owner, mode or names last changed: what a program cannot set back. */
  readonly changedAtMs: number;
  readonly uid: number;
  readonly gid: number;
  readonly permissions: number;
  readonly linkCount: number;
}

export type FileStats =
  | (StatFields & { readonly kind: "regular" })
  | (StatFields & { readonly kind: FileKind });

export interface StatCalls {
  /** Undefined: nothing there. Whatever else goes wrong is thrown as node:fs throws it. */
  lstat(path: string): FileStats | undefined;
  stat(path: string): FileStats | undefined;
  fstat(descriptor: number): FileStats;
}

/** Four files a database, for more than ten thousand databases. */
const keptCountMax = 50_000;

/** By statx(2) where bun:ffi can be had, else by node:fs. */
export function createStatCalls(statx: Statx | null = loadStatx()): StatCalls {
  return statx === null ? nodeCalls() : statxCalls(statx);
}

/** What tells one state of a file from another: not access time, blocks and attributes. */
const tellingWords: readonly number[] = Object.values(word);

interface Kept {
  readonly address: Pointer;
  readonly words: Int32Array;
  stats: FileStats | null;
}

function statxCalls(statx: Statx): StatCalls {
  const { words } = statx;
  const kept = new Map<string, Kept>();
  const keep = (path: string): Kept => {
    if (kept.size >= keptCountMax) {
      kept.clear();
      statx.forgetPaths();
    }
    const entry = { address: statx.keepPath(path), words: new Int32Array(tellingWords.length), stats: null };
    kept.set(path, entry);
    return entry;
  };
  return {
    lstat(path) {
      const entry = kept.get(path) ?? keep(path);
      if (!statx.lstatKept(entry.address, path)) {
        entry.stats = null;
        return undefined;
      }
      const isSame = takeOver(words, entry.words);
      if (!isSame || entry.stats === null) entry.stats = statsOf(words);
      return entry.stats;
    },
    stat: (path) => (statx.stat(path) ? statsOf(words) : undefined),
    fstat(descriptor) {
      statx.fstat(descriptor);
      return statsOf(words);
    },
  };
}

/** @returns whether they were the same before. */
function takeOver(from: Int32Array, to: Int32Array): boolean {
  let isSame = true;
  for (let at = 0; at < to.length; at += 1) {
    const value = from[tellingWords[at] ?? 0] ?? 0;
    if (to[at] === value) continue;
    to[at] = value;
    isSame = false;
  }
  return isSame;
}

function statsOf(words: Int32Array): FileStats {
  const unsigned = (at: number): number => (words[at] ?? 0) >>> 0;
  const wide = (lowAt: number, highAt: number): number => (words[highAt] ?? 0) * 2 ** 32 + unsigned(lowAt);
  const mode = unsigned(word.mode) & 0xffff;
  const device = deviceNumber(unsigned(word.deviceMajor), unsigned(word.deviceMinor));
  return {
    kind: kindOf(mode),
    identity: `${device}:${inodeText(unsigned(word.inodeLow), unsigned(word.inodeHigh))}`,
    sizeBytes: wide(word.sizeLow, word.sizeHigh),
    modifiedAtMs: wide(word.modifiedLow, word.modifiedHigh) * 1e3 + unsigned(word.modifiedNs) / 1e6,
    changedAtMs: wide(word.changedLow, word.changedHigh) * 1e3 + unsigned(word.changedNs) / 1e6,
    uid: unsigned(word.uid),
    gid: unsigned(word.gid),
    permissions: mode & 0o7777,
    linkCount: unsigned(word.links),
  };
}

/** As stat(2) packs it: the kernel has majors of 12 bits and minors of 20. */
function deviceNumber(major: number, minor: number): number {
  return (minor >>> 8) * 2 ** 20 + major * 2 ** 8 + (minor & 0xff);
}

/** Some file systems give inodes of 64 bits, more than a number holds. */
function inodeText(low: number, high: number): string {
  return high < 2 ** 21 ? String(high * 2 ** 32 + low) : String((BigInt(high) << 32n) | BigInt(low));
}

const { S_IFMT, S_IFREG, S_IFDIR, S_IFIFO, S_IFSOCK, S_IFLNK } = constants;
const kinds: ReadonlyMap<number, FileStats["kind"]> = new Map([
  [S_IFREG, "regular"],
  [S_IFDIR, "directory"],
  [S_IFIFO, "fifo"],
  [S_IFSOCK, "socket"],
  [S_IFLNK, "symbolicLink"],
]);

function kindOf(mode: number): FileStats["kind"] {
  return kinds.get(mode & S_IFMT) ?? "device";
}

function nodeCalls(): StatCalls {
  const kept = new Map<string, FileStats>();
  const options = { bigint: true, throwIfNoEntry: false } as const;
  return {
    lstat(path) {
      const found = lstatSync(path, options);
      if (found === undefined) {
        kept.delete(path);
        return undefined;
      }
      const stats = statsOfNode(found);
      const before = kept.get(path);
      if (before !== undefined && isSame(before, stats)) return before;
      if (kept.size >= keptCountMax) kept.clear();
      kept.set(path, stats);
      return stats;
    },
    stat(path) {
      const found = statSync(path, options);
      return found === undefined ? undefined : statsOfNode(found);
    },
    fstat: (descriptor) => statsOfNode(fstatSync(descriptor, { bigint: true })),
  };
}

function isSame(one: FileStats, other: FileStats): boolean {
  return (
    one.kind === other.kind &&
    one.identity === other.identity &&
    one.sizeBytes === other.sizeBytes &&
    one.modifiedAtMs === other.modifiedAtMs &&
    one.changedAtMs === other.changedAtMs &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.permissions === other.permissions &&
    one.linkCount === other.linkCount
  );
}

function statsOfNode(stats: BigIntStats): FileStats {
  const milliseconds = (timeNs: bigint): number =>
    Number(timeNs / 1_000_000_000n) * 1e3 + Number(timeNs % 1_000_000_000n) / 1e6;
  const mode = Number(stats.mode);
  return {
    kind: kindOf(mode),
    identity: `${stats.dev}:${stats.ino}`,
    sizeBytes: Number(stats.size),
    modifiedAtMs: milliseconds(stats.mtimeNs),
    changedAtMs: milliseconds(stats.ctimeNs),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    permissions: mode & 0o7777,
    linkCount: Number(stats.nlink),
  };
}
