/**
 * May the WAL-index be believed, and what does it say? Pure.
 *
 * A leftover -shm looks valid: beside an application in locking_mode=EXCLUSIVE, which keeps its WAL-index in
 * memory, an old file had two equal copies, a good checksum and the mxFrame of the generation before. So it
 * counts only while somebody holds byte 128 of it (our own workers too), and only if it is empty or carries
 * the salts of the WAL header. Anything else is unknown, which is never healthy.
 */
import type { Observation } from "../domain/observation.ts";
import { type WalHeader, walFrameHeaderBytes } from "../format/walHeader.ts";
import type { WalIndex } from "../format/walIndex.ts";

export type TrustedWalIndex =
  | {
      readonly kind: "known";
      readonly mxFrame: number;
      readonly nBackfill: number;
      /** One frame in the WAL: its header and one page. */
      readonly frameSizeBytes: number;
    }
  | { readonly kind: "unknown"; readonly reason: string }
  /** No WAL, or one without a byte: there is nothing that could be pending. */
  | { readonly kind: "noWal" };

/** An empty index belongs to any WAL: the WAL starts over in the index first, then in the file. */
export function isIndexOfWal(index: WalIndex, wal: WalHeader): boolean {
  return index.mxFrame === 0 || (index.salt1 === wal.salt1 && index.salt2 === wal.salt2);
}

export function trustedWalIndex(
  observation: Pick<Observation, "wal" | "shm" | "walHeader" | "walIndex" | "locks">,
): TrustedWalIndex {
  const { wal, shm, walHeader, walIndex, locks } = observation;
  if (wal.kind === "absent" || (wal.kind === "regular" && wal.sizeBytes === 0)) return { kind: "noWal" };
  if (wal.kind !== "regular") return unknown("the WAL is no readable file");
  if (shm.kind === "absent") return unknown("there is no WAL-index");
  if (shm.kind !== "regular" || walIndex === null) return unknown("the WAL-index is no readable file");
  if (locks.kind !== "seen") return unknown(`locks cannot be seen: ${locks.reason}`);
  if (locks.connectedWithOwnCount === 0)
    return unknown("nobody is connected: the WAL-index may be a leftover");
  if (walIndex.kind !== "index") return unknown(`the WAL-index is not valid: ${walIndex.kind}`);
  const { mxFrame, nBackfill, pageSizeBytes } = walIndex.index;
  if (mxFrame > 0) {
    if (walHeader?.kind !== "header")
      return unknown(`the WAL header is not valid: ${walHeader?.kind ?? "not read"}`);
    if (!isIndexOfWal(walIndex.index, walHeader.header))
      return unknown("the WAL-index is of another generation than the WAL");
    if (walHeader.header.pageSizeBytes !== pageSizeBytes)
      return unknown("the page sizes of WAL-index and WAL differ");
  }
  if (nBackfill > mxFrame) return unknown("the WAL-index was read while the WAL started over");
  return { kind: "known", mxFrame, nBackfill, frameSizeBytes: walFrameHeaderBytes + pageSizeBytes };
}

function unknown(reason: string): TrustedWalIndex {
  return { kind: "unknown", reason };
}
