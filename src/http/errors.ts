/**
 * Errors of the HTTP interface: always JSON, `{ error, message }`, never a stack. What was not expected is
 * logged with its stack and answered as 500 with nothing of it.
 */
import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../report/log.ts";
import { logPhrases } from "../report/logPhrases.ts";

export function sendError(reply: FastifyReply, statusCode: number, message: string): FastifyReply {
  return reply
    .code(statusCode)
    .type("application/json; charset=utf-8")
    .send({ error: STATUS_CODES[statusCode] ?? "Error", message });
}

/** For errors that come with a request: a thrown one, or one of fastify's own. */
export function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger | null,
): FastifyReply {
  const statusCode = error.statusCode ?? 500;
  if (statusCode >= 400 && statusCode < 500) return sendError(reply, statusCode, error.message);
  logger?.log("error", logPhrases.requestFailed, {
    method: request.method,
    route: request.routeOptions.url ?? null,
    stack: error.stack ?? String(error),
  });
  return sendError(reply, 500, "The daemon failed to answer this request; its log says why.");
}

export function answerErrorsAsJson(app: FastifyInstance, logger: Logger | null): void {
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, logger));
  app.setNotFoundHandler((_request, reply) =>
    sendError(reply, 404, "There is nothing at this path; GET / lists what there is."),
  );
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** A path that exists answers other methods with 405 and the methods it has. */
export function refuseOtherMethods(
  app: FastifyInstance,
  url: string,
  allowed: readonly (typeof methods)[number][],
): void {
  app.route({
    method: methods.filter((method) => !allowed.includes(method)),
    url,
    handler: (request, reply) =>
      sendError(
        reply.header("allow", allowed.join(", ")),
        405,
        `${request.method} is not possible here; allowed: ${allowed.join(", ")}.`,
      ),
  });
}
