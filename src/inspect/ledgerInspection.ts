/**
 * What a daemon's ledger last noted of the database, and what a restart of that daemon would say by it now. The ledger
 * is only read; where a daemon is at work it may be some seconds old.
 */
import { join } from "node:path";
import type { LedgerEntry, RestartVerdict } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { readPrefix } from "../host/rawRead.ts";
import { lookAtRestart } from "../observe/restartLook.ts";
import { ledgerHeaderOf } from "../policy/ledgerEntry.ts";
import { parseLedger } from "../policy/ledgerFile.ts";
import { restartLineage } from "../policy/restartLineage.ts";
import { restartVerdict } from "../policy/restartVerdict.ts";
import type { DatabaseState } from "../policy/state.ts";
import { walStateOf } from "../policy/walState.ts";
import type { LedgerInspection } from "./inspection.ts";
import type { InspectHost } from "./looks.ts";

/** Far more than any fleet needs. */
const ledgerBytesMax = 256 * 1024 * 1024;

/** @param stateDirectory of the daemon */
export async function inspectLedger(
  host: InspectHost,
  stateDirectory: string,
  observation: Observation,
  state: DatabaseState,
): Promise<LedgerInspection> {
  const path = join(stateDirectory, "ledger.json");
  const read = readLedger(host.os, path);
  if (read.kind === "unreadable") return { ...nothingNoted, path, reason: read.reason };
  const entry = read.entries.find((one) => one.path === observation.resolvedPath) ?? null;
  if (entry === null) return { ...nothingNoted, path, reason: "it knows nothing of this database" };
  const { header } = observation;
  const { residueLook } = state;
  const wal = walStateOf(observation);
  const look = await lookAtRestart(host, {
    observation,
    header: header?.kind === "header" ? ledgerHeaderOf(header.header, entry) : null,
    noted: entry.wal,
    liveMxFrame: wal.kind === "known" ? wal.mxFrame : null,
    scan: residueLook?.wal.kind === "scanned" ? residueLook.wal.scan : null,
  });
  const verdict: RestartVerdict | null =
    look === null ? null : restartVerdict(entry, look, restartLineage(entry, look, observation, state));
  return {
    path,
    reason: verdict === null ? "the files changed while they were looked at" : "",
    writtenAtMs: entry.writtenAtMs,
    seenFrame: entry.wal?.seenFrame ?? null,
    provenFrame: entry.wal?.provenFrame ?? null,
    verdict,
  };
}

const nothingNoted = { writtenAtMs: null, seenFrame: null, provenFrame: null, verdict: null };

type LedgerRead =
  | { readonly kind: "ledger"; readonly entries: readonly LedgerEntry[] }
  | { readonly kind: "unreadable"; readonly reason: string };

function readLedger(os: Os, path: string): LedgerRead {
  const look = lookAtFile(os, path, { followLinks: false });
  if (look.kind === "absent") return { kind: "unreadable", reason: "there is none" };
  if (look.kind !== "regular")
    return {
      kind: "unreadable",
      reason: look.kind === "unreadable" ? `${look.operation}: ${look.code}` : "it is no regular file",
    };
  if (look.sizeBytes > ledgerBytesMax) return { kind: "unreadable", reason: "it is too large" };
  const read = readPrefix(os, path, look.identity, look.sizeBytes);
  if (read.kind === "changed")
    return { kind: "unreadable", reason: "it changed while it was read: ask again" };
  if (read.kind === "unreadable") return { kind: "unreadable", reason: `${read.operation}: ${read.code}` };
  return parseLedger(new TextDecoder().decode(read.bytes));
}
