/**
 * The beginning of one file as it was last read, and whether it can be given again without reading. What was parsed is
 * given again by the same value where the bytes are the same, so whoever compares values sees that nothing has changed.
 *
 * A file is as it was read when its look is the very value of that time, and its change time (ctime, which no program can
 * set) was old enough then: a change within the same tick of the file system's clock leaves the time as it is. Ext4
 * with small inodes counts whole seconds, FAT two of them.
 */
import type { StatLook } from "../host/fileLook.ts";

/** A file that had changed so shortly before it was read may have changed after it, unseen. */
const tickMs = 2_500;

export class KeptReading<Parsed> {
  readonly byteCount: number;
  readonly #parse: (bytes: Uint8Array) => Parsed;
  #look: StatLook | null = null;
  #bytes = new Uint8Array(0);
  #parsed: Parsed | null = null;
  #knownAtMs = Number.NEGATIVE_INFINITY;

  constructor(byteCount: number, parse: (bytes: Uint8Array) => Parsed) {
    this.byteCount = byteCount;
    this.#parse = parse;
  }

  /** Null: nothing was read yet, or it is no longer known. */
  get parsed(): Parsed | null {
    return this.#parsed;
  }

  /** "device:inode" of the file that was read. */
  get identity(): string | null {
    return this.#look?.kind === "regular" ? this.#look.identity : null;
  }

  /** Whether these are the bytes that were read last. */
  hasBytes(bytes: Uint8Array): boolean {
    return this.#parsed !== null && isSame(bytes, this.#bytes);
  }

  isStillSo(look: StatLook): boolean {
    if (this.#parsed === null || look !== this.#look || look.kind !== "regular") return false;
    return this.#knownAtMs - look.changedAtMs >= tickMs;
  }

  /**
   * @param look from before the bytes were read.
   * @param knownAtMs wall clock, not after the read; negative infinity where the file changes without its times changing.
   */
  take(bytes: Uint8Array, look: StatLook, knownAtMs: number): Parsed {
    this.#look = look;
    this.#knownAtMs = knownAtMs;
    if (this.#parsed !== null && isSame(bytes, this.#bytes)) return this.#parsed;
    this.#bytes = bytes.slice();
    this.#parsed = this.#parse(this.#bytes);
    return this.#parsed;
  }

  /** Of the same file, while whoever is connected changes it without changing its times. */
  takeAnew(bytes: Uint8Array): Parsed {
    const look = this.#look;
    if (look === null) return this.#parse(bytes);
    return this.take(bytes, look, Number.NEGATIVE_INFINITY);
  }

  forget(): void {
    this.#look = null;
    this.#parsed = null;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false;
  for (let at = 0; at < one.byteLength; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
