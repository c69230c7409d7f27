/** What is said of a phrase of the log, for the code that logs it and for README.md, which is made from it. Types only. */
import type { LogLevel } from "./log.ts";

export interface PhraseEntry {
  /** An interface: operators search and alert on it, so it is never changed. */
  readonly phrase: string;
  /** Every level that it is logged at; a test holds the events to it. */
  readonly levels: readonly LogLevel[];
  /** One short line, without a full stop; entries with the same levels, texts and neighbours share a row in README.md. */
  readonly when: string;
  /** What an operator does about it; "nothing" where it only tells. */
  readonly action: string;
}

export type PhraseEntries = Readonly<Record<string, PhraseEntry>>;
