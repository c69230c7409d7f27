/**
 * What is the matter with a WAL, in one word, and by whom where locks say so. Pure.
 *
 * Each verdict by what can be proven from outside:
 * - pinned: a mark before the end of the WAL has been held for longer than a moment (walPin.ts). Whoever holds it.
 * - exclusive: the database has been locked exclusively for longer than a moment.
 * - healthy: the frames take no more than the size target, and nothing of the above. Where the WAL-index says nothing
 *   but nobody is connected, the size of the file is bound enough.
 * - plateau: the same, but the file is above the target: a high-water mark, which the next frames fill again. Or all
 *   frames above the target are in the database, and nobody writes.
 * - starved, write-storm: the frames have been above the target for a while and grow, and though checkpoints copied some
 *   the WAL did not start over. With readers at every look it is for them; with hardly any the writers were
 *   faster. With readers at some looks neither is proven. Nobody is named: each reader by itself is lawful.
 * - unknown is all else, with the reason: never is it taken for healthy. So is a small WAL while something else is wrong,
 *   a full disk or a checkpoint that failed (walTrouble.ts).
 *
 * A verdict stands until another one has been the case for a while, so that it does not change with every look.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { LockHolder, Observation } from "../domain/observation.ts";
import type { WalVerdict, WalVerdictKind } from "../domain/status.ts";
import { describeAnyHolder, somebodyIsConnected, somebodyLocksExclusively } from "./heldLocks.ts";
import type { DatabaseState } from "./state.ts";
import {
  excusedReaders,
  type HeldMark,
  noteHeldMarks,
  pinningMarks,
  unnamedReads,
  whyPinUnknown,
} from "./walPin.ts";
import { notePressure, pressureSign, pressureWindowMs, type WalPressure } from "./walPressure.ts";
import { isWal, type WalState, walStateOf } from "./walState.ts";
import { walTrouble } from "./walTrouble.ts";
import { noWalWatch, type WalWatch } from "./walWatch.ts";

/** Held exclusively for less it is a last close, or a recovery. */
const exclusiveAfterMs = 5_000;
const tooEarlyReason = "it has not been looked at for long enough";
/** A verdict that rests on evidence of its own duration is taken at once; others must last for this long. */
const settledAfterMs = 5_000;

type Judgement = Omit<WalVerdict, "sinceMs"> & { readonly sinceMs: number | null };

/** The very same value while nothing is seen that matters. */
export function noteWalWatch(
  earlier: WalWatch,
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): WalWatch {
  if (!isWal(observation)) {
    const isUnreadable = observation.database.kind === "unreadable";
    return isUnreadable
      ? settled(earlier, unknown("the file cannot be read"), observation, earlier)
      : noWalWatch;
  }
  const excused = excusedReaders(state.replicator);
  const heldMarks = noteHeldMarks(earlier.heldMarks, observation, excused);
  const { sizeTargetBytes } = config.checkpoint;
  const pressure = notePressure(earlier.pressure, observation, sizeTargetBytes, excused);
  const noted = { ...earlier, heldMarks, pressure };
  const judgement = judge(noted, observation, state, sizeTargetBytes);
  return settled(noted, withTrouble(judgement, observation, state), observation, earlier);
}

/** Nothing calms while something else is wrong, not even for as long as another verdict takes to settle. */
function withTrouble(
  judgement: Judgement | null,
  observation: Observation,
  state: DatabaseState,
): Judgement | null {
  if (judgement?.kind !== "healthy" && judgement?.kind !== "plateau") return judgement;
  const trouble = walTrouble(observation, state);
  if (trouble === null) return judgement;
  return { ...unknown(`no reader holds it back, but ${trouble}`), sinceMs: observation.observedAtMs };
}

