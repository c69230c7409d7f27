/**
 * The configuration file: YAML text to checked values, and where in the text each of them stands. Every
 * problem is found in one pass: what is wrong is reported, cut out, and the rest is read as if it had not
 * been there, so that the rules between keys can still be checked.
 *
 * The `yaml` package and not Bun.YAML, because its nodes carry line and column. This module and what it
 * imports is loaded only when there is a file.
 */
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { type FileValues, fileSchema } from "./fileSchema.ts";
import { nearestName } from "./nearestName.ts";
import { type ConfigProblem, formatKeyPath, type KeyPath, malformed } from "./problem.ts";
import { settingKeys } from "./settings.ts";

export interface FileContent {
  readonly path: string;
  readonly values: FileValues;
  /** Line of the key, from 1; null when it cannot be told. */
  readonly lineOf: (keyPath: KeyPath) => number | null;
  /** Whether the file says anything at this key, be it acceptable or not. */
  readonly states: (keyPath: KeyPath) => boolean;
  readonly statesMapping: (keyPath: KeyPath) => boolean;
  readonly problem: (keyPath: KeyPath, value: unknown, accepted: string, hint?: string) => ConfigProblem;
  readonly problems: readonly ConfigProblem[];
}

export function parseFile(path: string, text: string): FileContent {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const positionOf = (keyPath: KeyPath) => {
    const offset = offsetOf(document, keyPath);
    return offset === null ? null : lines.linePos(offset);
  };
  const problem = (keyPath: KeyPath, value: unknown, accepted: string, hint = ""): ConfigProblem => {
    const position = positionOf(keyPath);
    const place = position === null ? path : `${path}:${position.line}:${position.col}`;
    return malformed(
      keyPath.length === 0 ? place : `${place} ${formatKeyPath(keyPath)}`,
      value,
      accepted,
      hint,
    );
  };
  const content = {
    path,
    lineOf: (keyPath: KeyPath) => positionOf(keyPath)?.line ?? null,
    problem,
  };
  const syntax = [...document.errors, ...document.warnings].map((error): ConfigProblem => {
    const { line, col } = lines.linePos(error.pos[0]);
    const source = `${path}:${line}:${col}`;
    const words = error.message.replace(/\s+/g, " ");
    return { source, value: null, accepted: "YAML 1.2", message: `${source}: not valid YAML: ${words}` };
  });
  if (text.includes("\uFFFD")) syntax.push(problem([], null, "text in UTF-8"));
  const unread = { ...content, states: () => false, statesMapping: () => false, values: {} };
  if (syntax.length > 0) return { ...unread, problems: syntax };
  const raw = plainValue(document);
  if (raw instanceof Error) return { ...unread, problems: [problem([], raw.message, "YAML 1.2")] };
  const asWritten = structuredClone(raw);
  const states = (keyPath: KeyPath) => valueAt(asWritten, keyPath) !== undefined;
  const statesMapping = (keyPath: KeyPath) => {
    const value = valueAt(asWritten, keyPath);
    return isRecord(value) && !Array.isArray(value);
  };
  return { ...content, states, statesMapping, ...checkValues(raw ?? {}, problem) };
}

/** Aliases that unfold without end show only here; `yaml` throws a ReferenceError for them. */
function plainValue(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    if (error instanceof ReferenceError) return error;
    throw error;
  }
}

function checkValues(
  raw: unknown,
  problem: FileContent["problem"],
): { readonly values: FileValues; readonly problems: readonly ConfigProblem[] } {
  const first = fileSchema.safeParse(raw);
  if (first.success) return { values: first.data, problems: [] };
  const problems = first.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => unknownKey(issue.path, key, problem))
      : [problem(issue.path, valueAt(raw, issue.path), issue.message)],
  );
  // From the last to the first, because cutting an item out of a list moves those behind it.
  for (const issue of first.error.issues.toReversed()) {
    const keys =
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    for (const key of keys) cutOut(raw, key);
  }
  const rest = fileSchema.safeParse(raw);
  return { values: rest.success ? rest.data : {}, problems };
}

function unknownKey(parent: KeyPath, key: string, problem: FileContent["problem"]): ConfigProblem {
  const known = knownKeys(parent);
  const nearest = nearestName(key, known);
  const isSetting = Object.values(settingKeys).some((setting) => setting.split(".")[0] === key);
  const elsewhere =
    parent.length === 0 && isSetting ? "it belongs under defaults or in an entry of databases" : "";
  const { source, accepted } = problem([...parent, key], null, known.join(", "));
  const hint = nearest === null ? elsewhere : `did you mean ${nearest}?`;
  return {
    source,
    value: null,
    accepted,
    message: `${source}: unknown key${hint === "" ? "" : `; ${hint}`}`,
  };
}

/** The keys that the schema has at a place of the file. */
function knownKeys(keyPath: KeyPath): readonly string[] {
  let schema: unknown = fileSchema;
  const unwrap = () => {
    while (schema instanceof z.ZodOptional) schema = schema.unwrap();
  };
  for (const key of keyPath) {
    unwrap();
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(key)];
  }
  unwrap();
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function valueAt(raw: unknown, keyPath: KeyPath): unknown {
  return keyPath.reduce<unknown>((value, key) => (isRecord(value) ? value[String(key)] : undefined), raw);
}

/** Entries of lists leave an empty one behind, so that the others keep their places. */
function cutOut(raw: unknown, keyPath: KeyPath): void {
  const parent = valueAt(raw, keyPath.slice(0, -1));
  const key = keyPath.at(-1);
  if (!isRecord(parent) || key === undefined) return;
  if (Array.isArray(parent) && keyPath[0] === "databases") parent[Number(key)] = {};
  else if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[String(key)];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Where the key stands (for an entry of a list: the entry), or the innermost place that there is. */
function offsetOf(document: Document, keyPath: KeyPath): number | null {
  let node: unknown = document.contents;
  let offset: number | null = null;
  for (const key of keyPath) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offset;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}
