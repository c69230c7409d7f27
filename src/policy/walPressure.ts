/**
 * A WAL whose frames take more than its size target, and what was seen while it was so: the base of the verdicts that
 * no single look allows. Pure. It begins anew when the WAL starts over or comes below the target.
 *
 * A look shows the locks of one moment. Readers at every one of many looks are readers that overlap, as far as can be
 * seen; a single look without any is a moment in which the WAL could have started over, if all had been copied.
 *
 * A transaction that writes holds a read mark too, and begins by taking it: a mark that is held by a process which was
 * seen writing is no evidence of a reader, unless it holds two (alone, it always has the first: wal.c, walTryBeginRead).
 */
import type { Observation } from "../domain/observation.ts";
import type { SeenLocks } from "./heldLocks.ts";
import type { Excused } from "./walPin.ts";
import { walStateOf } from "./walState.ts";

/** Nothing is judged before this much was seen. */
export const pressureWindowMs = 10_000;
const lookCountMin = 5;
const lookCountMax = 60;
/** Looks that follow upon one another more closely count as one. */
const lookEveryMs = 200;
const writerCountMax = 64;

/** reader: somebody who reads is seen. writer: marks that a writer explains. nobody: no mark is held. */
type ReadersSeen = "reader" | "writer" | "nobody";

export interface WalPressure {
  readonly walIdentity: string;
  readonly sinceMs: number;
  readonly mxFrame: number;
  readonly nBackfill: number;
  /** Frames were copied since: a checkpoint was at work. */
  readonly checkpointSeen: boolean;
  /** When the WAL was last seen to have grown. */
  readonly grewAtMs: number;
  /** Processes that were seen writing. */
  readonly writerPids: readonly number[];
  readonly looks: readonly { readonly atMs: number; readonly readers: ReadersSeen }[];
}

/** @returns null: the WAL is below its target, or there is none */
export function notePressure(
  earlier: WalPressure | null,
  observation: Observation,
  sizeTargetBytes: number,
  excused: Excused,
): WalPressure | null {
  const { locks, observedAtMs: atMs } = observation;
  const wal = walStateOf(observation);
  // A moment's state: the next look goes on.
  if (wal.kind === "unknown" || locks.kind !== "seen") return earlier;
  if (wal.kind === "noWal" || wal.mxFrame * wal.frameBytes <= sizeTargetBytes) return null;
  const { walIdentity, mxFrame, nBackfill } = wal;
  const before: WalPressure =
    earlier?.walIdentity === walIdentity
      ? earlier
      : { ...atRest, walIdentity, sinceMs: atMs, mxFrame, nBackfill };
  const writerPids = withWriter(before.writerPids, locks);
  const readers = readersSeen(locks, writerPids, excused);
  const grew = mxFrame > before.mxFrame;
  const checkpointSeen = before.checkpointSeen || nBackfill > before.nBackfill;
  const isAtRest = !grew && nBackfill === before.nBackfill && atMs - before.grewAtMs >= pressureWindowMs;
  if (before === earlier && isAtRest && writerPids === before.writerPids) return earlier;
  return {
    ...before,
    mxFrame,
    nBackfill,
    checkpointSeen,
    grewAtMs: grew ? atMs : before.grewAtMs,
    writerPids,
    looks: withLook(before.looks, atMs, readers),
  };
}

const atRest = { checkpointSeen: false, grewAtMs: 0, writerPids: [], looks: [] } as const;

function withWriter(pids: readonly number[], { writer }: SeenLocks): readonly number[] {
  if (writer === null || pids.includes(writer.pid) || pids.length === writerCountMax) return pids;
  return [...pids, writer.pid];
}

function readersSeen(
  { readers, hidden }: SeenLocks,
  writerPids: readonly number[],
  excused: Excused,
): ReadersSeen {
  const markCounts = new Map<number, number>();
  // Readers of mark 0 read no frame: they keep frames from being copied, and not the WAL from starting over.
  for (const { mark, holder } of readers)
    if (mark > 0 && !excused.pids.has(holder.pid))
      markCounts.set(holder.pid, (markCounts.get(holder.pid) ?? 0) + 1);
  const hiddenCount = excused.unnamed ? 0 : (hidden?.readerMarks ?? []).filter((mark) => mark > 0).length;
  // Of several processes that cannot be told apart one may be the writer.
  if (hiddenCount > 1) return "reader";
  for (const [pid, count] of markCounts) if (count > 1 || !writerPids.includes(pid)) return "reader";
  return markCounts.size > 0 || hiddenCount > 0 ? "writer" : "nobody";
}

/** A look within the same moment can only take back that readers were there throughout. */
function withLook(looks: WalPressure["looks"], atMs: number, readers: ReadersSeen): WalPressure["looks"] {
  const last = looks.at(-1);
  if (last !== undefined && atMs - last.atMs < lookEveryMs)
    return readers === "nobody" ? [...looks.slice(0, -1), { atMs: last.atMs, readers }] : looks;
  const all = [...looks.slice(1 - lookCountMax), { atMs, readers }];
  // The fewest that span the window, and are enough.
  const firstAt = all.findLastIndex(
    (look, at) => atMs - look.atMs >= pressureWindowMs && all.length - at >= lookCountMin,
  );
  return firstAt > 0 ? all.slice(firstAt) : all;
}

/** What the looks of the last while say together. */
export type PressureSign =
  /** Not enough was seen yet. */
  | "tooEarly"
  | "resting"
  /** Readers at every look. */
  | "readersAlways"
  | "readersHardly"
  /** Readers at some looks: what keeps the WAL up cannot be told. */
  | "readersAtTimes";

export function pressureSign({ looks, grewAtMs, sinceMs }: WalPressure, nowMs: number): PressureSign {
  if (nowMs - sinceMs < pressureWindowMs) return "tooEarly";
  if (nowMs - grewAtMs >= pressureWindowMs) return "resting";
  const [first] = looks;
  const isShort = first === undefined || nowMs - first.atMs < pressureWindowMs;
  if (isShort || looks.length < lookCountMin) return "tooEarly";
  const countOf = (readers: ReadersSeen): number => looks.filter((look) => look.readers === readers).length;
  if (countOf("nobody") === 0 && 2 * countOf("reader") >= looks.length) return "readersAlways";
  return 10 * countOf("reader") <= looks.length ? "readersHardly" : "readersAtTimes";
}
