/**
 * The daemon's log: one JSON object a line, `level` as a word, `time` in ISO 8601 (UTC), `pid`, `msg`
 * (the phrase operators search for; see logPhrases.ts), then the fields, durations rounded.
 *
 * `pid` stays because a restart shows in it; the host name does not, the journal knows it. No pino
 * transport is used: they need worker threads, which a compiled executable cannot start.
 * Invariant: logging never throws, never blocks the event loop, and never ends the daemon.
 */
import { type DestinationStream, pino } from "pino";
import { type FlushResult, LineDestination } from "./lineDestination.ts";
import { logPhrases } from "./logPhrases.ts";
import { withRoundedDurations } from "./roundedMs.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  log(level: LogLevel, phrase: string, fields?: LogFields): void;
  /** Waits until every line is written, at most for `deadlineMs`: a stalled reader never holds the exit up. */
  flush(deadlineMs: number): Promise<FlushResult>;
}

export interface LoggerOptions {
  /** A file descriptor, or anything with `write(line)`. */
  readonly destination: number | DestinationStream;
  readonly level?: LogLevel;
  /** Bytes of lines that may wait for a slow reader. */
  readonly queueBytesMax?: number;
}

const queueBytesDefault = 4 * 1024 * 1024;

export function createLogger(options: LoggerOptions): Logger {
  const { destination } = options;
  const lines =
    typeof destination === "number"
      ? new LineDestination(destination, options.queueBytesMax ?? queueBytesDefault, (droppedLineCount) =>
          sink.warn({ droppedLineCount }, logPhrases.logLinesDropped),
        )
      : null;
  const sink = pino(
    {
      level: options.level ?? "info",
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    lines ?? (destination as DestinationStream),
  );
  return {
    log: (level, phrase, fields = {}) => sink[level](withRoundedDurations(fields), phrase),
    flush: (deadlineMs) =>
      lines?.flush(deadlineMs) ?? Promise.resolve({ complete: true, droppedLineCount: 0 }),
  };
}
