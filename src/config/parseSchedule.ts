/**
 * When something happens by itself: "60s" (every 60 s), "off", or a cron expression as node-cron reads it
 * (five fields, or six with seconds first; local time).
 */
import { validate } from "node-cron";
import type { Schedule } from "../domain/databaseConfig.ts";
import { delayRange, durationToMs, formatDuration } from "./parseDuration.ts";
import { accept, type Parsed, refuse } from "./parsed.ts";

export const scheduleAccepted =
  `a duration (60s, 5m, up to ${formatDuration(delayRange.maxMs)}), off, ` +
  `or a cron expression ("0 3 * * *": minute hour day month weekday; for anything rarer)`;

export function parseSchedule(text: string): Parsed<Schedule> {
  if (text === "0" || text.toLowerCase() === "off") return accept({ kind: "off" });
  const intervalMs = durationToMs(text);
  if (intervalMs !== null) {
    const holds = intervalMs >= delayRange.minMs && intervalMs <= delayRange.maxMs;
    return holds ? accept({ kind: "interval", intervalMs }) : refuse(scheduleAccepted);
  }
  return validate(text) ? accept({ kind: "cron", expression: text }) : refuse(scheduleAccepted);
}

export function formatSchedule(schedule: Schedule): string {
  switch (schedule.kind) {
    case "off":
      return "off";
    case "interval":
      return formatDuration(schedule.intervalMs);
    case "cron":
      return schedule.expression;
  }
}
