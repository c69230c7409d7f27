/**
 * The worker's own look at a request, by hand because zod would triple its start. Requests come from the same
 * program: one that does not fit is a programmer error and throws, which ends the worker.
 */
import type { OperationKind } from "../domain/operation.ts";
import type { Request } from "./message.ts";

type FieldType = "number" | "boolean" | "string" | "object" | "string or null";

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
    drainReaders: "boolean",
    mountDevice: "string or null",
  },
  truncateCheckpoint: { holdBudgetMs: "number", aloneOnDevice: "string or null" },
  guardedTruncate: {
    holdBudgetMs: "number",
    acquireBudgetMs: "number",
    settleMs: "number",
    mountDevice: "string",
  },
  integrityCheck: { check: "string", findingsMax: "number" },
};

/** Words that end up in SQL. */
const words: Readonly<Record<string, readonly string[]>> = {
  journalMode: ["WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF"],
  synchronous: ["OFF", "NORMAL", "FULL", "EXTRA"],
  check: ["quick_check", "integrity_check"],
};

export function parseRequest(line: string): Request {
  const request: unknown = JSON.parse(line);
  requireFields(request, { id: "number", target: "object", operation: "object" }, "request");
  requireFields(request.target, { path: "string", identity: "string or null" }, "target");
  requireFields(request.operation, { kind: "string", profile: "object" }, "operation");
  requireFields(request.operation.profile, profileFields, "profile");
  const { kind } = request.operation;
  if (typeof kind !== "string" || !isKind(kind)) throw new Error(`operation.kind is ${JSON.stringify(kind)}`);
  requireFields(request.operation, operationFields[kind], kind);
  return request as unknown as Request;
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
  if (typeof field !== type || field === null) return false;
  if (typeof field === "number") return Number.isFinite(field) && field >= 0;
  const accepted = words[name];
  return accepted === undefined || (typeof field === "string" && accepted.includes(field));
}