function settled(
  noted: WalWatch,
  judgement: Judgement | null,
  { observedAtMs: nowMs }: Observation,
  earlier: WalWatch,
): WalWatch {
  const next = { ...noted, ...verdictAfter(noted, judgement, nowMs) };
  const isSame =
    next.heldMarks === earlier.heldMarks &&
    next.pressure === earlier.pressure &&
    next.verdict === earlier.verdict &&
    next.candidate === earlier.candidate;
  return isSame ? earlier : next;
}

function verdictAfter(
  { verdict, candidate }: WalWatch,
  judgement: Judgement | null,
  nowMs: number,
): Pick<WalWatch, "verdict" | "candidate"> {
  if (judgement === null) {
    const tooEarly: WalVerdict = { kind: "unknown", reason: tooEarlyReason, holders: [], sinceMs: nowMs };
    return { verdict: verdict ?? tooEarly, candidate: null };
  }
  const { kind, reason, holders } = judgement;
  if (verdict?.kind === kind) {
    const isSame = verdict.reason === reason && isSameHolders(verdict.holders, holders);
    return { verdict: isSame ? verdict : { ...verdict, reason, holders }, candidate: null };
  }
  const sinceMs = candidate?.kind === kind ? candidate.sinceMs : nowMs;
  const isSettled = judgement.sinceMs !== null || nowMs - sinceMs >= settledAfterMs;
  const isFirst = verdict === null || verdict.reason === tooEarlyReason;
  if (!isFirst && !isSettled) {
    return { verdict, candidate: candidate?.kind === kind ? candidate : { kind, sinceMs } };
  }
  return { verdict: { kind, reason, holders, sinceMs: judgement.sinceMs ?? sinceMs }, candidate: null };
}

function isSameHolders(some: readonly LockHolder[], others: readonly LockHolder[]): boolean {
  return some.length === others.length && some.every((holder, at) => holder === others[at]);
}

function judged(kind: WalVerdictKind, reason: string): Judgement {
  return { kind, reason, holders: [], sinceMs: null };
}

function unknown(reason: string): Judgement {
  return judged("unknown", reason);
}

/** Null: it cannot be told yet. */
function judge(
  { heldMarks, pressure }: WalWatch,
  observation: Observation,
  state: DatabaseState,
  sizeTargetBytes: number,
): Judgement | null {
  const { locks, observedAtMs: nowMs } = observation;
  if (locks.kind !== "seen") return unknown(`who locks it cannot be seen: ${locks.reason}`);
  if (somebodyLocksExclusively(locks))
    return exclusive(locks.exclusive, state.exclusiveSinceMs ?? nowMs, nowMs);
  const wal = walStateOf(observation);
  if (wal.kind === "noWal") return judged("healthy", "");
  // Of what cannot be read no size is a bound.
  const fileBytes = observation.wal.kind === "regular" ? observation.wal.sizeBytes : Infinity;
  if (wal.kind === "unknown") {
    const isClosed = (locks.viewIsComplete || locks.hidden !== null) && !somebodyIsConnected(locks);
    return isClosed && fileBytes <= sizeTargetBytes ? judged("healthy", "") : unknown(wal.reason);
  }
  const pin = pinned(pinningMarks(heldMarks, nowMs), wal);
  if (pin !== null) return pin;
  const unproven = whyPinUnknown(heldMarks, nowMs);
  if (unproven !== null) return unknown(unproven);
  if (!locks.viewIsComplete && locks.hidden === null)
    return unknown("locks of processes in other PID namespaces cannot be seen");
  if (pressure !== null) return underPressure(pressure, wal, state, nowMs);
  if (fileBytes <= sizeTargetBytes) return judged("healthy", "");
  return judged("plateau", "the file is a high-water mark: what waits in it is below the size target");
}

function exclusive(holder: LockHolder | null, sinceMs: number, nowMs: number): Judgement | null {
  if (nowMs - sinceMs < exclusiveAfterMs) return null;
  const reason = `${describeAnyHolder(holder)} holds it locked exclusively: what is in its WAL cannot be seen`;
  return { kind: "exclusive", reason, holders: holder === null ? [] : [holder], sinceMs };
}

