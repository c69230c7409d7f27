/**
 * Where the daemon answers: TCP for probes and scrapes, a Unix socket for whoever may act. Both or neither:
 * a port that is taken ends the start before any database is touched.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { FastifyInstance } from "fastify";

export interface ServeOptions {
  readonly tcpApp: FastifyInstance;
  readonly socketApp: FastifyInstance;
  readonly host: string;
  readonly port: number;
  readonly socketPath: string | null;
}

export type Serving =
  | {
      readonly ok: true;
      /** address:port, with the port that was really given. */
      readonly listen: string;
      readonly close: () => Promise<void>;
    }
  | { readonly ok: false; readonly message: string };

/** Owner and group may connect: who may write to it may act. */
const socketPermissions = 0o660;

export async function serve(options: ServeOptions): Promise<Serving> {
  const { tcpApp, socketApp, host, port, socketPath } = options;
  try {
    await tcpApp.listen({ host, port });
  } catch (error) {
    return { ok: false, message: `cannot listen on ${formatAddress(host, port)}: ${explain(error)}` };
  }
  if (socketPath !== null) {
    const problem = await listenOnSocket(socketApp, socketPath);
    if (problem !== null) {
      await tcpApp.close();
      return { ok: false, message: problem };
    }
  }
  const bound = tcpApp.server.address();
  const boundPort = typeof bound === "object" && bound !== null ? bound.port : port;
  return {
    ok: true,
    listen: formatAddress(host, boundPort),
    close: async () => {
      await Promise.all([tcpApp.close(), socketApp.close()]);
      if (socketPath !== null) removeSocket(socketPath);
    },
  };
}

async function listenOnSocket(app: FastifyInstance, socketPath: string): Promise<string | null> {
  try {
    mkdirSync(dirname(socketPath), { recursive: true });
    const look = lstatSync(socketPath, { throwIfNoEntry: false });
    if (look !== undefined) {
      if (!look.isSocket()) return `cannot listen on ${socketPath}: something else than a socket is there`;
      if (await answers(socketPath)) return `cannot listen on ${socketPath}: another daemon answers there`;
      unlinkSync(socketPath);
    }
    await app.listen({ path: socketPath });
    chmodSync(socketPath, socketPermissions);
    return null;
  } catch (error) {
    return `cannot listen on ${socketPath}: ${explain(error)}`;
  }
}

/** A socket that a killed daemon left behind refuses; a living daemon accepts. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function removeSocket(socketPath: string): void {
  const look = lstatSync(socketPath, { throwIfNoEntry: false });
  if (look?.isSocket()) unlinkSync(socketPath);
}

function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  const code = "code" in error ? String(error.code) : "";
  if (code === "EADDRINUSE")
    return "the port is taken (EADDRINUSE); set WALWARDEN_LISTEN or stop the other process";
  return error.message;
}
