import { expect, test } from "bun:test";
import type { CheckPart } from "../../../src/domain/integrityCheck.ts";
import type { Operation } from "../../../src/domain/operation.ts";
import { workerEnvironment } from "../../../src/worker/environment.ts";
import { parseHello, parseRequestMessage } from "../../../src/worker/protocol.ts";
import { parseRequest } from "../../../src/worker/request.ts";

const profile = { journalMode: "WAL", synchronous: "EXTRA", busyTimeoutMs: 0, foreignKeys: true } as const;
const index = { name: "i", unique: true, columns: [{ name: "a", collation: "NOCASE" }] } as const;
const rows = {
  kind: "rows",
  table: "t",
  rowidName: "oid",
  indexes: [index],
  fromRowid: "-1",
  toRowid: "9",
} as const;
const parts: readonly CheckPart[] = [
  { kind: "whole" },
  { kind: "structure" },
  { kind: "tables", tables: ["t"] },
  rows,
  { kind: "unique", table: "t", index },
  { kind: "constraints", tables: ["t"] },
  { kind: "foreignKeys", tables: ["t"] },
];
const check = {
  kind: "integrityCheck",
  profile,
  check: "quick_check",
  findingsMax: 3,
  memoryMapped: true,
} as const;
const operations: readonly Operation[] = [
  { kind: "create", profile },
  { kind: "applyProfile", profile, setJournalMode: true },
  { kind: "passiveCheckpoint", profile },
  {
    kind: "lockedCheckpoint",
    profile,
    acquireBudgetMs: 1,
    holdBudgetMs: 2,
    completeWithinMs: 1,
    drainReaders: true,
    mountDevice: null,
  },
  { kind: "truncateCheckpoint", profile, holdBudgetMs: 1, aloneOnDevice: null, keeperPid: null },
  { kind: "planCheck", profile, rowsFromPages: 1 },
  ...parts.map((part) => ({ ...check, part })),
];
const target = { path: "/a b?#.db", identity: null };

test("every operation of the domain is a request that the worker accepts as it was sent", () => {
  for (const operation of operations) {
    const request = { id: 1, target, operation };
    expect(parseRequest(JSON.stringify(request))).toEqual(request);
  }
});

test("a request with a field missing, or of the wrong type, ends the worker", () => {
  for (const operation of operations) {
    for (const name of Object.keys(operation)) {
      const { [name]: _left, ...rest } = { ...operation } as Record<string, unknown>;
      expect(() => parseRequest(JSON.stringify({ id: 1, target, operation: rest }))).toThrow(name);
      const wrong = { ...operation, [name]: [] };
      expect(() => parseRequest(JSON.stringify({ id: 1, target, operation: wrong }))).toThrow();
    }
  }
  const injected = { ...profile, synchronous: "OFF; DROP TABLE t" };
  const operation = { kind: "passiveCheckpoint", profile: injected };
  expect(() => parseRequest(JSON.stringify({ id: 1, target, operation }))).toThrow("synchronous");
});

test("a part of a check that would put other words into a statement ends the worker", () => {
  const foreign = { ...index, columns: [{ name: "a", collation: "x; DROP TABLE t" }] };
  for (const part of [
    { kind: "everything" },
    { kind: "tables" },
    { kind: "unique", table: "t", index: foreign },
    { ...rows, indexes: [foreign] },
    { ...rows, rowidName: "1; DROP TABLE t" },
  ]) {
    const operation = { ...check, part };
    expect(() => parseRequest(JSON.stringify({ id: 1, target, operation }))).toThrow();
  }
});

test("what a worker says is believed only if it fits the request that runs", () => {
  const running = { id: 4, kind: "passiveCheckpoint" } as const;
  const result = { busy: false, logFrameCount: 3, checkpointedFrameCount: 3, durationMs: 0.5 };
  const parse = (message: object) => parseRequestMessage(JSON.stringify(message), running);
  expect(parse({ id: 4, outcome: { ok: true, ...result } })).toEqual({
    kind: "valid",
    value: { kind: "outcome", outcome: { ok: true, ...result } },
  });
  expect(parse({ id: 4, event: "lockAcquired" }).kind).toBe("valid");
  expect(parse({ id: 4, event: "lockReleased", heldMs: 1 }).kind).toBe("valid");
  expect(parse({ id: 3, outcome: { ok: true, ...result } })).toMatchObject({ kind: "invalid" });
  expect(parse({ id: 4, outcome: { ok: true, ...result, busy: "no" } })).toMatchObject({ kind: "invalid" });
  expect(parse({ id: 4, outcome: { ok: false, reason: "whim" } })).toMatchObject({ kind: "invalid" });
  expect(parse({ id: 4, event: "coffee" })).toMatchObject({ kind: "invalid" });
  expect(parseRequestMessage('{"id":4,"outc', running)).toMatchObject({ kind: "invalid" });
  expect(parseRequestMessage("null", running)).toMatchObject({ kind: "invalid" });
  expect(parseHello('{"hello":true}')).toMatchObject({ kind: "invalid" });
});

test("a worker inherits neither the service manager's sockets nor secrets", () => {
  const environment = {
    PATH: "/bin",
    NOTIFY_SOCKET: "/run/n",
    WATCHDOG_USEC: "1",
    LISTEN_FDS: "1",
    WALWARDEN_TOKEN: "s",
    TZ: undefined,
  };
  expect(workerEnvironment(environment)).toEqual({ PATH: "/bin" });
});
