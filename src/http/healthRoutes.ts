/**
 * Probes. The status code is the answer; the body says why. Liveness never depends on a database: a
 * monitor that is restarted because of what it watches is not there when it is needed most.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { withIsoTimes } from "../report/statusJson.ts";
import type { DaemonView } from "./daemonView.ts";
import { refuseOtherMethods } from "./errors.ts";
import { excludeChecks } from "./excluding.ts";
import { renderReadiness, unmatchedWarning } from "./verboseReadiness.ts";

const plainText = "text/plain; charset=utf-8";

export function addHealthRoutes(app: FastifyInstance, view: DaemonView): void {
  for (const url of ["/health/live", "/livez"]) {
    addProbe(app, url, (_request, reply) => reply.send({ status: "live" }));
  }
  for (const url of ["/health/ready", "/readyz"]) {
    addProbe(app, url, (request, reply) => answerReadiness(view, request, reply));
  }
  for (const url of ["/health/startup", "/startupz"]) {
    addProbe(app, url, (_request, reply) => answerStartup(view, reply));
  }
}

function addProbe(
  app: FastifyInstance,
  url: string,
  handler: (request: FastifyRequest, reply: FastifyReply) => FastifyReply,
): void {
  app.get(url, handler);
  refuseOtherMethods(app, url, ["GET", "HEAD"]);
}

function answerReadiness(view: DaemonView, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const exclusions = queryValues(request, "exclude").filter((name) => name !== "");
  const result = excludeChecks(view.readiness(), exclusions);
  const { readiness, unmatched } = result;
  reply.code(readiness.status === "not ready" ? 503 : 200);
  if (isVerbose(request)) return reply.type(plainText).send(renderReadiness(result));
  const { status, shuttingDown, databases } = readiness;
  return reply.send({
    status,
    shuttingDown,
    databases: withIsoTimes(databases),
    excluded: exclusions.filter((exclusion) => !unmatched.includes(exclusion)),
    warnings: unmatched.map(unmatchedWarning),
  });
}

function answerStartup(view: DaemonView, reply: FastifyReply): FastifyReply {
  const ended = view.startupEnded();
  return reply.code(ended ? 200 : 503).send({
    status: ended ? "started" : "starting",
    databases: view
      .databases()
      .map(({ name, startup }) => ({ database: name, startup: withIsoTimes(startup) })),
  });
}

/** `?verbose`, `?verbose=1` and `?verbose=true`. */
function isVerbose(request: FastifyRequest): boolean {
  return queryValues(request, "verbose").some((value) => value !== "0" && value !== "false");
}

export function queryValues(request: FastifyRequest, name: string): readonly string[] {
  const value = (request.query as Readonly<Record<string, string | string[] | undefined>>)[name];
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
