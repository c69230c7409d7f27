/**
 * Durations as Prometheus writes them: "250ms", "60s", "1h30m" (units y w d h m s ms, largest first, each at
 * most once). A number without a unit is refused, except 0: nobody should have to guess the unit.
 * Source: Prometheus documentation, "Querying basics", "Float literals and time durations".
 */
import { accept, type Parsed, refuse } from "./parsed.ts";
import { delayMaxMs } from "./parseInteger.ts";

const units = [
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

const durationPattern =
  /^(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;

export interface DurationRange {
  readonly minMs: number;
  readonly maxMs: number;
  /** "off" means 0. */
  readonly off: boolean;
}

export function durationAccepted(range: DurationRange): string {
  const bounds = `from ${formatDuration(range.minMs)} to ${formatDuration(range.maxMs)}`;
  return `a duration with its unit, for example 250ms, 60s, 1h30m, ${bounds}${range.off ? ", or off" : ""}`;
}

/** Milliseconds, or null when the text is no duration at all. */
export function durationToMs(text: string): number | null {
  const match = durationPattern.exec(text);
  if (match === null || text === "") return text === "0" ? 0 : null;
  return units.reduce((sum, [, unitMs], index) => sum + Number(match[index + 1] ?? "0") * unitMs, 0);
}

export function parseDuration(text: string, range: DurationRange): Parsed<number> {
  if (range.off && text.toLowerCase() === "off") return accept(0);
  const durationMs = durationToMs(text);
  if (durationMs === null || durationMs < range.minMs || durationMs > range.maxMs) {
    return refuse(durationAccepted(range));
  }
  return accept(durationMs);
}

/** The shortest text that parseDuration reads back as the same milliseconds; years and weeks are not used. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0";
  let restMs = durationMs;
  let text = "";
  for (const [unit, unitMs] of units) {
    if (unit === "y" || unit === "w" || restMs < unitMs) continue;
    text += `${Math.floor(restMs / unitMs)}${unit}`;
    restMs %= unitMs;
  }
  return text;
}

export const delayRange: DurationRange = Object.freeze({ minMs: 1, maxMs: delayMaxMs, off: false });
