/**
 * When SQLite may open a database that is not in WAL mode, guards aside. (In WAL mode readers and writers do
 * not meet.)
 *
 * In rollback mode our read lock is the SQLITE_BUSY of a writer that does not wait; and beside one that takes
 * no locks (unix-none) our first read takes its journal for a hot one, rolls the live transaction back and
 * deletes it (SQLITE_IOERR_DELETE_NOENT there, measured). So only where the operator declared that the
 * application waits for locks, or when nobody has it open and nobody wrote it just now: an application that
 * opens it for each row is not there between two rows (3 SQLITE_BUSY in 750 rows, measured).
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { isAtRest } from "./atRest.ts";
import { declaresLongWait } from "./lockPermission.ts";
import { nobodyElseHasItOpen } from "./sharing.ts";
import type { DatabaseState } from "./state.ts";
import { isWal } from "./walState.ts";

export function mayOpen(observation: Observation, state: DatabaseState, config: DatabaseConfig): boolean {
  if (isWal(observation) || declaresLongWait(config)) return true;
  return nobodyElseHasItOpen(observation, state) && isAtRest(observation);
}
