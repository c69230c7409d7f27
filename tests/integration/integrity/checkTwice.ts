/** The same check in parts and undivided, and by the sqlite3 command line tool. */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { type CheckRun, runCheck } from "../../../src/daemon/checkRun.ts";
import type { CheckPart } from "../../../src/domain/integrityCheck.ts";
import type { Operation } from "../../../src/domain/operation.ts";
import type { CheckResult, Outcome } from "../../../src/domain/outcome.ts";
import type { IntegrityStatus } from "../../../src/domain/status.ts";
import type { CheckSizes } from "../../../src/policy/integrityParts.ts";
import { verdictOf } from "../../../src/policy/integrityVerdict.ts";
import type { WorkerPool } from "../../../src/worker/pool.ts";
import { profile, targetOf } from "../worker/harness.ts";

/** Small files are divided too, down to single ranges of rows. */
export const smallSizes: CheckSizes = {
  dividedFromBytes: 0,
  rowsFromPages: 2,
  groupPagesMin: 1,
  groupPagesMax: 40,
};

export function checkRun(pool: WorkerPool, path: string, change: Partial<CheckRun> = {}): CheckRun {
  return {
    run: pool.run,
    target: targetOf(path),
    profile,
    check: "integrity_check",
    findingsMax: 1_000,
    deadlineMs: 60_000,
    lane: "long",
    workerCount: 2,
    sizes: smallSizes,
    fileBytes: statSync(path).size,
    signal: new AbortController().signal,
    nowMs: () => performance.now(),
    onTally: () => {},
    beforePart: () => Promise.resolve(),
    ...change,
  };
}

export function divided(pool: WorkerPool, path: string, change: Partial<CheckRun> = {}) {
  return runCheck(checkRun(pool, path, change));
}

export function undivided(pool: WorkerPool, path: string, change: Partial<CheckRun> = {}) {
  return runCheck(checkRun(pool, path, { workerCount: 1, ...change }));
}

/** Notes which parts were asked for. */
export function notingParts(pool: WorkerPool): {
  readonly run: WorkerPool["run"];
  readonly parts: CheckPart[];
} {
  const parts: CheckPart[] = [];
  return {
    parts,
    run: (operation, target, options) => {
      const asked: Operation = operation;
      if (asked.kind === "integrityCheck") parts.push(asked.part);
      return pool.run(operation, target, options);
    },
  };
}

/**
 * What the command line tool's own words come to. Not with -readonly: then it passes over CHECK constraints. Null: it is
 * not there.
 */
export function commandLineVerdict(
  path: string,
  check: CheckRun["check"],
): IntegrityStatus["verdict"] | null {
  const pragmas = check === "quick_check" ? [check] : [check, "foreign_key_check"];
  const outputs = pragmas.map((pragma) =>
    spawnSync("sqlite3", [path, `PRAGMA ${pragma}`], { encoding: "utf8" }),
  );
  if (outputs.some(({ error }) => error !== undefined)) return null;
  const [checked, keys] = outputs;
  const failed = /\((\d+)\)\s*$/.exec(checked?.stderr ?? "")?.[1];
  const code = failed === "11" ? "SQLITE_CORRUPT" : failed === "26" ? "SQLITE_NOTADB" : "SQLITE_ERROR";
  const lines = (checked?.stdout ?? "")
    .split("\n")
    .filter((line) => !/^(ok|)$|^\*\*\* in database/.test(line));
  return verdictOf({
    messages: lines,
    truncated: false,
    foreignKeyViolations: (keys?.stdout ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map((table) => ({ table, rowid: null, parent: "" })),
    checkViolations: [],
    suspicious: false,
    unchecked: [],
    trees: [],
    error: (checked?.stderr ?? "") === "" ? null : { code, message: checked?.stderr ?? "" },
    durationMs: 0,
  });
}

export function verdictOrFailure(outcome: Outcome<CheckResult>): string {
  return outcome.ok ? verdictOf(outcome) : `${outcome.reason} ${outcome.code}: ${outcome.message}`;
}
