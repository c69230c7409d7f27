/** An inspection for people: the verdict, a line for each part, and a sentence for what deserves one. Pure. */
import type { DatabaseInspection, Inspection, LoneWalInspection } from "../inspect/inspection.ts";
import { nameProcesses } from "../inspect/processInspection.ts";
import { counted } from "../inspect/remarks.ts";
import { printable } from "../report/printable.ts";
import type { WithIsoTimes } from "../report/statusJson.ts";
import { fold, foldRows } from "./foldText.ts";
import { absence, journal, lineage, walIndex, walRows } from "./inspectWalText.ts";
import { age, bytesInWords, paint, type Rendering } from "./statusText.ts";
import { pinRows, processInWords } from "./walText.ts";

type Row = readonly [title: string, text: string];
type DatabaseJson = WithIsoTimes<DatabaseInspection>;

export function renderInspection(
  inspection: WithIsoTimes<Inspection> | DatabaseJson | WithIsoTimes<LoneWalInspection>,
  rendering: Rendering,
): string {
  const rows =
    inspection.kind === "database"
      ? databaseRows(inspection, rendering.nowMs)
      : walRows(inspection.wal, rendering.nowMs);
  const printableRows = rows.map(([title, text]) => [title, printable(text)] as const);
  const path =
    inspection.kind === "database" && inspection.resolvedPath !== inspection.path
      ? `${inspection.path} -> ${inspection.resolvedPath}`
      : inspection.path;
  return `${[heading(path, inspection, rendering), "", ...foldRows(printableRows, rendering.widthColumns), ...remarks(inspection, rendering)].join("\n")}\n`;
}

function heading(path: string, { remarks: all }: Pick<Inspection, "remarks">, rendering: Rendering): string {
  const wrongCount = all.filter(({ severity }) => severity === "wrong").length;
  const verdict =
    wrongCount === 0
      ? paint("nothing wrong is seen", "green", rendering)
      : paint(`${counted(wrongCount, "thing")} wrong`, "red", rendering);
  return `${paint(printable(path), "bold", rendering)}: ${verdict}`;
}

function remarks({ remarks: all }: Pick<Inspection, "remarks">, rendering: Rendering): readonly string[] {
  if (all.length === 0) return [];
  const ordered = [
    ...all.filter(({ severity }) => severity === "wrong"),
    ...all.filter(({ severity }) => severity === "note"),
  ];
  return [
    "",
    ...ordered.flatMap(({ severity, text }) => {
      const start = `${severity}: `;
      const lines = fold(start, printable(text), start.length, rendering.widthColumns);
      return lines.map((line) => paint(line, severity === "wrong" ? "red" : "yellow", rendering));
    }),
  ];
}

function databaseRows(inspection: DatabaseJson, nowMs: number): readonly Row[] {
  return [
    ["file", file(inspection, nowMs)],
    ["header", header(inspection)],
    ...(inspection.wal === null
      ? [["WAL", absence(inspection, "wal")] as const]
      : walRows(inspection.wal, nowMs)),
    ["WAL-index", walIndex(inspection)],
    ["journal", journal(inspection)],
    ["lineage", lineage(inspection)],
    ["processes", processes(inspection)],
    ...(hasVerdict(inspection) ? [["verdict", verdict(inspection)] as const] : []),
    ...pinRows(inspection.pin, nowMs),
    ["exposure", exposure(inspection)],
    ...inspection.sqlite.map((process) => ["SQLite", sqlite(process)] as const),
    ["replicator", inspection.replicator === null ? "none is seen" : replicator(inspection.replicator)],
    ["guards", guards(inspection)],
    ["residue", residue(inspection)],
    ...(inspection.ledger === null ? [] : [["ledger", ledger(inspection.ledger, nowMs)] as const]),
  ];
}

function file({ file: seen }: DatabaseJson, nowMs: number): string {
  const where =
    seen.fileSystemType === null
      ? "on an unknown file system"
      : `${seen.fileSystemType} on ${seen.mountPoint}${seen.mountedReadOnly ? ", read-only" : ""}`;
  return [
    bytesInWords(seen.sizeBytes),
    `changed ${age(seen.modifiedAt, nowMs)}`,
    `mode ${seen.permissions} of user ${seen.uid}, group ${seen.gid}`,
    where,
    seen.freeBytes === null ? "free space unknown" : `${bytesInWords(seen.freeBytes)} free`,
  ].join(", ");
}

