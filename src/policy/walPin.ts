/**
 * Readers whose mark keeps frames of the WAL from being copied into the database, and since when. Pure.
 *
 * Source: wal.c, walTryBeginRead() and walCheckpoint(). A reader holds one of five marks shared. A checkpoint copies no
 * frame behind the lowest of the marks 1 to 4 that are held, and none at all while mark 0 is: its readers read the
 * database itself. A mark that lies at the end of the WAL lets all be copied: whoever holds it is no pin.
 *
 * What two looks prove. The list of locks and the WAL-index are read one after the other, and readers come and go. But
 * the value of a mark changes only under an exclusive lock on it, and whoever begins to read sets the first free mark to
 * the end of the WAL. So a mark that lay before the end and has the same value at the next look, in the same WAL, was
 * not free in between: it has been held since, if not always by the same process (with all marks taken, a newcomer
 * shares the newest). Mark 0 is taken only while everything is copied: with frames waiting, and none copied
 * since, its holder has not let go. What a reader did before the first such look is not known: "at least since".
 *
 * That holds of those who may write the WAL-index (indexWriter.ts). A reader that may not sets no mark: it takes the newest
 * that is there, so that short reads of it are met on the same old mark again and again. It is no proof of a pin, and
 * nobody is named by it, but on mark 0; where only such hold a mark for long, whether it is pinned is not known. Of
 * readers in other PID namespaces nothing is known; they are told of without a name, as one read or as many: at each look
 * somebody there held the WAL back, which is true of both.
 *
 * A reader of a moment is met in many looks, on another mark or at another value each time: it is no pin.
 */
import type { LockHolder, Observation } from "../domain/observation.ts";
import type { Replicator } from "../domain/replicator.ts";
import type { PinHolder, WalPinStatus } from "../domain/status.ts";
import { somebodyIsConnected } from "./heldLocks.ts";
import { mayWriteIndex } from "./indexWriter.ts";
import { excusedPids } from "./replicator.ts";
import { isWal, type WalState, walStateOf } from "./walState.ts";

/** Held for so long it is a pin: requests of an application are over by then, forgotten transactions and long reports not. */
const pinAfterMs = 5_000;

/** A mark that lies before the end of the WAL, and has been held since. */
export interface HeldMark {
  /** 0 to 4. */
  readonly mark: number;
  /** Frames behind this one wait for its readers to end. */
  readonly frame: number;
  readonly walIdentity: string;
  readonly sinceMs: number;
  /** Each with the first look that showed it there. Empty: all are in other PID namespaces. */
  readonly holders: readonly { readonly holder: LockHolder; readonly sinceMs: number }[];
  /** False: none of those who hold it sets marks, so that each look may have met another read. */
  readonly isProof: boolean;
  /** Missing in the last list of locks, once: a list may leave out one that is held (host/procLocks.ts). */
  readonly missed: boolean;
}

/** Whose long read transaction is lawful: no pin. */
export interface Excused {
  readonly pids: ReadonlySet<number>;
  /** Whoever reads from another PID namespace may be one of them. */
  readonly unnamed: boolean;
}

/** Litestream reads all the time, so that nobody else resets the WAL before it has copied it. */
export function excusedReaders(replicator: Replicator | null): Excused {
  return { pids: excusedPids(replicator), unnamed: replicator !== null && replicator.holders.length === 0 };
}

const noMarks: readonly HeldMark[] = [];

/** @returns the very same list while nothing has changed. */
export function noteHeldMarks(
  earlier: readonly HeldMark[],
  observation: Observation,
  excused: Excused,
): readonly HeldMark[] {
  const wal = walStateOf(observation);
  if (wal.kind === "noWal") return noMarks;
  // The index is in the middle of a change, or cannot be trusted at the moment: the marks are compared by the next look.
  if (wal.kind === "unknown") return earlier;
  const held = heldNow(wal, observation, excused);
  const known = (one: HeldMark, among: readonly HeldMark[]) =>
    among.find(({ mark, frame, walIdentity, isProof }) => {
      const isSameMark = mark === one.mark && frame === one.frame && walIdentity === one.walIdentity;
      return isSameMark && isProof === one.isProof;
    });
  const continued = held.map((now) => continuation(known(now, earlier), now));
  const missing = earlier.filter((mark) => !mark.missed && known(mark, held) === undefined);
  const kept = missing.filter((mark) => isUntouched(mark, wal, observation));
  const marks = [...continued, ...kept.map((mark) => ({ ...mark, missed: true }))];
  const isSame = marks.length === earlier.length && marks.every((mark) => earlier.includes(mark));
  return isSame ? earlier : marks;
}

type KnownWal = Extract<WalState, { readonly kind: "known" }>;

