/**
 * Whether the application is writing, judged from outside: frames appended to the WAL, a WAL that started
 * over, a rollback-mode database whose header changed. The daemon's own checkpoints never look like activity: PASSIVE does not
 * touch the WAL, a reset or a TRUNCATE only makes it shorter.
 */
import type { Observation } from "../domain/observation.ts";
import { saltsOf } from "../format/walHeader.ts";

export interface Activity {
  readonly fingerprint: Fingerprint;
  /** When a change was last seen; the time of the first look when none was seen yet. */
  readonly lastChangeAtMs: number;
}

interface Fingerprint {
  readonly salts: string | null;
  readonly mxFrame: number | null;
  readonly walBytes: number;
  readonly walModifiedAtMs: number;
  /** Only for a database that is not in WAL mode; there nobody but the application writes. */
  readonly rollback: string | null;
}

function fingerprintOf(observation: Observation): Fingerprint {
  const { header, walIndex, wal, database } = observation;
  const index = walIndex?.kind === "index" ? walIndex.index : null;
  const inWalMode = header?.kind === "header" && header.header.inWalMode;
  const rollback =
    !inWalMode && header?.kind === "header" && database.kind === "regular"
      ? `${header.header.changeCounter} ${database.sizeBytes} ${database.modifiedAtMs}`
      : null;
  return {
    salts: index === null ? null : saltsOf(index),
    mxFrame: index === null ? null : index.mxFrame,
    walBytes: wal.kind === "regular" ? wal.sizeBytes : 0,
    walModifiedAtMs: wal.kind === "regular" ? wal.modifiedAtMs : 0,
    rollback,
  };
}

function hasWritten(before: Fingerprint, after: Fingerprint): boolean {
  if (after.rollback !== before.rollback) return true;
  if (after.walBytes > before.walBytes) return true;
  if (after.mxFrame === null || before.mxFrame === null) {
    return after.walBytes > 0 && after.walModifiedAtMs !== before.walModifiedAtMs;
  }
  if (after.mxFrame > before.mxFrame) return true;
  return after.salts !== before.salts && after.mxFrame > 0;
}

/** Takes one observation into account. */
export function noteActivity(activity: Activity | null, observation: Observation): Activity {
  const fingerprint = fingerprintOf(observation);
  if (activity === null) return { fingerprint, lastChangeAtMs: observation.observedAtMs };
  const written = hasWritten(activity.fingerprint, fingerprint);
  return { fingerprint, lastChangeAtMs: written ? observation.observedAtMs : activity.lastChangeAtMs };
}
