/**
 * Looks through a WAL in use for committed frames without salts, each frame once, and at one that was found again and again.
 * What the look at exposure has counted commits in (observe/newFrames.ts) it has looked at too, and found none; only the rest
 * is read here: where exposure cannot be seen, or more came than it reads in one look.
 */
import type { Observation } from "../domain/observation.ts";
import type { UnsaltedFrame, UnsaltedLoss } from "../domain/unsaltedFrame.ts";
import type { UnsaltedQuestion } from "../observe/unsaltedFrames.ts";
import type { ExposureState } from "../policy/exposureState.ts";
import { notesOfLoss, noteUnsalted } from "../policy/unsaltedNote.ts";
import { walStateOf } from "../policy/walState.ts";
import type { Memory } from "./memory.ts";
import type { WatchContext } from "./watchContext.ts";

/** The frames from one to another are not asked for yet. */
type PresentWal = Omit<UnsaltedQuestion, "fromFrame">;

export class UnsaltedWatch {
  readonly #context: Pick<WatchContext, "lookForUnsaltedFrames">;
  readonly #memory: Memory;
  /** Salts and file of the WAL, and the frame up to which there was none without salts. */
  #lookedAt = { walIdentity: "", fileIdentity: "", toFrame: 0 };
  #knownLoss: UnsaltedLoss | null = null;

  constructor(context: Pick<WatchContext, "lookForUnsaltedFrames">, memory: Memory) {
    this.#context = context;
    this.#memory = memory;
  }

  /** After the look at exposure that belongs to the same observation, of which the memory knows. */
  look(observation: Observation): void {
    const { resolvedPath } = observation;
    const wal = presentWal(observation);
    if (resolvedPath === null || wal === null) return;
    const { unsaltedFrame } = this.#memory.state;
    if (unsaltedFrame === null) this.#lookOn(observation, resolvedPath, wal);
    else this.#lookAgain(observation, resolvedPath, wal, unsaltedFrame);
  }

  #lookOn(observation: Observation, path: string, wal: PresentWal): void {
    const { walIdentity, fileIdentity, mxFrame } = wal;
    const fromFrame = this.#lookedFrame(wal);
    if (fromFrame >= mxFrame) {
      this.#lookedAt = { walIdentity, fileIdentity, toFrame: mxFrame };
      return;
    }
    const look = this.#context.lookForUnsaltedFrames(path, { ...wal, fromFrame });
    if (look.kind !== "looked") return;
    this.#lookedAt = { walIdentity, fileIdentity, toFrame: look.toFrame };
    const { frame, hasCommitBefore } = look;
    if (frame === null) return;
    const sinceMs = observation.observedAtMs;
    const found: UnsaltedFrame = { walIdentity, frame, sinceMs, hasCommitBefore, isCopied: false };
    this.#memory.update((state) => {
      return { ...state, ...noteUnsalted({ ...state, unsaltedFrame: found }, observation) };
    });
  }

  /** A recovery keeps the salts of the WAL, and what is committed after it has some. */
  #lookAgain(observation: Observation, path: string, wal: PresentWal, unsalted: UnsaltedFrame): void {
    const { frame } = unsalted;
    if (wal.walIdentity !== unsalted.walIdentity || wal.mxFrame < frame) return;
    const look = this.#context.lookForUnsaltedFrames(path, { ...wal, fromFrame: frame - 1, mxFrame: frame });
    if (look.kind !== "looked" || look.frame !== null) return;
    this.#memory.update((state) => ({ ...state, ...notesOfLoss(unsalted, observation.observedAtMs) }));
  }

  /** What came behind the end of a recovery is looked at anew, and here. */
  #lookedFrame({ walIdentity, fileIdentity, mxFrame }: PresentWal): number {
    const { exposure, unsaltedLoss } = this.#memory.state;
    const known = this.#lookedAt;
    const isSame = known.walIdentity === walIdentity && known.fileIdentity === fileIdentity;
    const isRecovered = unsaltedLoss?.walIdentity === walIdentity;
    let frame = isSame ? known.toFrame : 0;
    if (isRecovered && unsaltedLoss !== this.#knownLoss) frame = Math.min(frame, unsaltedLoss.frame - 1);
    this.#knownLoss = unsaltedLoss;
    const counted = isRecovered ? 0 : countedFrame(exposure, walIdentity);
    return Math.min(mxFrame, Math.max(frame, counted));
  }
}

/** Null: it is empty, or cannot be judged now. */
function presentWal(observation: Observation): PresentWal | null {
  const { wal: file, walIndex } = observation;
  const wal = walStateOf(observation);
  if (wal.kind !== "known" || wal.mxFrame === 0) return null;
  if (file.kind !== "regular" || walIndex?.kind !== "index") return null;
  const { walIdentity, mxFrame } = wal;
  const { pageSizeBytes } = walIndex.index;
  return { fileIdentity: file.identity, walIdentity, pageSizeBytes, mxFrame };
}

/** Commits are counted in all frames of that WAL up to this one: each of them was read, and had salts. */
function countedFrame(exposure: ExposureState | null, walIdentity: string): number {
  const wal = exposure?.wal;
  if (wal?.walIdentity !== walIdentity || wal.seenCommitCount === null || wal.followedFrame !== null)
    return 0;
  return wal.seenFrame;
}
