/** `walwarden status [NAME]`: what the running daemon knows. Exit status 1: not ready. */

import { exitCodes } from "../domain/exitCodes.ts";
import { isDatabaseList, isDatabaseStatus, reportRefusal } from "./answers.ts";
import { askDaemon } from "./daemonClient.ts";
import type { ClientOptions } from "./endpoints.ts";
import type { Io } from "./io.ts";
import { renderingFor } from "./rendering.ts";
import { renderDetails } from "./statusDetails.ts";
import { renderStatus } from "./statusTable.ts";

export async function runStatus(name: string | null, options: ClientOptions, io: Io): Promise<number> {
  const root = "/api/v1/databases";
  const path = name === null ? root : `${root}/${encodeURIComponent(name)}`;
  const answer = await askDaemon({ method: "GET", path }, options, io);
  if (answer.kind === "failed") return answer.exitCode;
  const { statusCode, body } = answer;
  const rendering = renderingFor(io, Date.now());
  if (statusCode === 200 && name === null && isDatabaseList(body)) {
    io.stdout(options.json ? toJson(body) : renderStatus(body, rendering));
    return body.status === "not ready" ? exitCodes.no : exitCodes.ok;
  }
  if (statusCode === 200 && name !== null && isDatabaseStatus(body)) {
    io.stdout(options.json ? toJson(body) : renderDetails(body, rendering));
    return body.readiness.ready ? exitCodes.ok : exitCodes.no;
  }
  return reportRefusal(statusCode, body, io);
}

function toJson(body: unknown): string {
  return `${JSON.stringify(body, null, 2)}\n`;
}
