/**
 * `walwarden status` for people: a line per database, and below it every check that is not ok in the words
 * of readiness, and a lowered mode. Lines never wrap inside a column: long names are shortened in the
 * middle, and a table that is too wide for the terminal has two lines for each database, the second one indented.
 * Everything from outside is made printable. Pure.
 */

import { printable } from "../report/printable.ts";
import type { DatabaseListJson, DatabaseReadinessJson, DatabaseStatusJson } from "../report/statusJson.ts";
import { exposureInBrief } from "./exposureText.ts";
import { fold } from "./foldText.ts";
import { age, bytesInWords, pad, paint, type Rendering, shorten } from "./statusText.ts";
import { verdictRemark } from "./walText.ts";

const nameWidthMax = 40;
const nameWidthMin = 12;
/** In a table that is too wide the columns from here on are in the second line. */
const secondLineColumn = 5;
const secondLineIndent = "  ";
const header = [
  "DATABASE",
  "STATE",
  "WAL",
  "WAITING",
  "EXPOSED",
  "LAST CHECKPOINT",
  "INTEGRITY",
  "MODE",
] as const;

export function renderStatus(list: DatabaseListJson, rendering: Rendering): string {
  const head = [`walwarden ${printable(list.version)}: ${list.shuttingDown ? "shutting down" : list.status}`];
  if (list.databases.length === 0) return `${[...head, "no database is watched"].join("\n")}\n`;
  return `${[...head, "", ...renderTable(list.databases, rendering)].join("\n")}\n`;
}

export function renderTable(
  databases: readonly DatabaseStatusJson[],
  rendering: Rendering,
): readonly string[] {
  const [titles = [], ...rows] = layOut(
    databases.map((database) => cells(database, rendering)),
    rendering.widthColumns,
  );
  return [
    ...titles.map((line) => paint(line, "bold", rendering)),
    ...databases.flatMap((database, index) => [
      ...(rows[index] ?? []).map((line) => paintState(line, database.readiness, rendering)),
      ...remarks(database, rendering),
    ]),
  ];
}

/** The lines of the header, then those of each database. */
function layOut(
  rows: readonly (readonly string[])[],
  widthMax = Number.POSITIVE_INFINITY,
): readonly (readonly string[])[] {
  const oneLine = inColumns([header, ...rows]);
  if (oneLine.every((line) => Bun.stringWidth(line) <= widthMax)) return oneLine.map((line) => [line]);
  const second = inColumns([header, ...rows].map((row) => row.slice(secondLineColumn)));
  const first = firstLines(rows, nameWidthMax);
  const excess = Math.max(...first.map((line) => Bun.stringWidth(line))) - widthMax;
  const nameWidth = Math.max(...rows.map(([name = ""]) => Bun.stringWidth(name)));
  const fitting = excess <= 0 ? first : firstLines(rows, Math.max(nameWidth - excess, nameWidthMin));
  return fitting.map((line, index) => [line, `${secondLineIndent}${second[index] ?? ""}`]);
}

function firstLines(rows: readonly (readonly string[])[], nameWidth: number): readonly string[] {
  const shortened = rows.map(([name = "", ...others]) => [shorten(name, nameWidth), ...others]);
  return inColumns([header, ...shortened].map((row) => row.slice(0, secondLineColumn)));
}

function inColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_title, column) =>
    Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function stateOf(readiness: DatabaseReadinessJson): "ready" | "degraded" | "not ready" {
  if (!readiness.ready) return "not ready";
  return readiness.checks.every((check) => check.state === "ok") ? "ready" : "degraded";
}

function cells(database: DatabaseStatusJson, { nowMs }: Rendering): readonly string[] {
  const { walFileBytes, checkpoint, mode, configuredMode } = database;
  return [
    shorten(printable(database.name), nameWidthMax),
    stateOf(database.readiness),
    walFileBytes === null ? "unknown" : bytesInWords(walFileBytes),
    waitingFrames(database),
    exposureInBrief(database.exposure),
    checkpoint === null ? "none yet" : `${checkpoint.outcome} ${age(checkpoint.endedAt, nowMs)}`,
    lastIntegrity(database, nowMs),
    mode === configuredMode ? mode : `${mode} (of ${configuredMode})`,
  ];
}

/** Frames in the WAL that are not in the database yet. */
function waitingFrames({ walFrameCount, walBackfilledFrameCount, journalMode }: DatabaseStatusJson): string {
  if (journalMode === "rollback") return "no WAL";
  if (walFrameCount === null || walBackfilledFrameCount === null) return "unknown";
  const waitingFrameCount = walFrameCount - walBackfilledFrameCount;
  return waitingFrameCount === 1 ? "1 frame" : `${waitingFrameCount} frames`;
}

function lastIntegrity({ integrity }: DatabaseStatusJson, nowMs: number): string {
  const [latest] = [...integrity].sort((left, right) => Date.parse(right.endedAt) - Date.parse(left.endedAt));
  return latest === undefined
    ? "not checked"
    : `${latest.check} ${latest.verdict} ${age(latest.endedAt, nowMs)}`;
}

function remarks(database: DatabaseStatusJson, rendering: Rendering): readonly string[] {
  const checks = database.readiness.checks.filter((check) => check.state !== "ok");
  const lines: string[] = [];
  const add = (text: string, color: "red" | "yellow" | null): void => {
    const folded = fold(remarkIndent, printable(text), remarkIndent.length * 2, rendering.widthColumns);
    lines.push(...folded.map((line) => (color === null ? line : paint(line, color, rendering))));
  };
  for (const { name, state, reason, since } of checks) {
    const said = name === "guards" ? reason : withoutGuards(reason, checks);
    const text = `${name} ${state}: ${said} (since ${age(since, rendering.nowMs)})`;
    add(text, state === "failed" ? "red" : "yellow");
  }
  const verdict = verdictRemark(database, rendering.nowMs);
  if (verdict !== null) add(verdict, "yellow");
  if (database.replicator?.checkpointsLeftToIt) add(database.replicator.reason, null);
  if (database.mode !== database.configuredMode) {
    const why = withoutGuards(database.modeReason, checks);
    add(`mode lowered from ${database.configuredMode} to ${database.mode}: ${why}`, "yellow");
  }
  return lines;
}

const remarkIndent = "  ";

/** What a guard says can be long, and stands in the line of the guards. */
function withoutGuards(reason: string, checks: DatabaseReadinessJson["checks"]): string {
  const said = checks.find(({ name }) => name === "guards")?.reason ?? "";
  return said === "" ? reason : reason.replace(said, () => "see guards");
}

function paintState(line: string, readiness: DatabaseReadinessJson, rendering: Rendering): string {
  const colors = { ready: "green", degraded: "yellow", "not ready": "red" } as const;
  return paint(line, colors[stateOf(readiness)], rendering);
}
