/** `walwarden announce-restore NAME`: what changes the file within the next hour is a restore, and no loss. */

import { exitCodes } from "../domain/exitCodes.ts";
import { printable } from "../report/printable.ts";
import { isRestoreAnnouncement, reportRefusal } from "./answers.ts";
import { askDaemon } from "./daemonClient.ts";
import type { ClientOptions } from "./endpoints.ts";
import type { Io } from "./io.ts";

export async function runAnnounceRestore(name: string, options: ClientOptions, io: Io): Promise<number> {
  const path = `/api/v1/databases/${encodeURIComponent(name)}/announce-restore`;
  const answer = await askDaemon({ method: "POST", path }, options, io);
  if (answer.kind === "failed") return answer.exitCode;
  const { statusCode, body } = answer;
  if (statusCode !== 200 || !isRestoreAnnouncement(body)) return reportRefusal(statusCode, body, io);
  const text = `${printable(name)}: what changes the file until ${body.windowEndsAt} is taken for the restore; stop the application, move -wal and -shm away, then restore\n`;
  io.stdout(options.json ? `${JSON.stringify(body, null, 2)}\n` : text);
  return exitCodes.ok;
}
