/**
 * The profile on a connection of the daemon's own, and the journal mode of the file when that was asked for.
 * A value that does not hold is a reading, not an error.
 */
import type { Operation, Target } from "../domain/operation.ts";
import type { ProfileResult } from "../domain/outcome.ts";
import { readProfile } from "../profile/readProfile.ts";
import { prepareWriter } from "./connection.ts";
import { withWriter } from "./gentleClose.ts";
import { bringJournalMode } from "./journalMode.ts";

type ApplyOperation = Extract<Operation, { readonly kind: "applyProfile" }>;

export function applyProfile(operation: ApplyOperation, target: Target): ProfileResult {
  const { profile } = operation;
  return withWriter(target, "readWrite", (writer) => {
    prepareWriter(writer, profile);
    const change = bringJournalMode(
      writer,
      profile.journalMode,
      operation.setJournalMode,
      profile.busyTimeoutMs,
    );
    return {
      journalModeBefore: change.before,
      journalModeChanged: change.changed,
      pragmas: readProfile(writer, profile),
    };
  });
}
