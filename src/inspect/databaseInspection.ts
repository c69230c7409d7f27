/**
 * Everything that can be told of one database from outside, at one moment: composed of the same looks and the same
 * decisions as the daemon's. No SQLite, no lock, no byte written: files are opened for reading, and only regular ones.
 */
import type { Observation } from "../domain/observation.ts";
import type { WalLineage } from "../domain/residueReport.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import type { WalVerdict } from "../domain/status.ts";
import type { Os } from "../host/os.ts";
import { SqliteTextScan } from "../host/sqliteTextScan.ts";
import { createObserver } from "../observe/observer.ts";
import { lookAtSqliteBuilds } from "../observe/sqliteVersions.ts";
import { replicatorStatus } from "../policy/replicator.ts";
import { describeResidue, residueOf } from "../policy/residue.ts";
import { describeFound } from "../policy/residueReport.ts";
import { lineageOf } from "../policy/residueScan.ts";
import { sqliteProcessOf } from "../policy/sqliteProcess.ts";
import type { DatabaseState } from "../policy/state.ts";
import { describePin } from "../policy/walPin.ts";
import { walHasFrames } from "../policy/walState.ts";
import { inspectExposure } from "./exposureInspection.ts";
import { describeFile, describeHeader, describeUnreadable } from "./fileInspection.ts";
import {
  changingHeader,
  type DatabaseInspection,
  type ResidueInspection,
  type WalInspection,
} from "./inspection.ts";
import { inspectJournal } from "./journalInspection.ts";
import { inspectLedger } from "./ledgerInspection.ts";
import { type InspectHost, isQuiet, lookAtOneRound } from "./looks.ts";
import { describeProcesses } from "./processInspection.ts";
import { remarksOn } from "./remarks.ts";
import { inspectWalIndex } from "./walInspection.ts";

export interface InspectionSettings {
  /** Of a daemon, for its ledger; null: none was named. */
  readonly stateDirectory: string | null;
  /** How long to watch; 0: one look. */
  readonly watchMs: number;
}

export type DatabaseInspected =
  | { readonly kind: "inspected"; readonly inspection: DatabaseInspection }
  /** It is no regular file that could be read any more. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * @param path absolute; links in it are resolved
 * @param askedPath what the inspection was asked for: the same, or a sidecar of it
 */
export async function inspectDatabase(
  host: InspectHost,
  path: string,
  askedPath: string,
  { stateDirectory, watchMs }: InspectionSettings,
): Promise<DatabaseInspected> {
  const { os, clock } = host;
  const observer = createObserver({ os, clock, ownPids: () => new Set([process.pid]) });
  const { observation, state, scanned } = await lookAtOneRound(host, observer, path, watchMs);
  const { database, resolvedPath } = observation;
  if (database.kind !== "regular" || resolvedPath === null)
    return { kind: "refused", reason: `${path} vanished or changed while it was looked at: ask again` };
  const exposure = inspectExposure(os, resolvedPath, observation, state, scanned?.scan ?? null);
  const inspection = {
    file: describeFile(observation, database),
    header: describeHeader(observation),
    unreadable: describeUnreadable(observation),
    wal: scanned?.inspection ?? null,
    walIndex: inspectWalIndex(observation),
    journal: inspectJournal(os, observation),
    lineage: inspectLineage(observation, state),
    processes: describeProcesses(observation, state),
    walVerdict: verdictOf(state, scanned?.inspection ?? null),
    pin: describePin(state.walWatch.heldMarks, observation),
    exposure,
    sqlite: await inspectSqlite(os, observation),
    replicator: replicatorStatus(state.replicator, state.replicaDirectory),
    guards: state.guards.map(({ guard, verdict, reason }) => ({ guard, verdict, reason })),
    residue: inspectResidue(observation, state),
    ledger: stateDirectory === null ? null : await inspectLedger(host, stateDirectory, observation, state),
  } as const;
  const remarks = remarksOn(inspection, isQuiet(observation));
  const verdict = remarks.some(({ severity }) => severity === "wrong") ? "wrong" : "fine";
  const { observedAtMs: inspectedAtMs } = observation;
  const asked = { kind: "database", path: askedPath, resolvedPath, inspectedAtMs } as const;
  const answer = { ...asked, watchedMs: watchMs, verdict, remarks } as const;
  return { kind: "inspected", inspection: { ...answer, ...inspection } };
}

/** Of a WAL that does not hold nothing is healthy. */
function verdictOf({ walWatch: { verdict } }: DatabaseState, wal: WalInspection | null): WalVerdict | null {
  if (verdict === null || wal === null || wal.sizeBytes === 0) return verdict;
  const isBroken = wal.damage !== null || wal.header !== "header";
  if (!isBroken) return verdict;
  if (wal.header === changingHeader)
    return { ...verdict, kind: "unknown", reason: "it started over at each look" };
  const reason = wal.damage === null ? "its header does not stand" : "it is damaged";
  return { ...verdict, kind: "unknown", reason };
}

function inspectLineage(observation: Observation, state: DatabaseState): WalLineage {
  const { kind } = observation.wal;
  if (kind !== "absent" && kind !== "regular") return { kind: "undecided", reason: "the WAL cannot be read" };
  if (!walHasFrames(observation)) return { kind: "nothing" };
  // Header and WAL are read one after the other: beside a writer they are of two moments.
  if (!isQuiet(observation)) return { kind: "undecided", reason: "not compared while a process uses both" };
  return lineageOf(observation, state) ?? { kind: "undecided", reason: "they could not be read" };
}

function inspectResidue(observation: Observation, state: DatabaseState): ResidueInspection | null {
  const residue = residueOf(observation, state.openers);
  if (residue === null) return null;
  const look = state.residueLook;
  const found = look === null ? null : describeFound(observation, look, lineageOf(observation, state));
  return { left: describeResidue(residue), expectation: found?.expectation ?? "" };
}

async function inspectSqlite(os: Os, { locks }: Observation): Promise<readonly SqliteProcess[]> {
  if (locks.kind !== "seen") return [];
  const scan = new SqliteTextScan();
  const processes: SqliteProcess[] = [];
  for (const holder of locks.connected)
    processes.push(sqliteProcessOf(holder, await lookAtSqliteBuilds(os, scan, holder.pid), null));
  return processes;
}
