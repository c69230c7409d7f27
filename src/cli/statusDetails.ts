/** `walwarden status NAME` for people: the table's line, and what there is no room for in it. Pure. */
import { printable } from "../report/printable.ts";
import type { DatabaseStatusJson } from "../report/statusJson.ts";
import { renderTable } from "./statusTable.ts";
import { age, bytesInWords, duration, pad, type Rendering } from "./statusText.ts";

export function renderDetails(status: DatabaseStatusJson, rendering: Rendering): string {
  const rows = details(status, rendering.nowMs);
  const width = Math.max(...rows.map(([title]) => title.length));
  const lines = rows.map(([title, text]) => `${pad(title, width)}  ${printable(text)}`);
  return `${[...renderTable([status], rendering), "", ...lines].join("\n")}\n`;
}

function details(status: DatabaseStatusJson, nowMs: number): readonly (readonly [string, string])[] {
  const { resolvedPath, path, connected, checkpoint } = status;
  return [
    ["name", status.name],
    ["path", resolvedPath === null || resolvedPath === path ? path : `${path} -> ${resolvedPath}`],
    ["observed", status.observedAt === null ? "not with success" : age(status.observedAt, nowMs)],
    ["size", status.databaseBytes === null ? "unknown" : bytesInWords(status.databaseBytes)],
    ["free space", status.freeBytes === null ? "unknown" : bytesInWords(status.freeBytes)],
    ["startup", startup(status)],
    ["journal mode", status.journalMode],
    ...(status.walIndexReason === "" ? [] : [["WAL-index", status.walIndexReason] as const]),
    ["connected", connected === null ? "cannot be seen" : processes(connected)],
    ["write lock", status.writeLockPermission],
    [
      "checkpoint",
      checkpoint === null
        ? "none yet"
        : [checkpoint.trigger, checkpoint.outcome, checkpoint.reason].filter(Boolean).join(", "),
    ],
    ...(checkpoint === null || checkpoint.holders.length === 0
      ? []
      : [["held back by", processes(checkpoint.holders)] as const]),
    [
      "next checkpoint",
      status.nextCheckpointAt === null ? "not planned" : fromNow(status.nextCheckpointAt, nowMs),
    ],
    ...status.pragmas.map(
      ({ pragma, actual, wanted, holds }) =>
        [pragma, holds ? `${actual} (the daemon's own connection)` : `${actual}, wanted ${wanted}`] as const,
    ),
    ...status.unobservable.map((what) => ["cannot be seen", what] as const),
    ...status.integrity.flatMap(({ check, findings, findingsTruncated }) => [
      ...findings.map((finding) => [check, finding] as const),
      ...(findingsTruncated ? [[check, "and more"] as const] : []),
    ]),
  ];
}

function startup({ startup: { stage, endedAt, residue } }: DatabaseStatusJson): string {
  const where = endedAt === null ? `at ${stage}` : `ended ${endedAt}`;
  return residue === null ? where : `${where}; found: ${residue}`;
}

function processes(connected: NonNullable<DatabaseStatusJson["connected"]>): string {
  if (connected.length === 0) return "no other process";
  return connected.map(({ pid, comm }) => `${comm ?? "unknown"} (${pid})`).join(", ");
}

function fromNow(time: string, nowMs: number): string {
  const waitSeconds = Math.ceil((Date.parse(time) - nowMs) / 1000);
  return waitSeconds > 0 ? `in ${duration(waitSeconds)}` : "due";
}
