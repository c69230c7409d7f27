/**
 * One request of a command to the running daemon. Every way to fail is printed here, with what was tried
 * and what to do, and becomes an exit status; the command sees only answers.
 *
 * Invariant: nothing is asked twice. The next address is tried only when nothing answered at the one before.
 */
import { readFileSync } from "node:fs";
import { formatListen } from "../config/parseListen.ts";
import { exitCodes } from "../domain/exitCodes.ts";
import { type ClientOptions, type Endpoint, findEndpoints } from "./endpoints.ts";
import { type HttpResult, sendRequest } from "./httpRequest.ts";
import type { Io } from "./io.ts";

export interface DaemonRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
}

export type DaemonAnswer =
  | { readonly kind: "answer"; readonly statusCode: number; readonly body: unknown }
  /** Said on stderr; the command ends with this. */
  | { readonly kind: "failed"; readonly exitCode: number };

/** The daemon answers in milliseconds; what takes longer is stopped, or is not the daemon. */
const answerDeadlineMs = 5_000;

export async function askDaemon(
  request: DaemonRequest,
  options: ClientOptions,
  io: Io,
): Promise<DaemonAnswer> {
  const found = findEndpoints(options, io);
  if (!found.ok) {
    for (const problem of found.problems) io.stderr(`walwarden: ${problem}\n`);
    return { kind: "failed", exitCode: found.cause === "usage" ? exitCodes.usage : exitCodes.config };
  }
  const tried: string[] = [];
  for (const endpoint of found.endpoints) {
    const result = await ask(endpoint, request);
    const at = describeAddress(endpoint);
    if (result.ok) {
      const body = parseJson(result.text);
      if (body !== undefined) return { kind: "answer", statusCode: result.statusCode, body };
      tried.push(`${at}: something answers there, but it is not walwarden`);
      break;
    }
    tried.push(`${at}: ${describeFailure(result)}`);
    if (result.connected) break;
  }
  io.stderr(unreachable(tried));
  return { kind: "failed", exitCode: exitCodes.unavailable };
}

async function ask(endpoint: Endpoint, request: DaemonRequest): Promise<HttpResult> {
  const acting = request.method === "POST";
  const token = acting && endpoint.tokenFile !== null ? readToken(endpoint.tokenFile) : null;
  if (token !== null && typeof token !== "string") return token;
  return sendRequest({
    ...request,
    address: endpoint.address,
    token,
    // Acting takes as long as it takes; a daemon that dies closes the connection.
    silenceMaxMs: acting ? 0 : answerDeadlineMs,
  });
}

function readToken(tokenFile: string): string | (HttpResult & { readonly ok: false }) {
  try {
    return readFileSync(tokenFile, "utf8").trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, connected: false, code: null, message: `token file ${tokenFile}: ${reason}` };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Something else that speaks HTTP: the result is that there is no answer.
    return undefined;
  }
}

function describeAddress({ address }: Endpoint): string {
  return "socketPath" in address ? address.socketPath : formatListen(address);
}

const codesInWords: Readonly<Record<string, string>> = {
  ENOENT: "no such socket",
  ECONNREFUSED: "nothing listens there",
  EACCES: "permission denied; run this as the daemon's user",
};

function describeFailure(result: HttpResult & { readonly ok: false }): string {
  return codesInWords[result.code ?? ""] ?? result.message;
}

function unreachable(tried: readonly string[]): string {
  return [
    "walwarden: the daemon cannot be reached",
    ...tried.map((line) => `  ${line}`),
    "Is it running, and with the same configuration, environment and working",
    "directory as this command? --config FILE, --socket PATH and --url URL say where it is.",
    "",
  ].join("\n");
}
