/**
 * One HTTP request without a body, over TCP or a Unix socket, answered in JSON. node:http and not fetch:
 * Bun's fetch sends loopback requests to HTTP_PROXY too, bearer token included (measured with 1.4.5).
 */
import { type IncomingMessage, request } from "node:http";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Where to connect. */
  readonly address: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  readonly path: string;
  readonly token: string | null;
  /** Silence for longer than this is a failure; 0 waits for ever. */
  readonly silenceMaxMs: number;
}

export type HttpResult =
  | { readonly ok: true; readonly statusCode: number; readonly text: string }
  /** `connected` false: nothing answers there, so nothing was asked either. */
  | {
      readonly ok: false;
      readonly connected: boolean;
      readonly code: string | null;
      readonly message: string;
    };

/** Larger answers are not the daemon's: a thousand databases take about two million bytes. */
const answerBytesMax = 64 * 1024 * 1024;

export function sendRequest(options: HttpRequest): Promise<HttpResult> {
  return new Promise((resolve) => {
    let connected = false;
    const fail = (error: Error): void => {
      const code = "code" in error && typeof error.code === "string" ? error.code : null;
      resolve({ ok: false, connected, code, message: error.message });
    };
    const authorization = options.token === null ? {} : { authorization: `Bearer ${options.token}` };
    const outgoing = request({
      ...options.address,
      method: options.method,
      path: options.path,
      timeout: options.silenceMaxMs,
      agent: false,
      headers: { accept: "application/json", ...authorization },
    });
    outgoing.on("socket", (socket) => {
      socket.on("connect", () => {
        connected = true;
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${options.silenceMaxMs} ms`)));
    outgoing.on("error", fail);
    outgoing.on("response", (response) => {
      readText(response).then(
        (text) => resolve({ ok: true, statusCode: response.statusCode ?? 0, text }),
        fail,
      );
    });
    outgoing.end();
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let answerBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    answerBytes += chunk.length;
    if (answerBytes > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
