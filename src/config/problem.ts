/**
 * What is wrong with the configuration, and where a value came from. Both are data: nothing here throws,
 * prints or exits, so that every problem can be reported at once.
 */
import { basename } from "node:path";

export interface ConfigProblem {
  /** A flag, a variable, or file:line:column and the key in it. */
  readonly source: string;
  /** As it was written; null when it is missing, or when showing it might show a secret. */
  readonly value: string | null;
  readonly accepted: string;
  /** The whole sentence, source and value included. One line. */
  readonly message: string;
}

export type ValueSource =
  | { readonly kind: "flag"; readonly flag: string }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "file"; readonly path: string; readonly key: string; readonly line: number | null }
  | { readonly kind: "default" };

/** Keys and list positions from the root of the file: ["databases", 1, "path"]. */
export type KeyPath = readonly PropertyKey[];

export function formatKeyPath(keyPath: KeyPath): string {
  const text = keyPath.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "");
}

export const defaultSource: ValueSource = Object.freeze({ kind: "default" });

/** A value as text on one line, short enough to be read; quoted, so that blanks at its ends show. */
function quoteValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 100 ? text : `${text.slice(0, 97)}...`;
}

/** The common case: a value that is not one of those accepted. */
export function malformed(source: string, value: unknown, accepted: string, hint = ""): ConfigProblem {
  const quoted = quoteValue(value);
  return {
    source,
    value: quoted,
    accepted,
    message: `${source}: ${quoted} is not accepted; accepted: ${accepted}${hint === "" ? "" : ` (${hint})`}`,
  };
}

/** Short, for tables: there is only one file, and its whole path is said once. */
export function describeSource(source: ValueSource): string {
  switch (source.kind) {
    case "flag":
      return `flag ${source.flag}`;
    case "environment":
      return `environment ${source.variable}`;
    case "file":
      return `file ${basename(source.path)}${source.line === null ? "" : `:${source.line}`}`;
    case "default":
      return "default";
  }
}

/** Where an operator has to go to change the value, as problems and warnings begin. */
export function placeOf(source: ValueSource): string {
  switch (source.kind) {
    case "flag":
      return source.flag;
    case "environment":
      return source.variable;
    case "file":
      return `${source.path}${source.line === null ? "" : `:${source.line}`} ${source.key}`;
    case "default":
      return "default";
  }
}
