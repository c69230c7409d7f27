/**
 * The change counter in the header of a database in WAL mode never goes back: only checkpoints write it, and each
 * page 1 that they copy is newer than the one before (walLineage.ts). Gone back without a WAL means that an earlier
 * content was put into the same file: a restore by cp. In rollback mode a journal that is rolled back takes
 * the counter back lawfully, so there it says nothing. Pure.
 */
import type { Observation } from "../domain/observation.ts";
import type { DatabaseState } from "./state.ts";
import { isWal, walHasFrames } from "./walState.ts";

export interface HeaderHistory {
  readonly identity: string;
  /** The highest that was seen. */
  readonly changeCounter: number;
  /** Since when a lower one is seen. */
  readonly wentBackSinceMs: number | null;
}

const wentBackDoubtMs = 300;
/** Counters are compared modulo 2^32. */
const halfRange = 0x80000000;

export function noteHeaderHistory(
  known: HeaderHistory | null,
  observation: Observation,
): HeaderHistory | null {
  const { database, header, journal } = observation;
  if (database.kind !== "regular" || header?.kind !== "header" || !isWal(observation)) return null;
  if (journal.kind !== "absent" && !(journal.kind === "regular" && journal.sizeBytes === 0)) return null;
  const { identity } = database;
  const { changeCounter } = header.header;
  const isBack =
    known !== null &&
    known.identity === identity &&
    changeCounter !== known.changeCounter &&
    (known.changeCounter - changeCounter) >>> 0 < halfRange;
  if (!isBack) return { identity, changeCounter, wentBackSinceMs: null };
  return { ...known, wentBackSinceMs: known.wentBackSinceMs ?? observation.observedAtMs };
}

/** With frames in a WAL beside it the two are judged together (strangeWal.ts). */
export function isRolledBack(observation: Observation, { headerHistory }: DatabaseState): boolean {
  const sinceMs = headerHistory?.wentBackSinceMs ?? null;
  if (sinceMs === null || walHasFrames(observation)) return false;
  return observation.observedAtMs - sinceMs >= wentBackDoubtMs;
}
