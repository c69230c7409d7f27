/**
 * The sql worker: reads requests from stdin, runs them one after the other, answers on stdout, ends with its
 * input. It has no event loop of its own to speak of: everything in it is synchronous, as SQLite is.
 *
 * Invariants: it dies with its supervisor (PR_SET_PDEATHSIG comes before anything else, and whether the
 * parent is still the supervisor is checked after it); nothing but messages goes to stdout; a signal that a
 * terminal or a service manager sends to the whole group does not end it, because the supervisor decides
 * when: it ends by end of input or by SIGKILL.
 */
import { lowerPriority } from "../host/lowPriority.ts";
import { killWithParent } from "../host/parentDeath.ts";
import { readLines, writeLine } from "../host/standardStreams.ts";
import { KeptConnections } from "../sqlite/keptConnections.ts";
import { runOperation } from "../sqlite/runOperation.ts";
import { sqliteVersion } from "../sqlite/sqliteVersion.ts";
import { backgroundArgument, type WorkerMessage } from "./message.ts";
import { parseRequest } from "./request.ts";

const groupSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs until its input ends; then the process should exit with status 0. Throws for programmer errors, and
 * when it cannot be tied to its supervisor's life: an orphan that holds a lock is worse than no worker.
 *
 * @param args what follows `sql-worker` on the command line: the supervisor's process id, and whether it is for background
 *   work.
 */
export function runSqlWorker(args: readonly string[]): void {
  const supervisorPid = Number(args[0]);
  if (!Number.isInteger(supervisorPid) || supervisorPid < 1) {
    throw new Error(
      "sql-worker is started by walwarden run, with its process id; it is no command for people",
    );
  }
  const tied = killWithParent(supervisorPid);
  if (!tied.ok) throw new Error(`cannot tie the sql worker to its supervisor: ${tied.reason}`);
  if (args[1] === backgroundArgument) lowerPriority();
  for (const signal of groupSignals) process.on(signal, () => {});
  const { version, sourceId } = sqliteVersion();
  send({ hello: true, pid: process.pid, sqliteVersion: version, sourceId });
  const kept = new KeptConnections();
  for (const line of readLines()) serve(line, kept);
}

function serve(line: string, kept: KeptConnections): void {
  const { id, target, operation } = parseRequest(line);
  const events = {
    acquired: () => send({ id, event: "lockAcquired" }),
    released: (heldMs: number) => send({ id, event: "lockReleased", heldMs }),
  };
  const outcome = runOperation(operation, target, events, kept);
  send({ id, outcome });
}

function send(message: WorkerMessage): void {
  writeLine(message);
}
