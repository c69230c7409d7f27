/** The status of one database, from its memory and from what the daemon knows beside it. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { DatabaseStatus } from "../domain/status.ts";
import { ledgerCheck } from "../policy/ledgerCheck.ts";
import { readinessChecks } from "../policy/readiness.ts";
import { walCheck } from "../policy/unsaltedFrames.ts";
import { residueCheck } from "../policy/walDamage.ts";
import { describeDatabase } from "../report/databaseStatus.ts";
import type { Memory } from "./memory.ts";
import type { WatchContext } from "./watchContext.ts";

export function statusOf(context: WatchContext, memory: Memory, config: DatabaseConfig): DatabaseStatus {
  const { state, observation, lastObservedAtMs } = memory;
  const nowMs = context.clock.nowMs();
  const verdicts = [
    ...readinessChecks(observation, state, config),
    ledgerCheck(state.restartVerdict, context.ledger.trouble),
    residueCheck(state),
    walCheck(state, config),
  ];
  const checks = memory.withSince(verdicts, nowMs);
  return { ...describeDatabase(config, observation, state, checks, nowMs), lastObservedAtMs };
}
