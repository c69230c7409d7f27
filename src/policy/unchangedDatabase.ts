/**
 * Whether a database is still, byte for byte as far as its files tell, the one that a check has called ok: same file,
 * same size and times, same header, and a WAL that is the same or holds nothing.
 *
 * What the disk loses by itself is not seen by this: so an ok is believed for a time that the operator sets, and every
 * verdict that rests on an earlier check names it.
 */
import type { Observation } from "../domain/observation.ts";
import type { IntegrityStatus } from "../domain/status.ts";
import { walStateOf } from "./walState.ts";

export interface CheckRecord {
  readonly check: IntegrityStatus["check"];
  readonly fingerprint: string;
  readonly endedAtMs: number;
  readonly durationMs: number;
}

/** Null: it cannot be told, so it counts as changed. */
export function fingerprintOf(observation: Observation): string | null {
  const { database, header, wal, journal } = observation;
  if (database.kind !== "regular" || header?.kind !== "header" || journal.kind !== "absent") return null;
  const state = walStateOf(observation);
  if (state.kind === "unknown") return null;
  const { identity, sizeBytes, modifiedAtMs } = database;
  const walPart =
    state.kind === "noWal" || wal.kind !== "regular"
      ? ["none"]
      : [wal.identity, wal.sizeBytes, wal.modifiedAtMs, state.walIdentity, state.mxFrame];
  return [identity, sizeBytes, modifiedAtMs, header.header.bytesHex, ...walPart].join(" ");
}

/** The earlier check that an ok can rest on; integrity_check looks at all that quick_check looks at. Null: none. */
export function recordToRestOn(
  records: readonly CheckRecord[],
  check: IntegrityStatus["check"],
  observation: Observation,
  unchangedMaxMs: number,
  nowMs: number,
): CheckRecord | null {
  const fingerprint = unchangedMaxMs > 0 ? fingerprintOf(observation) : null;
  if (fingerprint === null) return null;
  const fitting = records.filter(
    (record) =>
      record.fingerprint === fingerprint &&
      (record.check === check || record.check === "integrity_check") &&
      record.endedAtMs <= nowMs &&
      nowMs - record.endedAtMs <= unchangedMaxMs,
  );
  return fitting.sort((one, other) => other.endedAtMs - one.endedAtMs)[0] ?? null;
}

/** The records of a database after one more; each check keeps its last. */
export function withRecord(records: readonly CheckRecord[], record: CheckRecord): readonly CheckRecord[] {
  return [...records.filter(({ check }) => check !== record.check), record];
}
