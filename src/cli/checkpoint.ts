/** `walwarden checkpoint NAME`: a checkpoint now. Exit status 1: not everything is in the database. */

import { exitCodes } from "../domain/exitCodes.ts";
import { printable } from "../report/printable.ts";
import type { CheckpointStatusJson } from "../report/statusJson.ts";
import { isCheckpointStatus, reportRefusal } from "./answers.ts";
import { askDaemon } from "./daemonClient.ts";
import type { ClientOptions } from "./endpoints.ts";
import type { Io } from "./io.ts";
import { processInWords } from "./walText.ts";

export async function runCheckpoint(name: string, options: ClientOptions, io: Io): Promise<number> {
  const path = `/api/v1/databases/${encodeURIComponent(name)}/checkpoint`;
  const answer = await askDaemon({ method: "POST", path }, options, io);
  if (answer.kind === "failed") return answer.exitCode;
  const { statusCode, body } = answer;
  if (statusCode !== 200 || !isCheckpointStatus(body)) return reportRefusal(statusCode, body, io);
  io.stdout(options.json ? `${JSON.stringify(body, null, 2)}\n` : renderCheckpoint(name, body));
  const complete = ["reset", "truncated", "complete"].includes(body.outcome);
  return complete ? exitCodes.ok : exitCodes.no;
}

function renderCheckpoint(name: string, status: CheckpointStatusJson): string {
  const reason = status.reason === "" ? "" : `: ${printable(status.reason)}`;
  const durations = `${status.durationMs.toFixed(1)} ms, writers kept out ${status.heldMs.toFixed(1)} ms`;
  const holders = status.holders.map((holder) => `  ${printable(processInWords(holder))} holds it back\n`);
  return `${printable(name)}: checkpoint ${status.outcome}${reason} (${durations})\n${holders.join("")}`;
}