function header({ header: seen, file: { sizeBytes } }: DatabaseJson): string {
  if (seen === null) return sizeBytes === 0 ? "none: the file is empty" : "does not stand";
  const pages = seen.pageCount === null ? "pages" : counted(seen.pageCount, "page");
  return [
    seen.inWalMode ? "WAL mode" : "rollback journal mode",
    `${pages} of ${seen.pageSizeBytes} bytes`,
    `${seen.freelistPageCount} free`,
    `change counter ${seen.changeCounter}`,
    seen.lastWrittenBy === "" ? "" : `page 1 last written by SQLite ${seen.lastWrittenBy}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function processes({ processes: seen }: DatabaseJson): string {
  if (seen.connected === null) return seen.reason;
  const { connected, databaseLockers, exclusive, writer, checkpointer, hiddenLocks } = seen;
  const parts: string[] = [];
  const add = (what: string, holders: readonly Holder[]) => {
    if (holders.length > 0) parts.push(`${what} ${nameProcesses(holders)}`);
  };
  if (connected.length > 0) parts.push(`connected: ${connected.map(processInWords).join(", ")}`);
  if (hiddenLocks?.connected) parts.push("connected: one or more processes in other PID namespaces");
  add("locked exclusively by", exclusive === null ? [] : [exclusive]);
  add("writing:", writer === null ? [] : [writer]);
  add("checkpointing:", checkpointer === null ? [] : [checkpointer]);
  for (const { mark, frame, holder } of seen.readers) {
    const at = mark === 0 ? "the database alone" : frame === null ? `mark ${mark}` : `frame ${frame}`;
    add(`reading at ${at}:`, [holder]);
  }
  const locking = [...connected, ...(databaseLockers ?? [])];
  add("has it open without a lock:", without(seen.openers ?? [], locking));
  add("locks the database:", without(databaseLockers ?? [], connected));
  return parts.length === 0 ? "nobody has it open" : parts.join("; ");
}

type Holder = NonNullable<DatabaseJson["processes"]["connected"]>[number];

function without(holders: readonly Holder[], others: readonly Holder[]): readonly Holder[] {
  const pids = new Set(others.map(({ pid }) => pid));
  return holders.filter(({ pid }) => !pids.has(pid));
}

/** Of a WAL that does not hold there is none, and one that is not there needs none. */
function hasVerdict({ wal, walVerdict }: DatabaseJson): boolean {
  if (walVerdict === null) return false;
  if (wal === null) return walVerdict.kind !== "healthy";
  return wal.damage === null && (wal.header === "header" || wal.header === "empty");
}

function verdict({ walVerdict, watchedMs }: DatabaseJson): string {
  const { kind = "unknown", reason = "" } = walVerdict ?? {};
  const by = watchedMs === 0 ? " (by one look; --watch 30s tells more)" : "";
  return `${[`the WAL is ${kind}`, reason].filter(Boolean).join(": ")}${by}`;
}

function exposure({ exposure: seen }: DatabaseJson): string {
  if (seen.kind === "unobservable") return `unobservable: ${seen.reason}`;
  if (seen.kind === "clean") return seen.reason;
  const what =
    seen.fromFrame === null
      ? "pages of the database"
      : `${seen.commitCount === null ? "commits" : counted(seen.commitCount, "commit")} from frame ${seen.fromFrame} on`;
  const size = seen.dirtyBytes === null ? "" : `, ${bytesInWords(seen.dirtyBytes)} dirty`;
  return `${what} not on disk${size}`;
}

function replicator({ reason, holders }: NonNullable<DatabaseJson["replicator"]>): string {
  return holders.length === 0 ? reason : `${nameProcesses(holders)}: ${reason}`;
}

function residue({ residue: seen }: DatabaseJson): string {
  if (seen === null) return "none";
  return seen.expectation === "" ? seen.left : `${seen.left}: ${seen.expectation}`;
}

function ledger(seen: NonNullable<DatabaseJson["ledger"]>, nowMs: number): string {
  if (seen.verdict === null) return seen.reason;
  const noted = seen.writtenAt === null ? "" : `, noted ${age(seen.writtenAt, nowMs)}`;
  const frames =
    seen.seenFrame === null
      ? ""
      : `, ${counted(seen.seenFrame, "frame")} seen and ${seen.provenFrame ?? 0} proven`;
  return `${seen.verdict.kind}${noted}${frames}`;
}

function sqlite(process: DatabaseJson["sqlite"][number]): string {
  const verdict =
    process.affected === null
      ? "whether it has the WAL-reset bug is not known"
      : process.affected
        ? "has the WAL-reset bug"
        : "without the WAL-reset bug";
  const what = `${process.version ?? "version unknown"} in ${nameProcesses([process])}, ${verdict}`;
  return process.reason === "" ? what : `${what} (${process.reason})`;
}

function guards({ guards: found }: DatabaseJson): string {
  if (found.length === 0) return "none: the daemon would open it";
  const named = found.map(({ guard, verdict }) => `${guard} (${verdict === "refuse" ? "refuses" : "waits"})`);
  return [...new Set(named)].join(", ");
}
