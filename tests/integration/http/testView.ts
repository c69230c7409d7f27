/** A daemon as the HTTP interface sees it, with states chosen by the test. */
import type { DatabaseStatus, Readiness } from "../../../src/domain/status.ts";
import type { DaemonView } from "../../../src/http/daemonView.ts";
import { aCheckpoint, anIntegrityCheck } from "../../unit/report/statusBuilder.ts";

export interface TestView extends DaemonView {
  readonly asked: string[];
}

export function makeView(
  databases: readonly DatabaseStatus[],
  changes: Partial<DaemonView> & { readonly shuttingDown?: boolean } = {},
): TestView {
  const asked: string[] = [];
  const shuttingDown = changes.shuttingDown ?? false;
  const checks = databases.flatMap((database) => database.readiness.checks);
  const ready = databases.every((database) => !database.readiness.required || database.readiness.ready);
  const status: Readiness["status"] =
    shuttingDown || !ready
      ? "not ready"
      : checks.every((check) => check.state === "ok")
        ? "ready"
        : "degraded";
  return {
    asked,
    version: "1.2.3",
    metricsContentType: "text/plain; version=0.0.4; charset=utf-8",
    metricsText: async () => ["# HELP sqlite_up .\n"],
    readiness: () => ({ status, shuttingDown, databases: databases.map((database) => database.readiness) }),
    startupEnded: () => databases.every((database) => database.startup.endedAtMs !== null),
    databases: () => databases,
    database: (name) => databases.find((database) => database.name === name) ?? null,
    requestCheckpoint: async (name) => {
      asked.push(`checkpoint ${name}`);
      return { ok: true, value: aCheckpoint({ trigger: "demand" }) };
    },
    announceRestore: async (name) => {
      asked.push(`announce-restore ${name}`);
      return { ok: true, value: { database: name, windowEndsAtMs: Date.UTC(2026, 0, 15, 13, 0, 0) } };
    },
    requestIntegrityCheck: async (name, check) => {
      asked.push(`${check} ${name}`);
      return { ok: true, value: anIntegrityCheck({ trigger: "demand", check }) };
    },
    ...changes,
  };
}
