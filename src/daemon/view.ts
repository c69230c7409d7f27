/** What HTTP may see of the daemon and ask of it. */
import type { RestoreAnnouncement } from "../domain/ledger.ts";
import type { CheckpointStatus, IntegrityStatus } from "../domain/status.ts";
import type { ActResult, DaemonView } from "../http/daemonView.ts";
import { fleetReadiness } from "../policy/fleetReadiness.ts";
import type { Metrics } from "../report/metrics.ts";
import type { DatabaseWatch } from "./databaseWatch.ts";
import type { Fleet } from "./fleet.ts";

export interface ViewOptions {
  readonly fleet: Fleet;
  readonly metrics: Metrics;
  readonly version: string;
  readonly isStopping: () => boolean;
}

export function createView(options: ViewOptions): DaemonView {
  const { fleet, metrics, version, isStopping } = options;
  // Once every sequence has ended the startup of the daemon has: a database replaced later is no new start.
  let startupEnded = false;
  const act = async <Value>(
    name: string,
    request: (watch: DatabaseWatch) => Promise<Value | string>,
  ): Promise<ActResult<Value>> => {
    const watch = fleet.watch(name);
    if (watch === null) return { ok: false, reason: "notFound", message: `no database is called ${name}` };
    if (isStopping()) return { ok: false, reason: "stopping", message: "the daemon is shutting down" };
    const value = await request(watch);
    return typeof value === "string" ? { ok: false, reason: "refused", message: value } : { ok: true, value };
  };
  // What a guard saw at the last look may be gone: nobody is refused for it before another one.
  const actWhenSeen = <Value>(
    name: string,
    request: (watch: DatabaseWatch) => Promise<Value | string>,
  ): Promise<ActResult<Value>> =>
    act(name, async (watch) => {
      const { checks } = watch.status().readiness;
      if (checks.some(({ name, state }) => name === "guards" && state !== "ok")) await watch.lookNow();
      return request(watch);
    });
  return {
    version,
    metricsContentType: metrics.contentType,
    metricsText: () => metrics.pieces(),
    readiness: () =>
      fleetReadiness(
        fleet.watches.map((watch) => watch.status().readiness),
        isStopping(),
      ),
    startupEnded() {
      startupEnded ||= fleet.startupEnded;
      return startupEnded;
    },
    databases: () => fleet.watches.map((watch) => watch.status()),
    database: (name) => fleet.watch(name)?.status() ?? null,
    requestCheckpoint: (name) =>
      actWhenSeen<CheckpointStatus>(name, (watch) => watch.requestCheckpoint("demand")),
    announceRestore: (name) => act<RestoreAnnouncement>(name, (watch) => watch.announceRestore()),
    requestIntegrityCheck: (name, check) =>
      actWhenSeen<IntegrityStatus>(name, (watch) => watch.requestCheck(check)),
  };
}
