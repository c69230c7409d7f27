/**
 * Readiness as plain text for people, one line per check as etcd and kube-apiserver print it:
 * `[+]name ok` or `[-]name failed: reason`. Names and reasons come from outside and are made printable,
 * so that none can forge a line. Pure.
 */
import type { ReadinessCheck } from "../domain/status.ts";
import { printable } from "../report/printable.ts";
import { isoTime } from "../report/statusJson.ts";
import { checkName, type ExcludedReadiness } from "./excluding.ts";

export function renderReadiness({ readiness, unmatched }: ExcludedReadiness): string {
  const lines = readiness.databases.flatMap((database) =>
    database.checks.map((check) => renderCheck(printable(checkName(database, check)), check)),
  );
  if (readiness.shuttingDown) lines.push("[-]shutdown failed: the daemon is shutting down");
  lines.push(...unmatched.map(unmatchedWarning));
  lines.push(readiness.status);
  return `${lines.join("\n")}\n`;
}

export function unmatchedWarning(exclusion: string): string {
  return `warn: nothing to exclude is called "${printable(exclusion)}"`;
}

function renderCheck(name: string, check: ReadinessCheck): string {
  const reason = printable(check.reason);
  const since = `(since ${isoTime(check.sinceMs)})`;
  switch (check.state) {
    case "ok":
      return reason === "" ? `[+]${name} ok` : `[+]${name} ok: ${reason}`;
    case "degraded":
      return `[+]${name} ok, degraded: ${reason} ${since}`;
    case "failed":
      return `[-]${name} failed: ${reason} ${since}`;
  }
}
