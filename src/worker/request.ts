/**
 * The worker's own look at a request, by hand because zod would triple its start. Requests come from the same
 * program: one that does not fit is a programmer error and throws, which ends the worker.
 */
import type { CheckPart } from "../domain/integrityCheck.ts";
import type { OperationKind } from "../domain/operation.ts";
import type { Request } from "./message.ts";

type FieldType = "number" | "boolean" | "string" | "object" | "list" | "string or null" | "number or null";

const profileFields: Readonly<Record<string, FieldType>> = {
  journalMode: "string",
  synchronous: "string",
  busyTimeoutMs: "number",
  foreignKeys: "boolean",
};

const operationFields: Readonly<Record<OperationKind, Readonly<Record<string, FieldType>>>> = {
  create: {},
  applyProfile: { setJournalMode: "boolean" },
  passiveCheckpoint: {},
  lockedCheckpoint: {
    acquireBudgetMs: "number",
    holdBudgetMs: "number",
    completeWithinMs: "number",
    drainReaders: "boolean",
    mountDevice: "string or null",
  },
  truncateCheckpoint: {
    holdBudgetMs: "number",
    aloneOnDevice: "string or null",
    keeperPid: "number or null",
  },
  guardedTruncate: {
    holdBudgetMs: "number",
    acquireBudgetMs: "number",
    settleMs: "number",
    mountDevice: "string",
  },
  integrityCheck: { check: "string", findingsMax: "number", part: "object", memoryMapped: "boolean" },
  planCheck: { rowsFromPages: "number" },
  keepOpen: {},
  letGo: {},
};

/** Words that end up in SQL. */
const words: Readonly<Record<string, readonly string[]>> = {
  journalMode: ["WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF"],
  synchronous: ["OFF", "NORMAL", "FULL", "EXTRA"],
  check: ["quick_check", "integrity_check"],
  rowidName: ["rowid", "_rowid_", "oid"],
  collation: ["BINARY", "NOCASE", "RTRIM"],
};

const partFields: Readonly<Record<CheckPart["kind"], Readonly<Record<string, FieldType>>>> = {
  whole: {},
  structure: {},
  tables: { tables: "list" },
  rows: { table: "string", rowidName: "string", indexes: "list", fromRowid: "string", toRowid: "string" },
  unique: { table: "string", index: "object" },
  constraints: { tables: "list" },
  foreignKeys: { tables: "list" },
};
const indexFields = { name: "string", unique: "boolean", columns: "list" } as const;
const columnFields = { name: "string", collation: "string" } as const;

export function parseRequest(line: string): Request {
  const request: unknown = JSON.parse(line);
  requireFields(request, { id: "number", target: "object", operation: "object" }, "request");
  requireFields(request.target, { path: "string", identity: "string or null" }, "target");
  requireFields(request.operation, { kind: "string", profile: "object" }, "operation");
  requireFields(request.operation.profile, profileFields, "profile");
  const { kind } = request.operation;
  if (typeof kind !== "string" || !isKind(kind)) throw new Error(`operation.kind is ${JSON.stringify(kind)}`);
  requireFields(request.operation, operationFields[kind], kind);
  if (kind === "integrityCheck") requirePart(request.operation.part);
  return request as unknown as Request;
}

function requirePart(part: unknown): void {
  requireFields(part, { kind: "string" }, "part");
  const { kind } = part;
  if (typeof kind !== "string" || !isPartKind(kind)) throw new Error(`part.kind is ${JSON.stringify(kind)}`);
  requireFields(part, partFields[kind], "part");
  const indexes = kind === "rows" ? listOf(part.indexes) : kind === "unique" ? [part.index] : [];
  for (const index of indexes) {
    requireFields(index, indexFields, "index");
    for (const column of listOf(index.columns)) requireFields(column, columnFields, "column");
  }
}

function isPartKind(kind: string): kind is CheckPart["kind"] {
  return Object.hasOwn(partFields, kind);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isKind(kind: string): kind is OperationKind {
  return Object.hasOwn(operationFields, kind);
}

function requireFields(
  value: unknown,
  fields: Readonly<Record<string, FieldType>>,
  what: string,
): asserts value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Error(`${what} is ${JSON.stringify(value)}`);
  for (const [name, type] of Object.entries(fields)) {
    const field: unknown = Reflect.get(value, name);
    if (!fits(name, field, type))
      throw new Error(`${what}.${name} is ${JSON.stringify(field)}, expected ${type}`);
  }
}

function fits(name: string, field: unknown, type: FieldType): boolean {
  if (type === "string or null") return field === null || typeof field === "string";
  if (type === "number or null") return field === null || fits(name, field, "number");
  if (type === "list") return Array.isArray(field);
  if (typeof field !== type || field === null || Array.isArray(field)) return false;
  if (typeof field === "number") return Number.isFinite(field) && field >= 0;
  const accepted = words[name];
  return accepted === undefined || (typeof field === "string" && accepted.includes(field));
}
