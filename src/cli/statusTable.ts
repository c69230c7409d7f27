/**
 * `walwarden status` for people: a line per database, and below it every check that is not ok in the words
 * of readiness, and a lowered mode. Lines never wrap inside a column: long names are shortened in the
 * middle. Everything from outside is made printable. Pure.
 */

import { printable } from "../report/printable.ts";
import type { DatabaseListJson, DatabaseReadinessJson, DatabaseStatusJson } from "../report/statusJson.ts";
import { exposureInBrief } from "./exposureText.ts";
import { age, bytesInWords, pad, paint, type Rendering, shorten } from "./statusText.ts";
import { verdictRemark } from "./walText.ts";

const nameWidthMax = 40;
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
  const rows = databases.map((database) => cells(database, rendering));
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? "")].map((cell) => Bun.stringWidth(cell))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    paint(line(header), "bold", rendering),
    ...databases.flatMap((database, index) => [
      paintState(line(rows[index] ?? []), database.readiness, rendering),
      ...remarks(database, rendering),
    ]),
  ];
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
  const lines = checks.map((check) => {
    const reason = check.name === "guards" ? check.reason : withoutGuards(check.reason, checks);
    const text = `  ${printable(check.name)} ${check.state}: ${printable(reason)} (since ${age(check.since, rendering.nowMs)})`;
    return paint(text, check.state === "failed" ? "red" : "yellow", rendering);
  });
  const verdict = verdictRemark(database, rendering.nowMs);
  if (verdict !== null) lines.push(paint(`  ${printable(verdict)}`, "yellow", rendering));
  if (database.replicator?.checkpointsLeftToIt) lines.push(`  ${printable(database.replicator.reason)}`);
  if (database.mode === database.configuredMode) return lines;
  const why = `  mode lowered from ${database.configuredMode} to ${database.mode}: ${printable(withoutGuards(database.modeReason, checks))}`;
  return [...lines, paint(why, "yellow", rendering)];
}

/** What a guard says can be long, and stands in the line of the guards. */
function withoutGuards(reason: string, checks: DatabaseReadinessJson["checks"]): string {
  const said = checks.find(({ name }) => name === "guards")?.reason ?? "";
  return said === "" ? reason : reason.replace(said, () => "see guards");
}

function paintState(line: string, readiness: DatabaseReadinessJson, rendering: Rendering): string {
  const colors = { ready: "green", degraded: "yellow", "not ready": "red" } as const;
  return paint(line, colors[stateOf(readiness)], rendering);
}
