/**
 * Who keeps the WAL from being copied whole, by lock evidence alone: a reader whose mark lies before the end
 * of the WAL, or one on mark 0, which reads the database itself and lets nothing be copied into it
 * (wal.c, walCheckpoint and WAL_READ_LOCK).
 */
import type { LockHolder, Observation } from "../domain/observation.ts";

export function walHolders(observation: Observation): readonly LockHolder[] {
  const { locks, walIndex } = observation;
  if (locks.kind !== "seen" || walIndex?.kind !== "index") return [];
  const { mxFrame, readMarks } = walIndex.index;
  const holding = locks.readers.filter(({ mark }) => mark === 0 || (readMarks[mark] ?? mxFrame) < mxFrame);
  return [...new Map(holding.map(({ holder }) => [holder.pid, holder])).values()];
}
