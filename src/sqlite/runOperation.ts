/** One operation from its description to its outcome: the place where thrown errors become values. */
import type { Operation, OperationKind, OperationResults, Target } from "../domain/operation.ts";
import type { Outcome } from "../domain/outcome.ts";
import { applyProfile } from "./applyProfile.ts";
import { createDatabase } from "./createDatabase.ts";
import { guardedTruncate } from "./guardedTruncate.ts";
import { integrityCheck } from "./integrityCheck.ts";
import { planCheck } from "./integrityPlan.ts";
import type { KeptConnections } from "./keptConnections.ts";
import type { LockEvents } from "./lockEvents.ts";
import { lockedCheckpoint } from "./lockedCheckpoint.ts";
import { passiveCheckpoint } from "./passiveCheckpoint.ts";
import { failureOf } from "./sqliteFailure.ts";
import { truncateCheckpoint } from "./truncateCheckpoint.ts";

type AnyResult = OperationResults[OperationKind];

/** Throws only for programmer errors. */
export function runOperation(
  operation: Operation,
  target: Target,
  events: LockEvents,
  kept: KeptConnections,
): Outcome<AnyResult> {
  try {
    return { ok: true, ...perform(operation, target, events, kept) };
  } catch (error) {
    return failureOf(error, operation.kind, target.path);
  }
}

function perform(operation: Operation, target: Target, events: LockEvents, kept: KeptConnections): AnyResult {
  switch (operation.kind) {
    case "create":
      return createDatabase(target, operation.profile);
    case "applyProfile":
      return applyProfile(operation, target);
    case "passiveCheckpoint":
      return passiveCheckpoint(target, operation.profile);
    case "lockedCheckpoint":
      return lockedCheckpoint(operation, target, events);
    case "truncateCheckpoint":
      return truncateCheckpoint(operation, target, events);
    case "guardedTruncate":
      return guardedTruncate(operation, target, events);
    case "integrityCheck":
      return integrityCheck(operation, target);
    case "planCheck":
      return planCheck(operation, target);
    case "keepOpen":
      return kept.keep(target);
    case "letGo":
      return kept.letGo(target);
  }
}
