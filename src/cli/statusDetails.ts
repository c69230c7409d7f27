/** `walwarden status NAME` for people: the table's line, and what there is no room for in it. Pure. */
import { printable } from "../report/printable.ts";
import type { DatabaseStatusJson } from "../report/statusJson.ts";
import { exposureInFull } from "./exposureText.ts";
import { foldRows } from "./foldText.ts";
import { renderTable } from "./statusTable.ts";
import { age, bytesInWords, duration, type Rendering } from "./statusText.ts";
import { connectedInWords, processesInWords as processes, walRows } from "./walText.ts";

export function renderDetails(status: DatabaseStatusJson, rendering: Rendering): string {
  const rows = details(status, rendering.nowMs).map(([title, text]) => [title, printable(text)] as const);
  const lines = foldRows(rows, rendering.widthColumns);
  return `${[...renderTable([status], rendering), "", ...lines].join("\n")}\n`;
}

function details(status: DatabaseStatusJson, nowMs: number): readonly (readonly [string, string])[] {
  const { resolvedPath, path, checkpoint } = status;
  return [
    ["name", status.name],
    ["path", resolvedPath === null || resolvedPath === path ? path : `${path} -> ${resolvedPath}`],
    ["observed", status.observedAt === null ? "not with success" : age(status.observedAt, nowMs)],
    ["size", status.databaseBytes === null ? "unknown" : bytesInWords(status.databaseBytes)],
    ["free space", status.freeBytes === null ? "unknown" : bytesInWords(status.freeBytes)],
    ["startup", startup(status)],
    ...residue(status),
    ["since before", restart(status)],
    ["journal mode", status.journalMode],
    ...(status.walIndexReason === "" ? [] : [["WAL-index", status.walIndexReason] as const]),
    ["exposed", exposureInFull(status, nowMs)],
    ...exposedBy(status),
    ["connected", connectedInWords(status)],
    ...walRows(status, nowMs),
    ...status.sqliteProcesses.map((process) => ["SQLite", sqlite(process)] as const),
    ...(status.lastWrittenByVersion === null
      ? []
      : [["last written by", `SQLite ${status.lastWrittenByVersion}`] as const]),
    ...(status.walResetRisk === "" ? [] : [["WAL reset", walReset(status.walResetRisk)] as const]),
    ...(status.replicator ? [["replicator", replicator(status.replicator)] as const] : []),
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
    ...checking(status),
    ...status.integrity.flatMap(({ check, findings, findingsTruncated }) => [
      ...findings.map((finding) => [check, finding] as const),
      ...(findingsTruncated ? [[check, "and more"] as const] : []),
    ]),
  ];
}

function checking({
  integrityProgress,
  integrity,
}: DatabaseStatusJson): readonly (readonly [string, string])[] {
  const rested = integrity.flatMap(({ check, restsOn, endedAt }) =>
    restsOn === null ? [] : [[check, `unchanged since the ${restsOn} of ${endedAt}`] as const],
  );
  if (integrityProgress === null) return rested;
  const { check, trigger, percent, remainingMs, pausedFor } = integrityProgress;
  const words = [
    `${check} (${trigger})`,
    percent === null ? "not divided" : `${percent} %`,
    remainingMs === null ? "" : `about ${duration(Math.ceil(remainingMs / 1000))} left`,
    pausedFor === "" ? "" : `waits: ${pausedFor}`,
  ];
  return [...rested, ["checking now", words.filter(Boolean).join(", ")]];
}

function exposedBy({ exposure }: DatabaseStatusJson): readonly (readonly [string, string])[] {
  if (exposure.kind === "unobservable" || exposure.writers.length === 0) return [];
  return [["committed by one of", processes(exposure.writers)]];
}

/** What became of it since the daemon's last life. */
function restart({ restartVerdict: verdict }: DatabaseStatusJson): string {
  if (verdict === null) return "not judged yet";
  const losses = [
    [verdict.lostProvenCommitCountMin, "proven"],
    [verdict.lostExposedCommitCountMin, "exposed"],
  ] as const;
  const lost = losses
    .filter(([count]) => count !== null && count > 0)
    .map(([count, kind]) => `at least ${count} ${kind} commits lost`);
  return `${[verdict.kind, ...lost].join(", ")}: ${verdict.reason}`;
}

function startup({ startup: { stage, endedAt, residue } }: DatabaseStatusJson): string {
  const where = endedAt === null ? `at ${stage}` : `ended ${endedAt}`;
  return residue === null ? where : `${where}; found: ${residue}`;
}

function sqlite(process: DatabaseStatusJson["sqliteProcesses"][number]): string {
  const { version, file, affected, reason } = process;
  const what = version === null ? "version not known" : `${version}${file === null ? "" : ` (${file})`}`;
  const verdict = affected === true ? ", has the WAL-reset bug" : "";
  return `${processes([process])}: ${what}${verdict}${reason === "" ? "" : `; ${reason}`}`;
}

function walReset(risk: string): string {
  return `the daemon resets the WAL itself or leaves it alone: ${risk}`;
}

function replicator({ reason, holders }: NonNullable<DatabaseStatusJson["replicator"]>): string {
  return holders.length === 0 ? reason : `${processes(holders)}: ${reason}`;
}

function residue({ residueReport }: DatabaseStatusJson): readonly (readonly [string, string])[] {
  if (residueReport === null) return [];
  const { found, recovery } = residueReport;
  return [
    ["left behind", found.expectation],
    ...(recovery === null
      ? []
      : [["recovery", [recoveryInWords[recovery.verdict], ...recovery.remarks].join("; ")] as const]),
  ];
}

const recoveryInWords = {
  agrees: "brought that back",
  differs: "brought something else back",
  incomparable: "cannot be compared",
} as const;

function fromNow(time: string, nowMs: number): string {
  const waitSeconds = Math.ceil((Date.parse(time) - nowMs) / 1000);
  return waitSeconds > 0 ? `in ${duration(waitSeconds)}` : "due";
}
