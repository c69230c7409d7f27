/** A profile value that does not hold on a connection, as an error that an application can tell apart. */
import type { PragmaReading } from "../domain/outcome.ts";

export type ProfilePragma = PragmaReading["pragma"];

/**
 * `reason`: refused, SQLite answered with another value or an error; transaction, the connection is inside
 * a transaction, where SQLite ignores or forbids the change, and nothing was set.
 */
export type ProfileErrorReason = "refused" | "transaction";

export interface ProfileErrorFields {
  readonly reason: ProfileErrorReason;
  readonly pragma: ProfilePragma;
  readonly wanted: string;
  readonly actual: string | null;
  readonly path: string | null;
  readonly hint: string;
}

export class ProfileError extends Error {
  override readonly name = "ProfileError";
  readonly reason: ProfileErrorReason;
  readonly pragma: ProfilePragma;
  /** As SQLite spells it: "wal", "EXTRA", "10000", "on". */
  readonly wanted: string;
  /** What the connection answers instead; null when it answered nothing. */
  readonly actual: string | null;
  /** The file of the connection's main database; null when it has none or would not say. */
  readonly path: string | null;

  constructor(fields: ProfileErrorFields, cause?: unknown) {
    const where = fields.path ?? "a database without a file";
    const answer = fields.actual === null ? "gave no value" : `is ${fields.actual}`;
    const problem =
      fields.reason === "transaction"
        ? `the profile of ${where} was not applied`
        : `PRAGMA ${fields.pragma} of ${where} ${answer}, wanted ${fields.wanted}`;
    super(`${problem}: ${fields.hint}`, cause === undefined ? undefined : { cause });
    this.reason = fields.reason;
    this.pragma = fields.pragma;
    this.wanted = fields.wanted;
    this.actual = fields.actual;
    this.path = fields.path;
  }
}
