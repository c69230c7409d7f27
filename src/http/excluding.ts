/**
 * Readiness with some checks left out (`?exclude=`): "kv/guards" leaves out one check, "guards" that check
 * of every database, "kv" a whole database. Names may contain slashes, so they are compared whole.
 * Pure.
 */
import type { DatabaseReadiness, Readiness, ReadinessCheck } from "../domain/status.ts";

export interface ExcludedReadiness {
  readonly readiness: Readiness;
  /** Exclusions that matched nothing, probably misspelt. */
  readonly unmatched: readonly string[];
}

export function excludeChecks(readiness: Readiness, exclusions: readonly string[]): ExcludedReadiness {
  if (exclusions.length === 0) return { readiness, unmatched: [] };
  const matched = new Set<string>();
  const databases = readiness.databases.flatMap((database) => {
    const left = excludeFrom(database, exclusions, matched);
    return left === null ? [] : [left];
  });
  return {
    readiness: { ...readiness, databases, status: statusOf(readiness.shuttingDown, databases) },
    unmatched: exclusions.filter((exclusion) => !matched.has(exclusion)),
  };
}

function excludeFrom(
  database: DatabaseReadiness,
  exclusions: readonly string[],
  matched: Set<string>,
): DatabaseReadiness | null {
  const isExcluded = (name: string): boolean => {
    if (!exclusions.includes(name)) return false;
    matched.add(name);
    return true;
  };
  // Every name is asked for, so that an exclusion that a wider one covers counts as matched too.
  const checks = database.checks.filter((check) => {
    const alone = isExcluded(checkName(database, check));
    const everywhere = isExcluded(check.name);
    return !alone && !everywhere;
  });
  if (isExcluded(database.database)) return null;
  if (checks.length === database.checks.length) return database;
  return { ...database, checks, ready: !checks.some((check) => check.state === "failed") };
}

export function checkName(database: DatabaseReadiness, check: ReadinessCheck): string {
  return `${database.database}/${check.name}`;
}

function statusOf(shuttingDown: boolean, databases: readonly DatabaseReadiness[]): Readiness["status"] {
  if (shuttingDown || databases.some((database) => database.required && !database.ready)) return "not ready";
  const allOk = databases.every((database) => database.checks.every((check) => check.state === "ok"));
  return allOk ? "ready" : "degraded";
}
