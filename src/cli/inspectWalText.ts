/** The WAL, its index and the rollback journal of an inspection, for people. Pure. */
import { changingHeader, type DatabaseInspection, type WalInspection } from "../inspect/inspection.ts";
import { counted, walHeaderInWords } from "../inspect/remarks.ts";
import type { WithIsoTimes } from "../report/statusJson.ts";
import { age, bytesInWords } from "./statusText.ts";

type Row = readonly [title: string, text: string];
type DatabaseJson = WithIsoTimes<DatabaseInspection>;
type WalJson = WithIsoTimes<WalInspection>;

export function walRows(wal: WalJson, nowMs: number): readonly Row[] {
  const size = `${bytesInWords(wal.sizeBytes)}, written ${age(wal.modifiedAt, nowMs)}`;
  if (wal.sizeBytes === 0) return [["WAL", "empty"]];
  if (wal.header === changingHeader) return [["WAL", `${size}; ${wal.reason}`]];
  if (wal.header !== "header")
    return [["WAL", `${size}, its header does not stand: ${walHeaderInWords(wal.header)}`]];
  const identity = `pages of ${wal.pageSizeBytes} bytes, sequence ${wal.checkpointSequence}, salts ${wal.salts}`;
  const rows: Row[] = [
    ["WAL", `${size}, ${identity}`],
    ["frames", frames(wal)],
  ];
  if (wal.end !== null) rows.push(["end", wal.end]);
  return rows;
}

function frames(wal: WalJson): string {
  const { frameCount, commitCount, backfilledFrameCount, pageCount, uncommittedFrameCount } = wal;
  if (frameCount === null) return `unknown: ${wal.reason}`;
  const parts = [
    commitCount === null
      ? `${frameCount} live`
      : `${counted(frameCount, "frame")} in ${counted(commitCount, "commit")}`,
  ];
  if (backfilledFrameCount !== null && frameCount > 0)
    parts.push(`${backfilledFrameCount} of them in the database`);
  if (uncommittedFrameCount !== null && uncommittedFrameCount > 0)
    parts.push(`${uncommittedFrameCount} uncommitted`);
  if (pageCount !== null) parts.push(`database of ${counted(pageCount, "page")} with it`);
  return `${parts.join(", ")} (${wal.by === "index" ? "by the WAL-index" : "by a scan with all checksums"})`;
}

/** Why there is nothing to tell of a sidecar. */
export function absence(
  { unreadable }: DatabaseJson,
  file: DatabaseJson["unreadable"][number]["file"],
): string {
  const found = unreadable.find((one) => one.file === file);
  return found === undefined ? "none" : `not readable: ${found.reason}`;
}

export function walIndex(inspection: DatabaseJson): string {
  const seen = inspection.walIndex;
  if (seen === null) return absence(inspection, "walIndex");
  if (!seen.trusted) return `not used: ${seen.reason}`;
  return `mxFrame ${seen.mxFrame}, nBackfill ${seen.backfilledFrameCount}, read marks ${seen.readMarks?.map(markText).join(" ")}`;
}

/** READMARK_NOT_USED in SQLite src/wal.c. */
const unusedMark = 0xffffffff;

function markText(mark: number): string {
  return mark === unusedMark ? "-" : String(mark);
}

export function journal(inspection: DatabaseJson): string {
  const seen = inspection.journal;
  if (seen === null) return absence(inspection, "journal");
  const superJournal =
    seen.superJournal === null
      ? ""
      : `, super-journal ${seen.superJournal} ${seen.superJournalExists ? "is there" : "is gone"}`;
  return `${bytesInWords(seen.sizeBytes)}, ${seen.state}: ${seen.reason}${superJournal}`;
}

export function lineage({ lineage: seen }: DatabaseJson): string {
  switch (seen.kind) {
    case "nothing":
      return "nothing in a WAL to compare";
    case "fits":
      return "nothing speaks against the WAL being this database's own";
    case "undecided":
      return `undecided: ${seen.reason}`;
    case "another":
      return `the WAL belongs to another database: ${seen.evidence}`;
  }
}
