/**
 * Guards on the raw headers: is this a database at all, is it whole, does the WAL belong to its page size.
 * Source of the fields: fileformat2.html, "The Database Header"; walformat.html.
 */

import type { Observation } from "../domain/observation.ts";
import type { DatabaseHeader } from "../format/databaseHeader.ts";
import type { GuardFinding } from "./guardFinding.ts";
import { somebodyLocksExclusively } from "./heldLocks.ts";
import type { DatabaseState } from "./state.ts";
import { walHasFrames } from "./walState.ts";

/** A header read while a commit or a checkpoint writes may be a moment's: it is read again for this long. */
export const headerDoubtMs = 300;

export function headerGuards(observation: Observation, state: DatabaseState): readonly GuardFinding[] {
  const finding = headerFinding(observation);
  if (finding === null) return [];
  const doubted =
    state.headerDoubtSinceMs === null || observation.observedAtMs - state.headerDoubtSinceMs < headerDoubtMs;
  return [{ ...finding, verdict: doubted ? "wait" : "refuse" }];
}

/** What is wrong with the headers at this moment, or null. */
export function headerFinding(observation: Observation): Omit<GuardFinding, "verdict"> | null {
  const { header, database } = observation;
  if (header === null || database.kind !== "regular") return null;
  const path = observation.resolvedPath ?? "the database";
  const beside = walHasFrames(observation) ? `; the WAL beside it (${path}-wal) was left untouched` : "";
  switch (header.kind) {
    case "empty":
      return walHasFrames(observation)
        ? {
            guard: "truncated",
            reason: `${path} is empty and a WAL with frames lies beside it: whoever opens it deletes the WAL; put back the database that it belongs to, or move ${path}-wal and -shm away${beside}`,
          }
        : null;
    case "tooShort":
      return {
        guard: "truncated",
        reason: `${path} has ${header.byteCount} bytes, less than a header: it was cut off; restore it from a backup${beside}`,
      };
    case "notADatabase":
      return {
        guard: "not_a_database",
        reason: `${path} does not begin with "SQLite format 3": not a database, or an encrypted one, which only its application can open; correct the path, or restore it from a backup${beside}`,
      };
    case "malformed":
      return {
        guard: "not_a_database",
        reason: `${path}: header field ${header.field} is ${header.value}, accepted is ${header.accepted}${beside}`,
      };
    case "header":
      return (
        sizeFinding(observation, header.header, database.sizeBytes, path) ??
        walPageSize(observation, header.header, path)
      );
  }
}

/**
 * Shorter than its own header says, with nothing beside it that could bring the pages back. With a WAL or
 * a journal the main file may lawfully be short until recovery.
 */
function sizeFinding(
  observation: Observation,
  header: DatabaseHeader,
  sizeBytes: number,
  path: string,
): Omit<GuardFinding, "verdict"> | null {
  if (!header.pageCountValid || walHasFrames(observation)) return null;
  if (observation.journal.kind === "regular" && observation.journal.sizeBytes > 0) return null;
  // A commit without a journal (MEMORY, OFF) writes page 1 first and the pages at the end last.
  if (observation.locks.kind === "seen" && somebodyLocksExclusively(observation.locks)) return null;
  const expectedBytes = header.pageCount * header.pageSizeBytes;
  if (sizeBytes >= expectedBytes) return null;
  return {
    guard: "truncated",
    reason: `${path} has ${sizeBytes} bytes, its header says ${header.pageCount} pages of ${header.pageSizeBytes} (${expectedBytes} bytes): it was cut off; restore it from a backup`,
  };
}

function walPageSize(
  observation: Observation,
  header: DatabaseHeader,
  path: string,
): Omit<GuardFinding, "verdict"> | null {
  const wal = observation.walHeader;
  if (wal?.kind !== "header" || !walHasFrames(observation)) return null;
  if (wal.header.pageSizeBytes === header.pageSizeBytes) return null;
  return {
    guard: "wal_page_size",
    reason: `${path} has pages of ${header.pageSizeBytes} bytes and ${path}-wal of ${wal.header.pageSizeBytes}: the WAL belongs to another database; move it aside before anything opens this one`,
  };
}
