/**
 * Whether a database may be kept connected through its startup sequence (daemon/startupConnection.ts). Pure.
 *
 * Only where there is a WAL to recover, and nothing that must be decided while nobody is connected:
 * a rollback journal that the first writer rolls back, a journal mode that has to be changed, and hidden locks. In a
 * PID namespace of its own the daemon asks the kernel whether anybody is connected, who names one of all and maybe its
 * own keeper (observe/hiddenLocks.ts): then it could no longer prove that it is alone (policy/walResetRisk.ts). Nor where the
 * WAL is not truncated: it would be left complete for whoever connects, and nobody's recovery would begin it anew.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { shortensAtOnce } from "./fileSystems.ts";
import type { DatabaseState } from "./state.ts";
import { isWal } from "./walState.ts";

export function mayKeepConnected(
  observation: Observation,
  { walResidue }: Pick<DatabaseState, "walResidue">,
  { profile }: Pick<DatabaseConfig, "profile">,
): boolean {
  const { journal, locks, mount } = observation;
  return (
    walResidue &&
    isWal(observation) &&
    mount.kind === "seen" &&
    shortensAtOnce(mount.fileSystemType) &&
    journal.kind === "absent" &&
    profile.journalMode === "WAL" &&
    locks.kind === "seen" &&
    locks.viewIsComplete
  );
}