function heldNow(wal: KnownWal, observation: Observation, excused: Excused): readonly HeldMark[] {
  const { locks, observedAtMs: sinceMs } = observation;
  if (locks.kind !== "seen") return noMarks;
  const holdersOf = new Map<number, LockHolder[]>();
  for (const { mark, holder } of locks.readers)
    if (!excused.pids.has(holder.pid)) holdersOf.set(mark, [...(holdersOf.get(mark) ?? []), holder]);
  if (!excused.unnamed)
    for (const mark of locks.hidden?.readerMarks ?? []) holdersOf.set(mark, holdersOf.get(mark) ?? []);
  if (holdersOf.size === 0) return noMarks;
  const marks: HeldMark[] = [];
  for (const [mark, holders] of holdersOf) {
    const frame = frameOf(mark, wal, observation);
    if (frame === null || frame >= wal.mxFrame) continue;
    const proving = mark === 0 ? holders : holders.filter((holder) => mayWriteIndex(holder, observation.shm));
    const isHidden = !excused.unnamed && locks.hidden?.readerMarks.includes(mark) === true;
    const since = proving.map((holder) => ({ holder, sinceMs }));
    const isProof = since.length > 0 || isHidden;
    const { walIdentity } = wal;
    marks.push({ mark, frame, walIdentity, sinceMs, holders: since, isProof, missed: false });
  }
  return marks;
}

function frameOf(mark: number, wal: KnownWal, { walIndex }: Observation): number | null {
  if (mark === 0) return wal.nBackfill;
  return walIndex?.kind === "index" ? (walIndex.index.readMarks[mark] ?? null) : null;
}

function continuation(earlier: HeldMark | undefined, now: HeldMark): HeldMark {
  if (earlier === undefined) return now;
  const holders = now.holders.map((one) => {
    return earlier.holders.find(({ holder }) => isSameProcess(holder, one.holder)) ?? one;
  });
  const isSame =
    !earlier.missed &&
    holders.length === earlier.holders.length &&
    holders.every((one) => earlier.holders.includes(one));
  return isSame ? earlier : { ...earlier, holders, missed: false };
}

function isSameProcess(one: LockHolder, other: LockHolder): boolean {
  return one.pid === other.pid && one.comm === other.comm;
}

/** Its value is as it was: nobody who began to read since has found it free. */
function isUntouched(mark: HeldMark, wal: KnownWal, observation: Observation): boolean {
  return mark.walIdentity === wal.walIdentity && frameOf(mark.mark, wal, observation) === mark.frame;
}

/** The marks that are pins by now, the one that holds back most first. */
export function pinningMarks(marks: readonly HeldMark[], nowMs: number): readonly HeldMark[] {
  return marks
    .filter((mark) => mark.isProof && isLong(mark, nowMs))
    .toSorted((one, other) => one.frame - other.frame || one.sinceMs - other.sinceMs);
}

function isLong({ sinceMs, missed }: HeldMark, nowMs: number): boolean {
  return !missed && nowMs - sinceMs >= pinAfterMs;
}

export const leavesMarksReason =
  "a reader that may not write the WAL-index leaves marks as they are: whether it reads all the time is not seen";

/** Of a mark that is held from another PID namespace, where who holds it is not known. */
export const unnamedReads =
  "one long read, or short ones again and again if that process may not write the WAL-index";

/** Null: no mark is met again and again that proves nothing. */
export function whyPinUnknown(marks: readonly HeldMark[], nowMs: number): string | null {
  return marks.some((mark) => !mark.isProof && isLong(mark, nowMs)) ? leavesMarksReason : null;
}

export function describePin(marks: readonly HeldMark[], observation: Observation | null): WalPinStatus {
  if (observation === null) return { kind: "unobservable", reason: "not looked at yet" };
  const wal = walStateOf(observation);
  const pinning = wal.kind === "known" ? pinningMarks(marks, observation.observedAtMs) : [];
  const [lowest] = pinning;
  if (lowest === undefined || wal.kind !== "known") {
    const unproven = wal.kind === "known" ? whyPinUnknown(marks, observation.observedAtMs) : null;
    const reason = whyUnobservable(wal, observation) ?? unproven;
    return reason === null ? { kind: "none" } : { kind: "unobservable", reason };
  }
  return {
    kind: "held",
    sinceMs: Math.min(...pinning.map(({ sinceMs }) => sinceMs)),
    heldFrameCount: wal.mxFrame - lowest.frame,
    holders: pinning.flatMap(({ frame, holders }) =>
      holders.map(({ holder, sinceMs }): PinHolder => {
        return { ...holder, sinceMs, heldFrameCount: wal.mxFrame - frame };
      }),
    ),
    unnamedHolders: pinning.some(({ holders }) => holders.length === 0),
  };
}

/** Null: who reads can be seen. */
function whyUnobservable(wal: WalState, observation: Observation): string | null {
  const { locks } = observation;
  if (observation.database.kind !== "regular") return "there is no regular file that could be read";
  if (locks.kind !== "seen") return `who locks it cannot be seen: ${locks.reason}`;
  if (wal.kind === "noWal" || !isWal(observation)) return null;
  if (!locks.viewIsComplete && locks.hidden === null)
    return "locks of processes in other PID namespaces cannot be seen";
  if (locks.hidden?.readersCovered === true)
    return "a check of the daemon's own reads, and locks of other PID namespaces are hidden behind it";
  // Whoever reads is connected.
  return wal.kind === "unknown" && somebodyIsConnected(locks) ? wal.reason : null;
}
