/**
 * Milliseconds for people: below 10 ms by the microsecond, below 100 ms by the tenth, then whole. Further digits say
 * nothing about what was measured. By the rule of the names (statusJson.ts): every `...Ms` that is no time is a duration.
 */

export function roundedMs(durationMs: number): number {
  const steps = durationMs < 10 ? 1_000 : durationMs < 100 ? 10 : 1;
  return Math.round(durationMs * steps) / steps;
}

/** The fields of one line; what lies deeper has been made by withIsoTimes. */
export function withRoundedDurations(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      name.endsWith("Ms") && typeof value === "number" ? roundedMs(value) : value,
    ]),
  );
}
