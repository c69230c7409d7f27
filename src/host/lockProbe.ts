/**
 * Who holds a POSIX lock on some bytes of a file, by fcntl(F_GETLK): it asks and takes nothing. Unlike
 * /proc/locks it also answers for holders in other PID namespaces, without their process number.
 *
 * The supervisor only: closing the descriptor would drop the locks of a process that uses SQLite on the file
 * (sqlite.org/howtocorrupt.html, section 2.2). Locks of the asking process itself are never reported.
 *
 * Source: fcntl(2), fcntl_locking(2); fs/locks.c fcntl_getlk(), locks_translate_pid(). struct flock of glibc and musl on
 * x86_64 and arm64: l_type i16 @0, l_whence i16 @2, l_start i64 @8, l_len i64 @16, l_pid i32 @24, 32 bytes.
 */
import { getSystemErrorName } from "node:util";
import { getLock } from "./libc.ts";

export type LockProbe =
  | { readonly kind: "free" }
  | {
      readonly kind: "held";
      /** READ: shared, perhaps by more than the one that is named. WRITE: exclusive. */
      readonly access: "READ" | "WRITE";
      /** One holder. Null: in another PID namespace, on another machine, or a lock of an open file description. */
      readonly pid: number | null;
    }
  /** `code` is an error name, or "FFI" when the C library cannot be loaded. */
  | { readonly kind: "failed"; readonly code: string };

const readLock = 0;
const writeLock = 1;
const unlocked = 2;

// One call at a time and nothing awaited in between: the buffer is shared by all calls.
const flock = new DataView(new ArrayBuffer(32));
const flockBytes = new Uint8Array(flock.buffer);

/**
 * The first lock that keeps these bytes from being locked exclusively.
 * @param descriptor opened for reading is enough.
 * @param lengthBytes at least 1.
 */
export function probeLock(descriptor: number, firstByte: number, lengthBytes: number): LockProbe {
  const littleEndian = true;
  flockBytes.fill(0);
  flock.setInt16(0, writeLock, littleEndian);
  flock.setBigInt64(8, BigInt(firstByte), littleEndian);
  flock.setBigInt64(16, BigInt(lengthBytes), littleEndian);
  try {
    const called = getLock(descriptor, flockBytes);
    if (!called.ok) return { kind: "failed", code: getSystemErrorName(-called.errorNumber) };
  } catch {
    return { kind: "failed", code: "FFI" };
  }
  const type = flock.getInt16(0, littleEndian);
  if (type === unlocked) return { kind: "free" };
  const pid = flock.getInt32(24, littleEndian);
  return { kind: "held", access: type === readLock ? "READ" : "WRITE", pid: pid > 0 ? pid : null };
}
