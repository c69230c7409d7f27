/**
 * A file that is kept open for reading from one look to the next: the WAL-index of a database that somebody is connected
 * to. Closing a file on which others hold locks costs the kernel a pass over these (fs/locks.c, locks_remove_posix):
 * of a sweep over 200 such databases it was a quarter.
 *
 * Invariants: it is held from the second look on that sees the same file, only while somebody is connected to it, and
 * never more of them than the budget allows; a file that was deleted is let go of at the next look. An
 * inode that is held is not given to another file, so "device:inode" of the path says whether it is still the one.
 */
import { errnoOf } from "../host/errno.ts";
import type { Os } from "../host/os.ts";
import { type RawRead, readFully } from "../host/rawRead.ts";

/** How many files may be held at a time; descriptors are scarce (1,024 by default). */
export interface HeldBudget {
  leftCount: number;
}

export class HeldFile {
  readonly #os: Os;
  readonly #budget: HeldBudget;
  #descriptor: number | null = null;
  #identity = "";

  constructor(os: Os, budget: HeldBudget) {
    this.#os = os;
    this.#budget = budget;
  }

  /** Null: it is not held, so it has to be opened to be read. */
  read(
    path: string,
    identity: string,
    into: Uint8Array,
  ): Extract<RawRead, { readonly kind: "bytes" }> | null {
    const isKnown = this.#identity === identity;
    if (!isKnown) this.release();
    this.#identity = identity;
    if (this.#descriptor === null && isKnown) this.#descriptor = this.#open(path, identity);
    if (this.#descriptor === null) return null;
    try {
      return { kind: "bytes", bytes: readFully(this.#os, this.#descriptor, into) };
    } catch (error) {
      errnoOf(error);
      this.release();
      return null;
    }
  }

  /** Null: the file with this identity is not held, or cannot be read. */
  readHeld(identity: string | null, into: Uint8Array): Uint8Array | null {
    if (this.#descriptor === null || this.#identity !== identity) return null;
    try {
      return readFully(this.#os, this.#descriptor, into);
    } catch (error) {
      errnoOf(error);
      return null;
    }
  }

  release(): void {
    this.#identity = "";
    if (this.#descriptor === null) return;
    this.#os.close(this.#descriptor);
    this.#descriptor = null;
    this.#budget.leftCount += 1;
  }

  #open(path: string, identity: string): number | null {
    if (this.#budget.leftCount <= 0) return null;
    let descriptor: number | null = null;
    try {
      descriptor = this.#os.open(path);
      const stats = this.#os.fstat(descriptor);
      if (stats.kind === "regular" && stats.identity === identity) {
        this.#budget.leftCount -= 1;
        return descriptor;
      }
    } catch (error) {
      errnoOf(error);
    }
    if (descriptor !== null) this.#os.close(descriptor);
    return null;
  }
}
