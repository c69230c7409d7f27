/**
 * Where the running daemon listens: by the flags, else by the same configuration that the daemon reads.
 * The Unix socket comes first: it needs no token.
 */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { loadConfig } from "../config/load.ts";
import type { Io } from "./io.ts";

export interface ClientOptions {
  readonly config: string | null;
  readonly socket: string | null;
  readonly url: string | null;
  readonly json: boolean;
}

export interface Endpoint {
  readonly address: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** Holds the bearer token for acting; null over the Unix socket. */
  readonly tokenFile: string | null;
}

export type EndpointsResult =
  | { readonly ok: true; readonly endpoints: readonly Endpoint[] }
  /** `cause`: whether flags or configuration are wrong. */
  | { readonly ok: false; readonly cause: "usage" | "config"; readonly problems: readonly string[] };

export function findEndpoints(options: ClientOptions, io: Io): EndpointsResult {
  if (options.socket !== null && options.url !== null) {
    return { ok: false, cause: "usage", problems: ["--socket and --url exclude one another"] };
  }
  if (options.socket !== null) {
    return { ok: true, endpoints: [{ address: { socketPath: options.socket }, tokenFile: null }] };
  }
  const loaded = loadConfig({
    flags: { config: options.config ?? undefined },
    environment: io.environment,
    readFile: (path) => readFileSync(path, "utf8"),
    workingDirectory: io.workingDirectory,
  });
  // With --url and no --config the configuration could only add a token: problems in it do not matter.
  if (!loaded.ok && (options.url === null || options.config !== null)) {
    return { ok: false, cause: "config", problems: loaded.problems.map((problem) => problem.message) };
  }
  if (options.url !== null) return byUrl(options.url, loaded.ok ? loaded.config.tokenFile : null);
  assert(loaded.ok, "a configuration with problems was reported above");
  const { socketPath, listen, tokenFile } = loaded.config;
  const tcp = { address: { host: reachableHost(listen.host), port: listen.port }, tokenFile };
  return {
    ok: true,
    endpoints: socketPath === null ? [tcp] : [{ address: { socketPath }, tokenFile: null }, tcp],
  };
}

function byUrl(text: string, tokenFile: string | null): EndpointsResult {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== "http:" || url.pathname !== "/" || url.search !== "") {
    const problem = `--url: ${JSON.stringify(text)} is not accepted; accepted: http://HOST:PORT`;
    return { ok: false, cause: "usage", problems: [problem] };
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    ok: true,
    endpoints: [{ address: { host, port: url.port === "" ? 80 : Number(url.port) }, tokenFile }],
  };
}

/** A daemon that listens on every address is reached on loopback. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
