/** `walwarden integrity-check NAME [--full]`: a check now. Exit status 1: anything but a clean verdict. */

import { exitCodes } from "../domain/exitCodes.ts";
import { printable } from "../report/printable.ts";
import type { IntegrityStatusJson } from "../report/statusJson.ts";
import { isIntegrityStatus, reportRefusal } from "./answers.ts";
import { askDaemon } from "./daemonClient.ts";
import type { ClientOptions } from "./endpoints.ts";
import type { Io } from "./io.ts";

export async function runIntegrityCheck(
  name: string,
  full: boolean,
  options: ClientOptions,
  io: Io,
): Promise<number> {
  const path = `/api/v1/databases/${encodeURIComponent(name)}/integrity-check?check=${full ? "full" : "quick"}`;
  const answer = await askDaemon({ method: "POST", path }, options, io);
  if (answer.kind === "failed") return answer.exitCode;
  const { statusCode, body } = answer;
  if (statusCode !== 200 || !isIntegrityStatus(body)) return reportRefusal(statusCode, body, io);
  io.stdout(options.json ? `${JSON.stringify(body, null, 2)}\n` : renderCheck(name, body));
  return body.verdict === "ok" ? exitCodes.ok : exitCodes.no;
}

function renderCheck(name: string, status: IntegrityStatusJson): string {
  const head = `${printable(name)}: ${status.check} ${status.verdict} (${(status.durationMs / 1000).toFixed(2)} s)`;
  const findings = status.findings.map((finding) => `  ${printable(finding)}`);
  const more = status.findingsTruncated ? ["  and more"] : [];
  return `${[head, ...findings, ...more].join("\n")}\n`;
}
