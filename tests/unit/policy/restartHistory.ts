/**
 * A database, its WAL, its application and an honest disk, in plain values: what was synced stays, of the rest a cut keeps
 * any prefix. Made to hold verdicts against what was really lost.
 */
import type { LedgerEntry, RestartLook } from "../../../src/domain/ledger.ts";
import { bootBefore, bootNow, entry, foundWal, ledgerHeader, look, notedAtMs } from "./ledgerBuilders.ts";

interface Frame {
  readonly checksum: string;
  /** The commit that ends with this frame; null: none does. */
  readonly commit: number | null;
}

interface Life {
  readonly salt1: number;
  readonly salt2: number;
  readonly sequence: number;
  readonly frames: readonly Frame[];
  readonly syncedFrame: number;
  readonly headerSynced: boolean;
  readonly backfilledFrame: number;
}

export type Synchronous = "OFF" | "NORMAL" | "FULL";

/** Whole numbers below a bound, from a generator that a seed determines. */
export type Draw = (bound: number) => number;

export class History {
  readonly #synchronous: Synchronous;
  readonly #draw: Draw;
  #wal: Life | null = null;
  #earlierWal: Life | null = null;
  #commitCount = 0;
  #frameCount = 0;
  /** Commits in the database file, in the page cache and on disk. */
  #copied = 0;
  #copiedDurably = 0;
  #provenFrame = 0;
  #atMs = notedAtMs - 100_000;
  #bootedAtMs = 0;
  #bootId = bootBefore;
  #walWrittenAtMs = 0;
  /** Commits that were there before the cut and are there no more; those made later do not count as them. */
  lostFrom: number | null = null;
  /** A checkpoint without a sync ran after the last note. */
  hasHiddenCheckpoint = false;
  commitsAtEnd = 0;

  constructor(synchronous: Synchronous, draw: Draw) {
    this.#synchronous = synchronous;
    this.#draw = draw;
  }

  get commitCount(): number {
    return this.#commitCount;
  }

