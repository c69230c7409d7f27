/**
 * PRAGMA wal_checkpoint(PASSIVE): copies what it can and waits for nobody, neither reader nor writer.
 *
 * Its columns (sqlite.org/pragma.html#pragma_wal_checkpoint): busy, 1 if it could not run because another
 * checkpoint is at work; log, frames in the WAL by its own snapshot; checkpointed, frames that are in the
 * database. Not in WAL mode: 0, -1, -1. Equality says nothing about what was written since it began.
 */
import type { Database } from "bun:sqlite";
import type { Profile } from "../domain/databaseConfig.ts";
import type { Target } from "../domain/operation.ts";
import type { PassiveResult } from "../domain/outcome.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { prepareCheckpointer } from "./connection.ts";
import { withWriter } from "./gentleClose.ts";

/** A pass that took longer than this was bulk work: writers that went on have left a tail meanwhile. */
const longPassMs = 10;

/** One pass on an open connection. */
export function passivePass(checkpointer: Database): PassiveResult {
  const startedAtMs = performance.now();
  const [busy, log, checkpointed] = firstRow(checkpointer, "PRAGMA main.wal_checkpoint(PASSIVE)");
  return {
    busy: busy !== "0",
    logFrameCount: Number(log),
    checkpointedFrameCount: Number(checkpointed),
    durationMs: performance.now() - startedAtMs,
  };
}

export function isCompletePass(pass: PassiveResult): boolean {
  return !pass.busy && pass.logFrameCount === pass.checkpointedFrameCount;
}

/** One pass, and a second one for the tail when the first was long or did not reach its end. */
export function passiveTwice(checkpointer: Database): PassiveResult {
  const first = passivePass(checkpointer);
  if (isCompletePass(first) && first.durationMs < longPassMs) return first;
  const second = passivePass(checkpointer);
  return { ...second, durationMs: first.durationMs + second.durationMs };
}

export function passiveCheckpoint(target: Target, profile: Profile): PassiveResult {
  return withWriter(target, "readWrite", (checkpointer) => {
    prepareCheckpointer(checkpointer, profile);
    return passiveTwice(checkpointer);
  });
}
