/**
 * Looks through a WAL in use for committed frames without salts, each frame once. What the look at exposure has counted
 * commits in (observe/newFrames.ts) it has looked at too, and found none; only the rest is read here: where exposure
 * cannot be seen, or more came than it reads in one look.
 */
import type { Observation } from "../domain/observation.ts";
import type { UnsaltedQuestion } from "../observe/unsaltedFrames.ts";
import type { ExposureState } from "../policy/exposureState.ts";
import { standingUnsalted } from "../policy/unsaltedFrames.ts";
import { walStateOf } from "../policy/walState.ts";
import type { Memory } from "./memory.ts";
import type { WatchContext } from "./watchContext.ts";

export class UnsaltedWatch {
  readonly #context: Pick<WatchContext, "lookForUnsaltedFrames">;
  readonly #memory: Memory;
  /** Salts and file of the WAL, and the frame up to which there was none without salts. */
  #lookedAt = { walIdentity: "", fileIdentity: "", toFrame: 0 };

  constructor(context: Pick<WatchContext, "lookForUnsaltedFrames">, memory: Memory) {
    this.#context = context;
    this.#memory = memory;
  }

  /** After the look at exposure that belongs to the same observation. */
  look(observation: Observation): void {
    const { unsaltedFrame, exposure } = this.#memory.state;
    const standing = standingUnsalted(unsaltedFrame, observation);
    if (standing !== null || observation.resolvedPath === null) return;
    const question = this.#question(observation, exposure);
    if (question === null) return;
    const { walIdentity, fileIdentity, mxFrame } = question;
    if (question.fromFrame >= mxFrame) {
      this.#lookedAt = { walIdentity, fileIdentity, toFrame: mxFrame };
      return;
    }
    const look = this.#context.lookForUnsaltedFrames(observation.resolvedPath, question);
    if (look.kind !== "looked") return;
    this.#lookedAt = { walIdentity, fileIdentity, toFrame: look.toFrame };
    const { frame } = look;
    if (frame === null) return;
    const found = { walIdentity, frame, sinceMs: observation.observedAtMs, isCopied: false };
    this.#memory.update((state) => ({ ...state, unsaltedFrame: standingUnsalted(found, observation) }));
  }

  #question(observation: Observation, exposure: ExposureState | null): UnsaltedQuestion | null {
    const { wal: file, walIndex } = observation;
    const wal = walStateOf(observation);
    if (wal.kind !== "known" || wal.mxFrame === 0) return null;
    if (file.kind !== "regular" || walIndex?.kind !== "index") return null;
    const { walIdentity, mxFrame } = wal;
    const known = this.#lookedAt;
    const isSame = known.walIdentity === walIdentity && known.fileIdentity === file.identity;
    const ownFrame = isSame ? known.toFrame : 0;
    const fromFrame = Math.min(mxFrame, Math.max(ownFrame, countedFrame(exposure, walIdentity)));
    return {
      fileIdentity: file.identity,
      walIdentity,
      pageSizeBytes: walIndex.index.pageSizeBytes,
      fromFrame,
      mxFrame,
    };
  }
}

/** Commits are counted in all frames of that WAL up to this one: each of them was read, and had salts. */
function countedFrame(exposure: ExposureState | null, walIdentity: string): number {
  const wal = exposure?.wal;
  if (wal?.walIdentity !== walIdentity || wal.seenCommitCount === null || wal.followedFrame !== null)
    return 0;
  return wal.seenFrame;
}