type KnownWal = Extract<WalState, { readonly kind: "known" }>;

function pinned(marks: readonly HeldMark[], wal: KnownWal): Judgement | null {
  const [lowest] = marks;
  if (lowest === undefined) return null;
  const byPid = new Map(
    marks.flatMap(({ holders }) => holders.map(({ holder }) => [holder.pid, holder] as const)),
  );
  const holders = [...byPid.values()];
  const heldFrameCount = wal.mxFrame - lowest.frame;
  return {
    kind: "pinned",
    reason:
      holders.length === 0
        ? `${describeAnyHolder(null)} holds back ${heldFrameCount} frames: ${unnamedReads}`
        : `${holders.map(describeAnyHolder).join(", ")} reads and holds back ${heldFrameCount} frames`,
    holders,
    sinceMs: Math.min(...marks.map(({ sinceMs }) => sinceMs)),
  };
}

function underPressure(
  pressure: WalPressure,
  wal: KnownWal,
  state: DatabaseState,
  nowMs: number,
): Judgement | null {
  const waitingFrameCount = wal.mxFrame - wal.nBackfill;
  const sign = pressureSign(pressure, nowMs);
  if (sign === "tooEarly") return null;
  if (sign === "resting" && waitingFrameCount === 0)
    return judged("plateau", "all frames are in the database: the next one to write starts the WAL over");
  const figures = `${wal.mxFrame} frames, ${waitingFrameCount} of them waiting, above the size target since ${new Date(pressure.sinceMs).toISOString()}`;
  if (state.checkRunning)
    return unknown(
      `${figures}: an integrity check of the daemon's own reads, and holds it back until it ends`,
    );
  if (state.replicator !== null)
    return unknown(`${figures}: its checkpoints are left to ${state.replicator.name}`);
  if (!pressure.checkpointSeen) return unknown(`${figures}: no checkpoint was seen since`);
  if (sign === "resting") return unknown(`${figures}: nobody writes, and they wait for the next checkpoint`);
  const seconds = `${pressureWindowMs / 1000} s`;
  // Both rest on looks of a while, and need not last for another one.
  const { sinceMs } = pressure;
  if (sign === "readersAlways") {
    const reason = `readers at every look of the last ${seconds}, none of them old, so that it never starts over`;
    return { ...judged("starved", `${figures}: ${reason}`), sinceMs };
  }
  if (sign === "readersHardly") {
    const reason = "writers outran every checkpoint, and no reader was in the way";
    return { ...judged("write-storm", `${figures}: ${reason}`), sinceMs };
  }
  return unknown(
    `${figures}: readers at some looks only, so that neither they nor the writers are shown to be why it does not start over`,
  );
}

/** Something may come of it by time alone: then the next look must not be passed over. */
export function isWatching({ heldMarks, pressure, candidate }: WalWatch, nowMs: number): boolean {
  if (heldMarks.length > 0 || candidate !== null) return true;
  return pressure !== null && nowMs - Math.max(pressure.grewAtMs, pressure.sinceMs) < 2 * pressureWindowMs;
}

/** The wall clock was set. */
export function shiftWalWatch(watch: WalWatch, jumpMs: number): WalWatch {
  const { heldMarks, pressure, verdict, candidate } = watch;
  const moved = <Timed extends { readonly sinceMs: number }>(one: Timed): Timed => {
    return { ...one, sinceMs: one.sinceMs + jumpMs };
  };
  return {
    heldMarks: heldMarks.map((mark) => ({ ...moved(mark), holders: mark.holders.map(moved) })),
    pressure:
      pressure === null
        ? null
        : {
            ...moved(pressure),
            grewAtMs: pressure.grewAtMs + jumpMs,
            looks: pressure.looks.map((look) => ({ ...look, atMs: look.atMs + jumpMs })),
          },
    verdict: verdict === null ? null : moved(verdict),
    candidate: candidate === null ? null : moved(candidate),
  };
}
