/**
 * What the WAL holds, as far as it can be known without opening it. A leftover -shm looks valid (measured: an
 * application in locking_mode=EXCLUSIVE beside an old -shm left both header copies equal), so the WAL-index is trusted only
 * while somebody holds byte 128 of it, and mxFrame is 0 or its salts are those of the WAL header.
 */
import type { Observation } from "../domain/observation.ts";

export type WalState =
  /** No WAL file, or an empty one: nothing is pending. */
  | { readonly kind: "noWal" }
  | {
      readonly kind: "known";
      readonly mxFrame: number;
      readonly nBackfill: number;
      readonly frameBytes: number;
      /** Changes when the WAL starts over. */
      readonly walIdentity: string;
    }
  | { readonly kind: "unknown"; readonly reason: string };

/** A WAL without one whole frame holds nothing. Source: walformat.html, "WAL File Format". */
const walHeaderBytes = 32;
const frameHeaderBytes = 24;

export function walStateOf(observation: Observation): WalState {
  const { wal, walIndex, walHeader, locks } = observation;
  if (wal.kind === "absent") return { kind: "noWal" };
  if (wal.kind !== "regular") return { kind: "unknown", reason: "the WAL cannot be read" };
  if (wal.sizeBytes <= walHeaderBytes) return { kind: "noWal" };
  if (locks.kind !== "seen") return { kind: "unknown", reason: locks.reason };
  if (locks.connectedWithOwnCount === 0) {
    return { kind: "unknown", reason: "nobody is connected, so the WAL-index may be a leftover" };
  }
  if (walIndex === null) return { kind: "unknown", reason: "there is no WAL-index" };
  if (walIndex.kind !== "index") return { kind: "unknown", reason: `the WAL-index is ${walIndex.kind}` };
  const { index } = walIndex;
  const walIdentity = `${index.salt1} ${index.salt2}`;
  if (index.mxFrame > 0) {
    if (walHeader?.kind !== "header") return { kind: "unknown", reason: "the WAL header cannot be read" };
    const { salt1, salt2 } = walHeader.header;
    if (salt1 !== index.salt1 || salt2 !== index.salt2) {
      return { kind: "unknown", reason: "the WAL-index is of another WAL" };
    }
  }
  return {
    kind: "known",
    mxFrame: index.mxFrame,
    nBackfill: index.nBackfill,
    frameBytes: frameHeaderBytes + index.pageSizeBytes,
    walIdentity,
  };
}

/** Bytes of the frames that are live: what a reset would make reusable. Null: not known. */
export function liveWalBytes(state: WalState): number | null {
  if (state.kind === "noWal") return 0;
  return state.kind === "known" ? state.mxFrame * state.frameBytes : null;
}

/** A WAL with at least one frame in it, by its size. */
export function walHasFrames(observation: Observation): boolean {
  const { wal } = observation;
  return wal.kind === "regular" && wal.sizeBytes > walHeaderBytes + frameHeaderBytes;
}

/** By the database header; a file that is no database is in no mode. */
export function isWal(observation: Observation): boolean {
  return observation.header?.kind === "header" && observation.header.header.inWalMode;
}
