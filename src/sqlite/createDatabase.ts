/**
 * Creates a database where nothing is, with the profile's journal mode in its header.
 *
 * Without WAL SQLite leaves a new file empty until the first write, and an empty file is no database to
 * anyone who looks at it: writing user_version = 0 makes its first page.
 */
import type { Profile } from "../domain/databaseConfig.ts";
import type { Target } from "../domain/operation.ts";
import type { ProfileResult } from "../domain/outcome.ts";
import { readProfile } from "../profile/readProfile.ts";
import { prepareWriter } from "./connection.ts";
import { FileIdentityError, identityOf } from "./fileIdentity.ts";
import { withWriter } from "./gentleClose.ts";
import { bringJournalMode } from "./journalMode.ts";

export function createDatabase(target: Target, profile: Profile): ProfileResult {
  if (target.identity !== null) throw new Error("create: the target must not have an identity");
  const found = identityOf(target.path);
  if (found !== null) throw new FileIdentityError(`${target.path} exists already (device:inode ${found})`);
  return withWriter(target, "create", (writer) => {
    prepareWriter(writer, profile);
    const change = bringJournalMode(writer, profile.journalMode, true, profile.busyTimeoutMs);
    if (profile.journalMode !== "WAL") writer.exec("PRAGMA user_version = 0");
    return {
      journalModeBefore: change.before,
      journalModeChanged: change.changed,
      pragmas: readProfile(writer, profile),
    };
  });
}
