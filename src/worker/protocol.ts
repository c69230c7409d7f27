/**
 * The supervisor's side of the messages: every line of a worker is validated before anything believes it.
 * A worker that was killed in the middle of a line, or that runs another version, is a value here.
 */
import { z } from "zod";
import type { OperationKind, OperationResults } from "../domain/operation.ts";
import type { Failure, Outcome } from "../domain/outcome.ts";
import type { Hello } from "./message.ts";

const helloSchema = z.object({
  hello: z.literal(true),
  pid: z.int().positive(),
  sqliteVersion: z.string(),
  sourceId: z.string(),
}) satisfies z.ZodType<Hello>;

const durationMs = z.number().nonnegative();

const eventSchema = z.discriminatedUnion("event", [
  z.object({ id: z.int(), event: z.literal("lockAcquired") }),
  z.object({ id: z.int(), event: z.literal("lockReleased"), heldMs: durationMs }),
]);

const failureSchema = z.object({
  ok: z.literal(false),
  reason: z.enum(["sqlite", "identity"]),
  operation: z.string(),
  path: z.string(),
  code: z.string().nullable(),
  message: z.string(),
  retryable: z.boolean(),
}) satisfies z.ZodType<Failure>;

const profileSchema = z.object({
  journalModeBefore: z.string(),
  journalModeChanged: z.boolean(),
  pragmas: z.array(
    z.object({
      pragma: z.enum(["journal_mode", "synchronous", "busy_timeout", "foreign_keys"]),
      wanted: z.string(),
      actual: z.string(),
      holds: z.boolean(),
    }),
  ),
});

const frames = { logFrameCount: z.int(), checkpointedFrameCount: z.int() };

const resultSchemas: { readonly [Kind in OperationKind]: z.ZodType<OperationResults[Kind]> } = {
  create: profileSchema,
  applyProfile: profileSchema,
  passiveCheckpoint: z.object({ busy: z.boolean(), ...frames, durationMs }),
  lockedCheckpoint: z.object({
    acquired: z.boolean(),
    acquireMs: durationMs,
    heldMs: durationMs,
    complete: z.boolean(),
    reset: z.boolean(),
    completeMs: durationMs.nullable(),
    drainMs: durationMs.nullable(),
    ...frames,
    durationMs,
  }),
  truncateCheckpoint: z.object({ busy: z.boolean(), truncated: z.boolean(), heldMs: durationMs, durationMs }),
  guardedTruncate: z.object({
    busy: z.boolean(),
    truncated: z.boolean(),
    heldMs: durationMs,
    durationMs,
    leftComplete: z.boolean(),
    reason: z.string(),
  }),
  integrityCheck: z.object({
    messages: z.array(z.string()),
    truncated: z.boolean(),
    foreignKeyViolations: z.array(
      z.object({ table: z.string(), rowid: z.string().nullable(), parent: z.string() }),
    ),
    checkViolations: z.array(z.object({ table: z.string(), rowid: z.string().nullable() })),
    suspicious: z.boolean(),
    unchecked: z.array(z.string()),
    trees: z.array(
      z.object({
        rootPage: z.int(),
        name: z.string(),
        table: z.string(),
        kind: z.enum(["table", "index"]),
      }),
    ),
    error: z.object({ code: z.string().nullable(), message: z.string() }).nullable(),
    durationMs,
  }),
  planCheck: z.object({
    pageCount: z.int(),
    pageSizeBytes: z.int(),
    tables: z.array(
      z.object({
        name: z.string(),
        pageCount: z.number(),
        hasForeignKeys: z.boolean(),
        hasChecks: z.boolean(),
        rows: z
          .object({
            rowidMin: z.string(),
            rowidMax: z.string(),
            rowidName: z.string(),
            indexes: z.array(
              z.object({
                name: z.string(),
                unique: z.boolean(),
                columns: z.array(z.object({ name: z.string(), collation: z.string() })),
              }),
            ),
          })
          .nullable(),
      }),
    ),
    undivided: z.boolean(),
  }),
  keepOpen: z.object({ kept: z.boolean(), pid: z.int().positive() }),
  letGo: z.object({ wasKept: z.boolean() }),
};

const replySchema = z.object({ id: z.int(), outcome: z.looseObject({ ok: z.boolean() }) });

export type Validated<Value> =
  | { readonly kind: "valid"; readonly value: Value }
  | { readonly kind: "invalid"; readonly reason: string };

export type AnyOutcome = Outcome<OperationResults[OperationKind]>;

/** What a worker may say while it runs a request. */
export type RequestMessage =
  | { readonly kind: "lockAcquired" }
  | { readonly kind: "lockReleased" }
  | { readonly kind: "outcome"; readonly outcome: AnyOutcome };

const invalid = (reason: string) => ({ kind: "invalid", reason }) as const;

function parseJson(line: string): Validated<object> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { kind: "valid", value } : invalid("not an object");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return invalid(`not JSON: ${error.message}`);
  }
}

export function parseHello(line: string): Validated<Hello> {
  const json = parseJson(line);
  if (json.kind === "invalid") return json;
  const hello = helloSchema.safeParse(json.value);
  return hello.success ? { kind: "valid", value: hello.data } : invalid(z.prettifyError(hello.error));
}

/** @param running the request that the line must belong to. */
export function parseRequestMessage(
  line: string,
  running: { readonly id: number; readonly kind: OperationKind },
): Validated<RequestMessage> {
  const json = parseJson(line);
  if (json.kind === "invalid") return json;
  const message =
    "event" in json.value ? eventSchema.safeParse(json.value) : replySchema.safeParse(json.value);
  if (!message.success) return invalid(z.prettifyError(message.error));
  if (message.data.id !== running.id) return invalid(`about request ${message.data.id}, not ${running.id}`);
  if ("event" in message.data) return { kind: "valid", value: { kind: message.data.event } };
  return parseOutcome(message.data.outcome, running.kind);
}

function parseOutcome(raw: { ok: boolean }, kind: OperationKind): Validated<RequestMessage> {
  const result = raw.ok ? resultSchemas[kind].safeParse(raw) : failureSchema.safeParse(raw);
  if (!result.success) return invalid(z.prettifyError(result.error));
  const outcome: AnyOutcome = "ok" in result.data ? result.data : { ok: true, ...result.data };
  return { kind: "valid", value: { kind: "outcome", outcome } };
}
