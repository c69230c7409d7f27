/**
 * The HTTP interface as a fastify application that never listens: the daemon makes one for the Unix socket
 * (trusted) and one for TCP, and tests inject requests.
 *
 * Invariants: no request has a body; every error is JSON; nothing is cached; no request waits on a
 * database, except the two that ask for one.
 */
import { Readable } from "node:stream";
import fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "../report/log.ts";
import { isAllowedHost } from "./access.ts";
import type { DaemonView } from "./daemonView.ts";
import { addDatabaseRoutes } from "./databaseRoutes.ts";
import { endpointsText } from "./endpoints.ts";
import { answerError, answerErrorsAsJson, refuseOtherMethods, sendError } from "./errors.ts";
import { addHealthRoutes } from "./healthRoutes.ts";

export interface AppOptions {
  /** The app is served on the Unix socket: file permissions decided who may ask. */
  readonly trusted: boolean;
  /** Bearer token for acting over TCP; null: no acting over TCP. */
  readonly token: string | null;
  /** Host names without ports, beside loopback: the address listened on, and those configured. */
  readonly allowedHosts: readonly string[];
  readonly logger?: Logger;
}

/**
 * A connection that says nothing for this long is closed: also one that never completes its request, which
 * Bun does not end by requestTimeout or headersTimeout (measured with 1.4.5).
 */
const connectionTimeoutMs = 30_000;
/** Encoded names: a path of 4096 bytes, each as %XX. */
const nameLengthMax = 3 * 4096;

function withoutSchema(): never {
  throw new Error("a route has a schema, and nothing to compile it with");
}

export function createApp(view: DaemonView, options: AppOptions): FastifyInstance {
  const logger = options.logger ?? null;
  const app = fastify({
    // No route has a schema. Without these two fastify loads its compilers, a third of the daemon's start.
    schemaController: { compilersFactory: { buildValidator: withoutSchema, buildSerializer: withoutSchema } },
    bodyLimit: 1,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: connectionTimeoutMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: nameLengthMax },
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply, logger);
    },
  });
  app.removeAllContentTypeParsers();
  answerErrorsAsJson(app, logger);
  addGates(app, options);
  app.get("/", (_request, reply) => reply.type("text/plain; charset=utf-8").send(endpointsText()));
  refuseOtherMethods(app, "/", ["GET", "HEAD"]);
  app.get("/metrics", async (_request, reply) => {
    const pieces = await view.metricsText();
    return reply.type(view.metricsContentType).send(Readable.from(pieces, { objectMode: false }));
  });
  refuseOtherMethods(app, "/metrics", ["GET", "HEAD"]);
  addHealthRoutes(app, view);
  addDatabaseRoutes(app, view, options, closeSilentConnections(app));
  return app;
}

/** Returns the sockets to spare: an integrity check on demand may take longer than any other silence. */
function closeSilentConnections(app: FastifyInstance): WeakSet<object> {
  const acting = new WeakSet<object>();
  app.server.on("timeout", (socket) => {
    if (!acting.has(socket)) socket.destroy();
  });
  return acting;
}

/** What every request must pass before its route sees it. */
function addGates(app: FastifyInstance, options: AppOptions): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("cache-control", "no-store");
    reply.header("x-content-type-options", "nosniff");
    const { headers } = request;
    const length = headers["content-length"];
    if (headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0")) {
      // The body is not read, so the connection cannot be used again.
      return sendError(reply.header("connection", "close"), 413, "No request takes a body here.");
    }
    if (options.trusted || !isGuarded(request.url)) return;
    if (isAllowedHost(headers.host, options.allowedHosts)) return;
    return sendError(
      reply,
      403,
      `The host ${JSON.stringify(headers.host ?? "")} is not allowed; use localhost or the listening address, or add the name to the allowed hosts of the configuration.`,
    );
  });
}

/** Metrics and health answer to any name; everything else, unknown paths too, does not. */
function isGuarded(url: string): boolean {
  const path = url.split("?", 1)[0] ?? "";
  const open = ["/metrics", "/livez", "/readyz", "/startupz"];
  return !open.includes(path) && !path.startsWith("/health/");
}
