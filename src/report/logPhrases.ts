/**
 * The phrases of the log, each written down once, with when it is logged, at which levels and what to do about it.
 * They are an interface: operators search and alert on them, so a phrase is never changed, only added. An entry
 * without its texts does not compile; the tables of README.md are made from the entries (`npm run generate`), and
 * tests hold the events to the levels.
 */
import { daemonPhrases } from "./daemonPhrases.ts";
import { databasePhrases } from "./databasePhrases.ts";
import { operationPhrases } from "./operationPhrases.ts";
import type { PhraseEntries } from "./phraseEntry.ts";
import { startupPhrases } from "./startupPhrases.ts";
import { witnessPhrases } from "./witnessPhrases.ts";

/** By what they are about, in the order of README.md. */
export const phraseGroups = {
  daemon: daemonPhrases,
  startup: startupPhrases,
  operations: operationPhrases,
  databases: databasePhrases,
  witness: witnessPhrases,
} as const satisfies Readonly<Record<string, PhraseEntries>>;

function phrasesOf<Entries extends PhraseEntries>(entries: Entries) {
  const phrases = Object.entries(entries).map(([name, { phrase }]) => [name, phrase]);
  return Object.fromEntries(phrases) as { readonly [Name in keyof Entries]: Entries[Name]["phrase"] };
}

export const logPhrases = {
  ...phrasesOf(daemonPhrases),
  ...phrasesOf(startupPhrases),
  ...phrasesOf(operationPhrases),
  ...phrasesOf(databasePhrases),
  ...phrasesOf(witnessPhrases),
};

export type LogPhrase = (typeof logPhrases)[keyof typeof logPhrases];
