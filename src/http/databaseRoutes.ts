/**
 * The databases as JSON, and acting on one now. A name is one path segment, percent-encoded, whatever is
 * in it. Acting waits for the end and answers with the result; what came of it is in the body, so a
 * checkpoint that failed is a 200 that says so.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { IntegrityStatus } from "../domain/status.ts";
import { withIsoTimes } from "../report/statusJson.ts";
import { type ActingRule, actingRefusal } from "./access.ts";
import type { ActResult, DaemonView } from "./daemonView.ts";
import { refuseOtherMethods, sendError } from "./errors.ts";
import { queryValues } from "./healthRoutes.ts";

const root = "/api/v1/databases";

export function addDatabaseRoutes(
  app: FastifyInstance,
  view: DaemonView,
  rule: ActingRule,
  acting: WeakSet<object>,
): void {
  app.get(root, (_request, reply) => {
    const { status, shuttingDown } = view.readiness();
    return reply.send({
      version: view.version,
      status,
      shuttingDown,
      databases: withIsoTimes(view.databases()),
    });
  });
  app.get(`${root}/:name`, (request, reply) => {
    const name = nameOf(request);
    const status = view.database(name);
    return status === null ? sendUnknown(reply, name) : reply.send(withIsoTimes(status));
  });
  addAct(app, rule, acting, "checkpoint", (request) => view.requestCheckpoint(nameOf(request)));
  addAct(app, rule, acting, "announce-restore", (request) => view.announceRestore(nameOf(request)));
  addAct(app, rule, acting, "integrity-check", (request) => {
    const check = checkOf(request);
    return check === null ? null : view.requestIntegrityCheck(nameOf(request), check);
  });
  refuseOtherMethods(app, root, ["GET", "HEAD"]);
  refuseOtherMethods(app, `${root}/:name`, ["GET", "HEAD"]);
}

/**
 * `act` answers null for a query it does not understand. While it runs, its socket is in `acting`: such a
 * connection may be silent for longer than others.
 */
function addAct<Value extends object>(
  app: FastifyInstance,
  rule: ActingRule,
  acting: WeakSet<object>,
  verb: string,
  act: (request: FastifyRequest) => Promise<ActResult<Value>> | null,
): void {
  const url = `${root}/:name/${verb}`;
  app.post(url, async (request, reply) => {
    const refusal = actingRefusal(rule, request.headers.authorization);
    if (refusal !== null) return sendError(reply, 403, refusal);
    const asked = act(request);
    if (asked === null) return sendError(reply, 400, "?check= is quick or full.");
    const { socket } = request.raw;
    acting.add(socket);
    const result = await asked.finally(() => acting.delete(socket));
    return sendResult(reply, result);
  });
  refuseOtherMethods(app, url, ["POST"]);
}

const failureCodes = { notFound: 404, refused: 409, stopping: 503 } as const;

function sendResult<Value extends object>(reply: FastifyReply, result: ActResult<Value>): FastifyReply {
  if (result.ok) return reply.send(withIsoTimes(result.value));
  return sendError(reply, failureCodes[result.reason], result.message);
}

function checkOf(request: FastifyRequest): IntegrityStatus["check"] | null {
  const [value = "quick", ...more] = queryValues(request, "check");
  if (more.length > 0) return null;
  if (value === "quick") return "quick_check";
  return value === "full" ? "integrity_check" : null;
}

function nameOf(request: FastifyRequest): string {
  return (request.params as { readonly name: string }).name;
}

function sendUnknown(reply: FastifyReply, name: string): FastifyReply {
  return sendError(reply, 404, `No database is called ${JSON.stringify(name)}; GET ${root} lists them.`);
}