  commit(): void {
    this.#atMs += 10;
    const wal = this.#wal;
    const mayStartOver = wal !== null && wal.backfilledFrame === wal.frames.length && wal.frames.length > 0;
    if (wal === null) this.#begin(this.#draw(2 ** 32), 0);
    else if (mayStartOver && this.#draw(3) > 0) this.#begin((wal.salt1 + 1) >>> 0, wal.sequence + 1);
    this.#commitCount += 1;
    const count = 1 + this.#draw(3);
    const frames = Array.from({ length: count }, (_, index) => {
      this.#frameCount += 1;
      const checksum = this.#frameCount.toString(16).padStart(16, "0");
      return { checksum, commit: index === count - 1 ? this.#commitCount : null };
    });
    this.#walWrittenAtMs = this.#atMs;
    this.#change((life) => ({ ...life, frames: [...life.frames, ...frames] }));
    if (this.#synchronous === "FULL") this.#syncWal();
    if (this.#synchronous === "FULL") this.#provenFrame = this.#wal?.frames.length ?? 0;
  }

  /** The daemon's own fdatasync of -wal. */
  sync(): void {
    this.#syncWal();
    this.#provenFrame = this.#wal?.frames.length ?? 0;
  }

  checkpoint(complete: boolean): void {
    const wal = this.#wal;
    if (wal === null) return;
    if (this.#synchronous === "OFF") this.hasHiddenCheckpoint = true;
    else this.#syncWal();
    const rest = wal.frames.length - wal.backfilledFrame;
    const backfilledFrame = complete ? wal.frames.length : wal.backfilledFrame + this.#draw(rest + 1);
    this.#change((life) => ({ ...life, backfilledFrame }));
    this.#copied = Math.max(this.#copied, lastCommit(wal.frames.slice(0, backfilledFrame)) ?? 0);
    // The one that reaches the end syncs the database too.
    const reachedEnd = backfilledFrame === wal.frames.length;
    if (reachedEnd && this.#synchronous !== "OFF") this.#copiedDurably = this.#copied;
  }

  /** The last connection closes: all is copied, the WAL is deleted. */
  lastClose(): void {
    this.checkpoint(true);
    this.#wal = null;
    this.#provenFrame = 0;
  }

  note(): LedgerEntry {
    this.#atMs += 10;
    this.hasHiddenCheckpoint = false;
    const wal = this.#wal;
    const commits = (frame: number) => wal?.frames.slice(0, frame).filter(isCommit).length ?? 0;
    const seenFrame = wal?.frames.length ?? 0;
    const counted = this.#draw(4) > 0;
    return entry({
      header: ledgerHeader({ changeCounter: counterOf(this.#copied) }),
      databaseExposed: this.#copied > this.#copiedDurably && this.#synchronous === "OFF",
      checkpointsSeenToSync: this.#synchronous !== "OFF" && this.#draw(3) > 0,
      bootId: this.#bootId,
      writtenAtMs: this.#atMs,
      wal:
        wal === null
          ? null
          : {
              ...saltsOf(wal),
              pageSizeBytes: 4096,
              seenFrame,
              seenCommitCount: counted ? commits(seenFrame) : null,
              seenFrameChecksum: this.#draw(4) > 0 ? (wal.frames[seenFrame - 1]?.checksum ?? null) : null,
              provenFrame: this.#provenFrame,
              provenCommitCount: counted ? commits(this.#provenFrame) : null,
              provenFrameChecksum:
                this.#draw(2) > 0 ? (wal.frames[this.#provenFrame - 1]?.checksum ?? null) : null,
              backfilledFrame: wal.backfilledFrame,
            },
    });
  }

  /** Every process ends; the machine goes on. */
  kill(): void {
    this.commitsAtEnd = this.#commitCount;
  }

  cut(): void {
    this.commitsAtEnd = this.#commitCount;
    let wal = this.#wal;
    const earlier = this.#earlierWal;
    if (wal !== null && !wal.headerSynced && this.#draw(2) === 0) wal = earlier;
    this.#copied = this.#copiedDurably + this.#draw(this.#copied - this.#copiedDurably + 1);
    this.#copiedDurably = this.#copied;
    if (wal !== null) {
      const keptFrame = wal.syncedFrame + this.#draw(wal.frames.length - wal.syncedFrame + 1);
      const kept = wal.frames.slice(0, keptFrame);
      const committed = kept.findLastIndex(isCommit) + 1;
      wal = { ...wal, frames: kept.slice(0, committed), syncedFrame: committed, backfilledFrame: 0 };
    }
    const first = wal?.frames.find(isCommit)?.commit ?? null;
    // What the WAL holds begins with a commit; what came before it must be in the database.
    const isWhole = first === null || this.#copied >= first - 1;
    const last = Math.max(this.#copied, lastCommit(wal?.frames ?? []) ?? 0);
    const survivors = isWhole ? last : this.#copied;
    this.lostFrom = survivors < this.#commitCount ? survivors + 1 : null;
    this.#wal = wal;
    this.#bootId = bootNow;
    this.#atMs += 60_000;
    this.#bootedAtMs = this.#atMs;
    this.#atMs += 10_000;
  }

  /** What the daemon finds. `isLive`: an application came up first and is connected. */
  look(isLive: boolean): RestartLook {
    const wal = this.#wal;
    return look({
      lookedAtMs: this.#atMs + 1_000,
      bootId: this.#bootId,
      bootedAtMs: this.#bootedAtMs,
      header: ledgerHeader({ changeCounter: counterOf(this.#copied) }),
      wal: { kind: "none" },
      ...(wal === null ? {} : { wal: this.#found(wal, isLive) }),
    });
  }

  /** The frame that the entry names, compared as the daemon compares it. */
  compare(found: RestartLook, noted: LedgerEntry): RestartLook {
    const { wal } = found;
    const life = this.#wal;
    if (wal.kind !== "wal" || life === null || noted.wal === null) return found;
    if (noted.wal.salt1 !== wal.salt1 || noted.wal.salt2 !== wal.salt2) return found;
    const matches = (frame: number, checksum: string | null): boolean | null => {
      const there = life.frames[frame - 1]?.checksum;
      return checksum === null || there === undefined ? null : there === checksum;
    };
    const { seenFrame, seenFrameChecksum, provenFrame, provenFrameChecksum } = noted.wal;
    return {
      ...found,
      wal: {
        ...wal,
        seenFrameMatches: matches(seenFrame, seenFrameChecksum),
        provenFrameMatches: matches(provenFrame, provenFrameChecksum),
      },
    };
  }

  #found(wal: Life, isLive: boolean) {
    const commits = wal.frames.filter(isCommit);
    const counters = commits.map(({ commit }) => commit ?? 0).filter((commit) => commit % 5 === 0);
    const newest = counters.at(-1);
    return foundWal({
      ...saltsOf(wal),
      modifiedAtMs: this.#walWrittenAtMs,
      mxFrame: wal.frames.length,
      commitCount: isLive ? null : commits.length,
      isLive,
      seenFrameMatches: null,
      provenFrameMatches: null,
      pageOneChangeCounter: isLive || newest === undefined ? null : counterOf(newest),
    });
  }

  #begin(salt1: number, sequence: number): void {
    this.#earlierWal = this.#wal;
    const headerSynced = this.#synchronous !== "OFF";
    const life = { salt1, salt2: this.#draw(2 ** 32), sequence, syncedFrame: 0, backfilledFrame: 0 };
    this.#wal = { ...life, frames: [], headerSynced };
    this.#provenFrame = 0;
  }

  #syncWal(): void {
    this.#change((life) => ({ ...life, syncedFrame: life.frames.length, headerSynced: true }));
  }

  #change(change: (life: Life) => Life): void {
    if (this.#wal !== null) this.#wal = change(this.#wal);
  }
}

function isCommit({ commit }: Frame): boolean {
  return commit !== null;
}

function lastCommit(frames: readonly Frame[]): number | null {
  return frames.findLast(isCommit)?.commit ?? null;
}

function saltsOf({ salt1, salt2, sequence }: Life) {
  return { salt1, salt2, checkpointSequence: sequence };
}

/** Every fifth commit writes page 1. */
function counterOf(commit: number): number {
  return Math.floor(commit / 5);
}
