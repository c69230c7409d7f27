/**
 * Words out of a fixed list, in any case: SQLite takes `wal` and `Extra`, so do we. The value is the word as
 * the list spells it.
 */
import type { JournalMode, Mode, StartupCheck, Synchronous, WhenMissing } from "../domain/databaseConfig.ts";
import { accept, type Parsed, refuse } from "./parsed.ts";

export const modes: readonly Mode[] = ["observe", "checkpoint", "enforce"];
export const journalModes: readonly JournalMode[] = ["WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF"];
export const synchronousLevels: readonly Synchronous[] = ["OFF", "NORMAL", "FULL", "EXTRA"];
export const startupChecks: readonly StartupCheck[] = ["OFF", "QUICK", "FULL"];
export const whenMissingChoices: readonly WhenMissing[] = ["wait", "create", "pass"];

export const switchAccepted = "on, off, true, false, 1, 0";

export function parseChoice<T extends string>(text: string, choices: readonly T[]): Parsed<T> {
  const wanted = text.toLowerCase();
  const choice = choices.find((candidate) => candidate.toLowerCase() === wanted);
  return choice === undefined ? refuse(choices.join(", ")) : accept(choice);
}

export function parseSwitch(text: string): Parsed<boolean> {
  const word = parseChoice(text, ["on", "off", "true", "false", "1", "0"]);
  if (!word.ok) return refuse(switchAccepted);
  return accept(word.value === "on" || word.value === "true" || word.value === "1");
}
