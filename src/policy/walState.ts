/**
 * What the WAL holds, as far as it can be known without opening it. Pure.
 *
 * A leftover -shm looks valid: beside an application in locking_mode=EXCLUSIVE, which keeps its WAL-index in
 * memory, an old file had two equal copies, a good checksum and the mxFrame of the generation before. So it
 * counts only while somebody holds byte 128 of it (our own workers too), and only if it is empty or carries
 * the salts of the WAL header. Anything else is unknown, which is never healthy.
 */
import type { Observation } from "../domain/observation.ts";
import { saltsOf, walFrameBytes, walFrameHeaderBytes, walHeaderBytes } from "../format/walHeader.ts";
import { isIndexOfWal } from "../format/walIndex.ts";

export type WalState =
  /** No WAL file, or one without a whole frame: nothing is pending. */
  | { readonly kind: "noWal" }
  | {
      readonly kind: "known";
      readonly mxFrame: number;
      readonly nBackfill: number;
      /** One frame in the WAL: its header and one page. */
      readonly frameBytes: number;
      /** Changes when the WAL starts over. */
      readonly walIdentity: string;
    }
  | { readonly kind: "unknown"; readonly reason: string };

export type WalLooks = Pick<Observation, "wal" | "shm" | "walHeader" | "walIndex" | "locks">;

export function walStateOf(observation: WalLooks): WalState {
  const { wal, shm, walHeader, walIndex, locks } = observation;
  if (wal.kind === "absent") return { kind: "noWal" };
  if (wal.kind === "unreadable") return unknown(`the WAL is no readable file: ${wal.operation}: ${wal.code}`);
  if (wal.kind !== "regular") return unknown(`the WAL is no readable file: it is a ${wal.what}`);
  if (!walHasFrames(observation)) return { kind: "noWal" };
  if (shm.kind === "absent") return unknown("there is no WAL-index");
  if (shm.kind !== "regular" || walIndex === null) return unknown("the WAL-index is no readable file");
  if (locks.kind !== "seen") return unknown(`locks cannot be seen: ${locks.reason}`);
  if (locks.connectedWithOwnCount === 0) {
    return unknown("nobody is seen connected: the WAL-index may be a leftover");
  }
  if (walIndex.kind !== "index") return unknown(`the WAL-index is not valid: ${walIndex.kind}`);
  const { mxFrame, nBackfill, pageSizeBytes } = walIndex.index;
  if (mxFrame > 0) {
    if (walHeader?.kind !== "header") {
      return unknown(`the WAL header is not valid: ${walHeader?.kind ?? "not read"}`);
    }
    if (!isIndexOfWal(walIndex.index, walHeader.header)) {
      return unknown("the WAL-index is of another generation than the WAL");
    }
    if (walHeader.header.pageSizeBytes !== pageSizeBytes) {
      return unknown("the page sizes of WAL-index and WAL differ");
    }
  }
  if (nBackfill > mxFrame) return unknown("the WAL-index was read while the WAL started over");
  const frameBytes = walFrameBytes(pageSizeBytes);
  return { kind: "known", mxFrame, nBackfill, frameBytes, walIdentity: saltsOf(walIndex.index) };
}

function unknown(reason: string): WalState {
  return { kind: "unknown", reason };
}

/** Bytes of the frames that are live: what a reset would make reusable. Null: not known. */
export function liveWalBytes(state: WalState): number | null {
  if (state.kind === "noWal") return 0;
  return state.kind === "known" ? state.mxFrame * state.frameBytes : null;
}

/** A WAL with more than the headers of one frame in it, by its size. */
export function walHasFrames({ wal }: Pick<Observation, "wal">): boolean {
  return wal.kind === "regular" && wal.sizeBytes > walHeaderBytes + walFrameHeaderBytes;
}

/** "salt1 salt2", one life of the WAL. Null: there is no WAL with frames whose header can be read. */
export function walSalts(observation: Pick<Observation, "wal" | "walHeader">): string | null {
  if (observation.walHeader?.kind !== "header" || !walHasFrames(observation)) return null;
  return saltsOf(observation.walHeader.header);
}

/** By the database header; a file that is no database is in no mode. */
export function isWal(observation: Observation): boolean {
  return observation.header?.kind === "header" && observation.header.header.inWalMode;
}
