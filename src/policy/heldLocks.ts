/**
 * Whether a lock is held by any other process: one that is named, or one in another PID namespace, of which only the
 * lock is known. True is certain; false is so only where all locks could be seen.
 */
import type { LockHolder, LockLook } from "../domain/observation.ts";

export type SeenLocks = Extract<LockLook, { readonly kind: "seen" }>;

export function somebodyIsConnected({ connected, hidden }: SeenLocks): boolean {
  return connected.length > 0 || hidden?.connected === true;
}

export function somebodyLocksDatabase({ databaseLockers, hidden }: SeenLocks): boolean {
  return databaseLockers.length > 0 || hidden?.databaseLocked === true;
}

export function somebodyWrites({ writer, hidden }: SeenLocks): boolean {
  return writer !== null || hidden?.writer === true;
}

export function somebodyLocksExclusively({ exclusive, hidden }: SeenLocks): boolean {
  return exclusive !== null || hidden?.exclusive === true;
}

export function describeHolder({ pid, comm }: LockHolder): string {
  return comm === null ? `process ${pid}` : `process ${pid} (${comm})`;
}

/** For a holder that may not be known. */
export function describeAnyHolder(holder: LockHolder | null): string {
  return holder === null ? "a process in another PID namespace" : describeHolder(holder);
}
