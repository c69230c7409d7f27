/** What a power cut would cost, for people. Pure. */
import type { DatabaseStatusJson } from "../report/statusJson.ts";
import { age, bytesInWords, duration } from "./statusText.ts";

type Exposure = DatabaseStatusJson["exposure"];

/** For a column of the table. */
export function exposureInBrief(exposure: Exposure): string {
  if (exposure.kind === "unobservable") return "unknown";
  if (exposure.since === null) return "none";
  return commits(exposure) ?? bytesInWords(exposure.unsyncedBytes);
}

export function exposureInFull(
  { exposure, exposureMaxMs }: Pick<DatabaseStatusJson, "exposure" | "exposureMaxMs">,
  nowMs: number,
): string {
  const bound =
    exposureMaxMs === 0 ? "nothing bounds it" : `synced after ${duration(Math.ceil(exposureMaxMs / 1000))}`;
  if (exposure.kind === "unobservable") return `unobservable: ${exposure.reason}`;
  if (exposure.since === null) return `none: every commit that the last look saw is on disk (${bound})`;
  const what = [commits(exposure), bytesInWords(exposure.unsyncedBytes)].filter(Boolean).join(", ");
  const where = exposure.inDatabase
    ? "; a checkpoint that did not sync has moved some into the database"
    : "";
  return `a power cut now can take ${what}, the oldest from ${age(exposure.since, nowMs)} (${bound})${where}`;
}

function commits({ unsyncedCommitCount }: Extract<Exposure, { readonly kind: "known" }>): string | null {
  if (unsyncedCommitCount === null) return null;
  return unsyncedCommitCount === 1 ? "1 commit" : `${unsyncedCommitCount} commits`;
}
