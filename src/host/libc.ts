/**
 * The C library calls that node:fs does not have; the only place for bun:ffi. It is loaded at the first call.
 *
 * bun:ffi needs memory that is writable and executable: where that is forbidden (MemoryDenyWriteExecute in a
 * unit) loading throws, and callers say so or do without.
 *
 * Sources: prctl(2), flock(2), faccessat(2), getppid(2), errno(3), cachestat(2) and ioprio_set(2) by syscall(2),
 * fcntl(2), getpagesize(2), posix_fadvise(2).
 */
import { dlopen, FFIType, read } from "bun:ffi";
import { accessSync, constants } from "node:fs";
import { errnoOf } from "./errno.ts";

const libraryNames = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

const symbols = {
  prctl: { args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64], returns: FFIType.i32 },
  flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  faccessat: { args: [FFIType.i32, FFIType.ptr, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  getppid: { args: [], returns: FFIType.i32 },
  getpagesize: { args: [], returns: FFIType.i32 },
  fcntl: { args: [FFIType.i32, FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  syscall: {
    args: [FFIType.i64_fast, FFIType.i64_fast, FFIType.ptr, FFIType.ptr, FFIType.i64_fast],
    returns: FFIType.i64_fast,
  },
  posix_fadvise: {
    args: [FFIType.i32, FFIType.i64_fast, FFIType.i64_fast, FFIType.i32],
    returns: FFIType.i32,
  },
  __errno_location: { args: [], returns: FFIType.ptr },
} as const;

const open = (name: string) => dlopen(name, symbols).symbols;
type Libc = ReturnType<typeof open>;

let loading: Libc | Error | undefined;

function load(): Libc | Error {
  const reasons: string[] = [];
  for (const name of libraryNames) {
    try {
      return open(name);
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return new Error(`cannot load the C library: ${reasons.join("; ")}`);
}

/** Throws when the library cannot be loaded, at each call. */
function libc(): Libc {
  loading ??= load();
  if (loading instanceof Error) throw loading;
  return loading;
}

/** The error number of the call before, on the same thread. */
function errorNumber(): number {
  const location = libc().__errno_location();
  return typeof location === "number" ? read.i32(location, 0) : 0;
}

export type CallResult = { readonly ok: true } | { readonly ok: false; readonly errorNumber: number };

function result(returned: number): CallResult {
  return returned === 0 ? { ok: true } : { ok: false, errorNumber: errorNumber() };
}

const prSetPdeathsig = 1;

/** prctl(PR_SET_PDEATHSIG): the signal that this process gets when its parent dies. */
export function setParentDeathSignal(signalNumber: number): CallResult {
  return result(libc().prctl(prSetPdeathsig, signalNumber, 0, 0, 0));
}

/** The parent as the kernel sees it now; a process whose parent died has another one. */
export function parentPid(): number {
  return libc().getppid();
}

const lockExclusive = 2;
const lockNonBlocking = 4;

/** flock(LOCK_EX | LOCK_NB). */
export function flockExclusively(descriptor: number): CallResult {
  return result(libc().flock(descriptor, lockExclusive | lockNonBlocking));
}

/** Bytes of a page of the page cache: 4096 on x86_64, up to 65536 on arm64. */
export function pageSizeBytes(): number {
  return libc().getpagesize();
}

const fGetlk = 5;

/** fcntl(F_GETLK): `flock` is a struct flock, in and out. */
export function getLock(descriptor: number, flock: Uint8Array): CallResult {
  return result(libc().fcntl(descriptor, fGetlk, flock));
}

/** The same number on every architecture: calls from 424 on share one table. */
const sysCachestat = 451;

/** cachestat(2): `range` is a struct cachestat_range, `answer` a struct cachestat. */
export function cachestatInto(descriptor: number, range: Uint32Array, answer: Uint32Array): CallResult {
  return result(Number(libc().syscall(sysCachestat, descriptor, range, answer, 0)));
}

const fadviseDontNeed = 4;

/** posix_fadvise(POSIX_FADV_DONTNEED): drops clean pages that nobody has mapped. */
export function dropCachedPages(descriptor: number, offsetBytes: number, lengthBytes: number): CallResult {
  const errorNumber = libc().posix_fadvise(descriptor, offsetBytes, lengthBytes, fadviseDontNeed);
  return errorNumber === 0 ? { ok: true } : { ok: false, errorNumber };
}

/** Of x86_64 and arm64, the architectures that Bun runs on. */
const sysIoprioSet = process.arch === "arm64" ? 30 : 251;
const ioprioWhoProcess = 1;
const ioprioClassShift = 13;

/** ioprio_set(2) of this process: class 2 is best-effort, with levels from 0 to 7, the lowest. */
export function setIoPriority(priorityClass: number, level: number): CallResult {
  const priority = (priorityClass << ioprioClassShift) | level;
  // A number in the place of a pointer: syscall(2) takes registers.
  return result(Number(libc().syscall(sysIoprioSet, ioprioWhoProcess, null, BigInt(priority), 0)));
}

const atFdcwd = -100;
const atEaccess = 0x200;

const anyAccess = constants.R_OK | constants.W_OK | constants.X_OK;

/**
 * faccessat(AT_EACCESS): may this process do that, by its effective ids? Without bun:ffi access(2) answers,
 * which goes by the real ids: the same unless the program is set-user-ID.
 */
export function effectiveAccess(path: string, mode: number): boolean {
  loading ??= load();
  if (loading instanceof Error) return realAccess(path, mode);
  return loading.faccessat(atFdcwd, Buffer.from(`${path}\0`), mode & anyAccess, atEaccess) === 0;
}

function realAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch (error) {
    errnoOf(error);
    return false;
  }
}
