/**
 * What must hold before SQLite may open a database: judged on raw bytes, locks and mounts, because opening
 * is an act. Merely opening a scrambled file beside a WAL deletes the WAL (measured). A file that a guard
 * refuses is never opened, and no byte of it changes.
 */
import type { Observation } from "../domain/observation.ts";
import { fileGuards } from "./fileGuards.ts";
import { foreignWalGuards } from "./foreignWalGuard.ts";
import { fsyncErrorGuards } from "./fsyncError.ts";
import type { GuardContext, GuardFinding } from "./guardFinding.ts";
import { headerGuards } from "./headerGuards.ts";
import { processGuards } from "./processGuards.ts";
import type { DatabaseState } from "./state.ts";
import { damagedWalGuards } from "./walDamage.ts";

/** All findings, worst first. Empty: SQLite may open the database. */
export function evaluateGuards(
  observation: Observation,
  state: DatabaseState,
  context: GuardContext,
): readonly GuardFinding[] {
  // A sync that failed is about bytes that are there: whatever comes in their place was not given up.
  const isThere = observation.database.kind !== "absent";
  const findings = [
    ...fileGuards(observation, context),
    ...headerGuards(observation, state),
    ...foreignWalGuards(observation, state, context.config.path),
    ...processGuards(observation, state, context.config),
    ...fsyncErrorGuards(isThere ? state.fsyncError : null, observation.resolvedPath ?? context.config.path),
    ...damagedWalGuards(observation, state, observation.resolvedPath ?? context.config.path),
  ];
  return [...findings.filter((f) => f.verdict === "refuse"), ...findings.filter((f) => f.verdict === "wait")];
}
