/**
 * The single values of the configuration file as zod schemas: what an editor may know about them (the input
 * side), and the reader that turns them into their value. Both sides come from the same reader as the
 * environment's, so that a word means the same in both.
 */
import { z } from "zod";
import { parseChoice, parseSwitch, switchAccepted } from "./parseChoice.ts";
import { delayRange, durationAccepted, parseDuration } from "./parseDuration.ts";
import { accept, type Parsed, refuse } from "./parsed.ts";
import { integerAccepted } from "./parseInteger.ts";
import { hostAccepted, listenAccepted, parseHost, parseListen } from "./parseListen.ts";
import { databasePathAccepted, parseDatabasePath, parsePath, pathAccepted } from "./parsePath.ts";
import { parseSchedule, scheduleAccepted } from "./parseSchedule.ts";
import { parseSize, sizeAccepted } from "./parseSize.ts";

/** A scalar that one of our own readers turns into its value. */
function scalar<Input extends z.ZodType<string | number | boolean>, T>(
  input: Input,
  parse: (text: string) => Parsed<T>,
) {
  return input.transform((raw, context): T => {
    const parsed = parse(String(raw));
    if (parsed.ok) return parsed.value;
    context.issues.push({ code: "custom", message: parsed.accepted, input: raw });
    return z.NEVER;
  });
}

const text = <T>(accepted: string, parse: (text: string) => Parsed<T>) =>
  scalar(z.string({ error: accepted }), parse);

/** Words in any case, as a regular expression without flags: JSON Schema has none. */
function anyCase(words: readonly string[]): string {
  const spelt = words.map((word) => word.replace(/[a-z]/gi, (c) => `[${c.toUpperCase()}${c.toLowerCase()}]`));
  return `^(${spelt.join("|")})$`;
}

/** The JSON Schema lists the words for completion, and takes them in any case as the reader does. */
export function choice<T extends string>(choices: readonly T[]) {
  const input = z
    .string({ error: choices.join(", ") })
    .meta({ anyOf: [{ enum: [...choices] }, { pattern: anyCase(choices) }] });
  return scalar(input, (word) => parseChoice(word, choices));
}

const switchWord = z.string().meta({ pattern: anyCase(["on", "off", "true", "false", "1", "0"]) });

export const onOff = scalar(
  z.union([z.boolean(), z.literal([0, 1]), switchWord], { error: switchAccepted }),
  parseSwitch,
);

/** Only where 0 is accepted may it stand without a unit. */
export function duration(range: { minMs?: number; off?: boolean } = {}) {
  const full = { ...delayRange, ...range };
  const accepted = durationAccepted(full);
  const input = z.string({ error: accepted });
  const zeroOrText = z.union([input, z.literal(0)], { error: accepted });
  return scalar(full.minMs === 0 ? zeroOrText : input, (raw) => parseDuration(raw, full));
}

export const schedule = scalar(
  z.union([z.string(), z.literal(0)], { error: scheduleAccepted }),
  parseSchedule,
);

export const size = scalar(z.union([z.string(), z.int().min(0)], { error: sizeAccepted }), parseSize);

export function count(min: number, max: number) {
  const error = integerAccepted({ min, max, unit: "" });
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export const path = text(pathAccepted, parsePath);
export const databasePath = text(databasePathAccepted, parseDatabasePath);
export const listenAddress = text(listenAccepted, parseListen);
export const host = text(hostAccepted, parseHost);

/** The name becomes a label of metrics and a part of URLs. */
const nameAccepted = "1 to 200 printable characters, no blank at either end, not . or ..";

function parseName(raw: string): Parsed<string> {
  const holds = /^[^\p{C}]{1,200}$/u.test(raw) && raw.trim() === raw && raw !== "." && raw !== "..";
  return holds ? accept(raw) : refuse(nameAccepted);
}

export const name = text(nameAccepted, parseName);

/** False is the word for "no socket"; `off` is what YAML authors write for it. */
function parseSocket(raw: string): Parsed<string | false> {
  if (raw === "false" || raw.toLowerCase() === "off") return accept(false);
  return parsePath(raw);
}

const socketAccepted = `${pathAccepted}, or false`;

export const socket = scalar(z.union([z.string(), z.literal(false)], { error: socketAccepted }), parseSocket);
