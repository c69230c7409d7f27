/** Whether the daemon as a whole is ready: the worst of its databases, and only required ones say no. */
import type { DatabaseReadiness, Readiness } from "../domain/status.ts";

export function fleetReadiness(databases: readonly DatabaseReadiness[], shuttingDown: boolean): Readiness {
  const notReady = shuttingDown || databases.some((database) => database.required && !database.ready);
  // With nothing to watch nothing is proven: a pattern that matches nothing may be a slip.
  const flawless =
    databases.length > 0 &&
    databases.every((database) => database.checks.every((check) => check.state === "ok"));
  const status = notReady ? "not ready" : flawless ? "ready" : "degraded";
  return { status, shuttingDown, databases };
}
