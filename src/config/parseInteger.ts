/**
 * Integers as operators write them in variables: decimal digits only. No sign, blank, exponent, unit or
 * leading zero, each of which has been a value that somebody misread.
 */
import { accept, type Parsed, refuse } from "./parsed.ts";

/** The longest delay that setTimeout carries (2^31 - 1 ms, 24.8 days); SQLite's busy timeout is an int too. */
export const delayMaxMs = 2_147_483_647;

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
  /** "milliseconds", "bytes"; empty for a plain count. */
  readonly unit: string;
}

export function integerAccepted(range: IntegerRange): string {
  return `an integer from ${range.min} to ${range.max}${range.unit === "" ? "" : `, ${range.unit}, without a unit`}`;
}

export function parseInteger(text: string, range: IntegerRange): Parsed<number> {
  const value = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < range.min || value > range.max)
    return refuse(integerAccepted(range));
  return accept(value);
}
