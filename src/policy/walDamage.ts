/**
 * What follows from a WAL that is broken with commits behind the break. Recovery does not bring these back, and the next
 * checkpoint gives their frames free: so before anything of ours opens the database the file is copied. Without a copy the
 * database stays closed, as long as nobody else has opened it: an application that does recovers it, and that is not
 * ours to stop. That it was found degrades readiness until the file is another one or the daemon starts again, like a
 * proven loss (policy/ledgerCheck.ts). Pure.
 */
import type { FileLook, Observation } from "../domain/observation.ts";
import type { NotKeptWal, WalDamage } from "../domain/walDamage.ts";
import type { GuardFinding } from "./guardFinding.ts";
import type { CheckVerdict } from "./readiness.ts";
import { residueOf } from "./residue.ts";
import type { DatabaseState } from "./state.ts";

/**
 * Left to everybody else on the file system of the copies, beside what recovery may add to the database: as much as the
 * copy has, within these. A state directory may be a small volume of its own.
 */
const headRoomMinBytes = 1024 * 1024;
const headRoomMaxBytes = 64 * 1024 * 1024;
const copyAgainMinMs = 5_000;
const copyAgainMaxMs = 300_000;

/** One state of one file. */
export function fileMark(look: FileLook): string {
  if (look.kind !== "regular") return look.kind;
  return `${look.identity}/${look.sizeBytes}/${look.modifiedAtMs}`;
}

/** The damage, if it is of the WAL that lies there now, as it was then. */
export function presentDamage({ wal }: Observation, { walDamage }: DatabaseState): WalDamage | null {
  return walDamage?.walMark === fileMark(wal) ? walDamage : null;
}

/** No copy could be made, and it is time to try again. */
export function damageCopyDue(observation: Observation, state: DatabaseState, nowMs: number): boolean {
  const damage = presentDamage(observation, state);
  if (damage === null || damage.copy.kind === "kept") return false;
  const sinceMs = nowMs - damage.triedAtMs;
  const pauseMs = Math.min(copyAgainMinMs * 2 ** (damage.failureCount - 1), copyAgainMaxMs);
  return sinceMs < 0 || sinceMs >= pauseMs;
}

/**
 * Why there is no room for a copy; null: there is. Recovery may add as much again to the database, which may be on the
 * same file system, and a full one is an error to its application.
 *
 * @param freeBytes null: not known; then writing shows it.
 */
export function whyNoRoom(
  sizeBytes: number,
  freeBytes: number | null,
  directory: string,
): NotKeptWal["reason"] | null {
  const headRoomBytes = Math.min(Math.max(sizeBytes, headRoomMinBytes), headRoomMaxBytes);
  const wantedBytes = 2 * sizeBytes + headRoomBytes;
  if (freeBytes === null || freeBytes >= wantedBytes) return null;
  return `a copy has ${sizeBytes} bytes, and ${wantedBytes} must be free for it in ${directory}, where ${freeBytes} are: make room there`;
}

/** Keeps a damaged WAL from being opened before it was copied. */
export function damagedWalGuards(
  observation: Observation,
  state: DatabaseState,
  path: string,
): readonly GuardFinding[] {
  const damage = presentDamage(observation, state);
  if (damage === null || damage.copy.kind === "kept") return [];
  if (residueOf(observation, state.openers) === null) return [];
  const reason = `${path}-wal is ${damage.text}; opening would destroy what stands there, and it could not be copied: ${damage.copy.reason}. It is tried again by itself. Or copy ${path}, -wal and -shm yourself and open the database once with sqlite3: then the daemon goes on`;
  return [{ guard: "damaged_wal", verdict: "refuse", reason }];
}

/** The readiness check "residue". */
export function residueCheck({ walDamage }: DatabaseState): CheckVerdict {
  if (walDamage === null) return { name: "residue", state: "ok", reason: "" };
  const { text, copy } = walDamage;
  const kept =
    copy.kind === "kept"
      ? `it is kept as ${copy.walPath}: look at it with walwarden inspect, and compare the database with a backup`
      : `it could not be kept: ${copy.reason}`;
  return { name: "residue", state: "degraded", reason: `a WAL was found ${text}; ${kept}` };
}
