/**
 * One sql worker as the supervisor sees it: it says hello, runs one request at a time, and ends once, for one
 * reason. Deadlines are kept here, by SIGKILL: bun:sqlite cannot be interrupted otherwise.
 *
 * Invariants: the first reason to end is the reason. Whoever waits for a worker that was killed learns of it
 * when the process is gone, so that no lock of its own is mistaken for somebody's; a process that cannot even
 * be killed (uninterruptible sleep on a hung disk) is given up on after `killGraceMs`.
 */
import type { Operation, Target } from "../domain/operation.ts";
import { type ChildEnd, startChild } from "./childProcess.ts";
import type { Hello } from "./message.ts";
import { type AnyOutcome, parseHello, parseRequestMessage } from "./protocol.ts";

const helloDeadlineMs = 10_000;
const killGraceMs = 2_000;
/** setTimeout takes a longer delay for none at all. */
const timerMsMax = 2 ** 31 - 1;

export interface ClientEnd {
  /** released: it was told that there is no more work. */
  readonly reason: "released" | "deadline" | "crash" | "protocol" | "spawn" | "stopped";
  readonly message: string;
}

export interface Limits {
  readonly deadlineMs: number;
  /** From lockAcquired to lockReleased. */
  readonly holdDeadlineMs: number | undefined;
}

export interface WorkerClient {
  readonly pid: number;
  /** Null: it ended before it said hello. */
  readonly ready: Promise<Hello | null>;
  /** Null: it ended before it answered. Only after `ready`, and one at a time. */
  readonly run: (operation: Operation, target: Target, limits: Limits) => Promise<AnyOutcome | null>;
  readonly release: () => void;
  readonly kill: (end: ClientEnd) => void;
  readonly ended: Promise<ClientEnd>;
  /** The process no longer exists. */
  readonly reaped: Promise<void>;
}

interface Running {
  readonly id: number;
  readonly operation: Operation;
  readonly limits: Limits;
  readonly resolve: (outcome: AnyOutcome | null) => void;
  readonly deadline: Timer;
  holdDeadline: Timer | undefined;
}

type Timer = ReturnType<typeof setTimeout>;

export type ClientStart =
  | { readonly ok: true; readonly client: WorkerClient }
  | { readonly ok: false; readonly message: string };

export function startClient(command: readonly string[], environment: Record<string, string>): ClientStart {
  const ready = Promise.withResolvers<Hello | null>();
  const ended = Promise.withResolvers<ClientEnd>();
  let greeted = false;
  let running: Running | null = null;
  let requestCount = 0;
  let verdict: ClientEnd | null = null;
  let hasEnded = false;

  const settle = (outcome: AnyOutcome | null) => {
    if (running === null) return;
    const { resolve, deadline, holdDeadline } = running;
    clearTimeout(deadline);
    clearTimeout(holdDeadline);
    running = null;
    resolve(outcome);
  };
  const conclude = (end: ClientEnd) => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(helloDeadline);
    ready.resolve(null);
    ended.resolve(end);
    settle(null);
  };

  const onLine = (line: string) => {
    if (verdict !== null && verdict.reason !== "released") return;
    if (!greeted) {
      const hello = parseHello(line);
      if (hello.kind === "invalid") return kill(protocolEnd(hello.reason));
      greeted = true;
      clearTimeout(helloDeadline);
      return ready.resolve(hello.value);
    }
    if (running === null) return kill(protocolEnd("a line that nothing asked for"));
    const message = parseRequestMessage(line, { id: running.id, kind: running.operation.kind });
    if (message.kind === "invalid") return kill(protocolEnd(message.reason));
    clearTimeout(running.holdDeadline);
    if (message.value.kind === "outcome") return settle(message.value.outcome);
    if (message.value.kind === "lockAcquired") running.holdDeadline = holdTimer(running);
  };
  const holdTimer = ({ operation, limits }: Running) => {
    const { holdDeadlineMs } = limits;
    if (holdDeadlineMs === undefined) return undefined;
    const message = `${operation.kind} kept writers out for more than ${holdDeadlineMs} ms`;
    return after(holdDeadlineMs, () => kill({ reason: "deadline", message }));
  };

  const start = startChild(command, environment, onLine);
  if (!start.ok) return start;
  const { child } = start;
  const kill = (end: ClientEnd) => {
    if (hasEnded || (verdict !== null && verdict.reason !== "released")) return;
    verdict = end;
    child.kill();
    after(killGraceMs, () =>
      conclude({ ...end, message: `${end.message}; the process does not die` }),
    ).unref();
  };
  const helloDeadline = after(helloDeadlineMs, () =>
    kill({ reason: "spawn", message: `no hello from the sql worker within ${helloDeadlineMs} ms` }),
  );
  const reaped = child.ended.then((end) => conclude(endOf(verdict, end)));

  const client: WorkerClient = {
    pid: child.pid,
    ready: ready.promise,
    ended: ended.promise,
    reaped,
    kill,
    release: () => {
      verdict ??= { reason: "released", message: "" };
      child.closeInput();
      after(killGraceMs, () => kill({ reason: "stopped", message: "did not end with its input" })).unref();
    },
    run: (operation, target, limits) => {
      if (running !== null || !greeted)
        throw new Error("a sql worker takes one request at a time, after hello");
      const { promise, resolve } = Promise.withResolvers<AnyOutcome | null>();
      if (hasEnded) {
        resolve(null);
        return promise;
      }
      requestCount += 1;
      const message = `${operation.kind} did not end within ${limits.deadlineMs} ms`;
      const deadline = after(limits.deadlineMs, () => kill({ reason: "deadline", message }));
      running = { id: requestCount, operation, limits, resolve, deadline, holdDeadline: undefined };
      child.writeLine(JSON.stringify({ id: requestCount, target, operation }));
      return promise;
    },
  };
  return { ok: true, client };
}

function after(delayMs: number, call: () => void): Timer {
  return setTimeout(call, Math.min(delayMs, timerMsMax));
}

function protocolEnd(reason: string): ClientEnd {
  return { reason: "protocol", message: `the sql worker sent ${reason}` };
}

/** The first reason stands; an end that nobody asked for is a crash, whatever its exit code. */
function endOf(verdict: ClientEnd | null, end: ChildEnd): ClientEnd {
  if (verdict !== null) return verdict;
  const words = end.stderr === "" ? "" : `; its last words: ${end.stderr}`;
  return { reason: "crash", message: `the sql worker ended by ${end.how}${words}` };
}
