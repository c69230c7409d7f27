/**
 * The looks that an inspection is made of, taken into a state as the daemon would take them: so guards, replicator and
 * residue are judged by the very same rules.
 */
import { defaultSettings, toTemplate } from "../config/settings.ts";
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { FileLook, Observation } from "../domain/observation.ts";
import type { Clock } from "../host/clock.ts";
import { scanOpeners } from "../host/openers.ts";
import type { Os } from "../host/os.ts";
import type { Observer } from "../observe/observer.ts";
import { lookAtReplicaDirectory } from "../observe/replicatorLook.ts";
import { lookAtResidue } from "../observe/residueLook.ts";
import { somebodyIsConnected, somebodyLocksDatabase } from "../policy/heldLocks.ts";
import { noteObservation, noteOpeners } from "../policy/noteObservation.ts";
import { residueFingerprint } from "../policy/residueScan.ts";
import { type DatabaseState, initialState } from "../policy/state.ts";
import { inspectWal, neverSettled, type ScannedWal } from "./walInspection.ts";

export interface InspectHost {
  readonly os: Os;
  readonly clock: Clock;
  readonly pause: (pauseMs: number) => Promise<void>;
}

export interface Looked {
  readonly observation: Observation;
  readonly state: DatabaseState;
  /** Null: there is no WAL that could be read. */
  readonly scanned: ScannedWal | null;
}

/** Longer than a guard doubts what it saw only once (headerDoubtMs and its like). */
const doubtsEndAfterMs = 350;
const lookIntervalMs = 500;
/** Beside a writer that never pauses the WAL may start over between two looks again and again. */
const roundsMax = 5;

/** Between two looks that must find the same. */
const confirmAfterMs = 100;

/**
 * The looks and the scan of the WAL, both of the same round of it where that can be had. What is wrong with the WAL has
 * been found twice: locks do not tell at every moment who writes it.
 */
export async function lookAtOneRound(
  host: InspectHost,
  observer: Observer,
  path: string,
  watchMs: number,
): Promise<Looked> {
  let { observation, state } = await watch(host, observer, path, watchMs);
  let faultBefore: string | null = null;
  for (let round = 1; ; round += 1) {
    const residue = isQuiet(observation) ? (state.residueLook?.wal ?? null) : null;
    const walPath = `${observation.resolvedPath ?? path}-wal`;
    const hasOpener = state.openers?.kind === "seen" && state.openers.openers.length > 0;
    const scanned = await inspectWal(host, walPath, observation, residue, isQuiet(observation) && !hasOpener);
    if (scanned === null) return { observation, state, scanned };
    const { startedOver, fault } = scanned;
    const isSure = !startedOver && (fault === null || fault === faultBefore);
    if (isSure) return { observation, state, scanned };
    if (round >= roundsMax) return { observation, state, scanned: neverSettled(scanned) };
    faultBefore = startedOver ? null : fault;
    if (fault !== null) await host.pause(confirmAfterMs);
    ({ observation, state } = await look(host, observer, path, state));
  }
}

/** Nobody is seen to use it: what is in the files is what the next open finds. */
export function isQuiet({ locks }: Observation): boolean {
  return locks.kind === "seen" && !somebodyIsConnected(locks) && !somebodyLocksDatabase(locks);
}

type Look = Omit<Looked, "scanned">;

/** One look, and as many as the watch is long. A guard that waits for a moment's state to pass is asked again too. */
async function watch(host: InspectHost, observer: Observer, path: string, watchMs: number): Promise<Look> {
  const { clock } = host;
  let looked = await look(host, observer, path, initialState(clock.nowMs()));
  // Counted from the end of the first look: on a busy machine a look may take longer than a doubt.
  const startedAtMs = clock.monotonicMs();
  let doubtedAtMs: number | null = null;
  for (;;) {
    const nowMs = clock.monotonicMs();
    doubtedAtMs = hasDoubts(looked) ? (doubtedAtMs ?? nowMs) : null;
    const doubtsEndAtMs = doubtedAtMs === null ? 0 : doubtedAtMs + doubtsEndAfterMs;
    const leftMs = Math.max(startedAtMs + watchMs, doubtsEndAtMs) - nowMs;
    if (leftMs <= 0) return looked;
    await host.pause(Math.min(leftMs, lookIntervalMs));
    looked = await look(host, observer, path, looked.state);
  }
}

function hasDoubts({ state }: Look): boolean {
  return state.guards.some(({ verdict }) => verdict === "wait");
}

async function look(
  { os, clock }: InspectHost,
  observer: Observer,
  path: string,
  state: DatabaseState,
): Promise<Look> {
  const observation = (await observer.gatherSweep()).observe(path);
  const identityOf = (file: FileLook) => (file.kind === "regular" ? file.identity : null);
  const { database, wal, journal } = observation;
  const files = { database: identityOf(database), wal: identityOf(wal), journal: identityOf(journal) };
  const scanned = await scanOpeners({ os, clock }, [files], () => new Set([process.pid]));
  const openers = scanned.get(files) ?? { kind: "unobservable", reason: "the files were not looked for" };
  const known = {
    ...noteOpeners(state, openers, observation.observedAtMs),
    replicaDirectory: lookAtReplicaDirectory(os, observation.resolvedPath ?? path),
    residueLook: await residueLookAt({ os, clock }, observation, state),
  };
  const noted = noteObservation(known, observation, { config: defaultConfig(path), duplicateOf: null });
  return { observation, state: noted };
}

/** What somebody uses is no residue, and would be of another moment at the end of the scan. */
async function residueLookAt(
  host: Pick<InspectHost, "os" | "clock">,
  observation: Observation,
  { residueLook }: DatabaseState,
) {
  if (!isQuiet(observation)) return null;
  const fingerprint = residueFingerprint(observation);
  if (residueLook?.fingerprint === fingerprint) return residueLook;
  return lookAtResidue(host, observation, { fingerprint, markFrame: null });
}

function defaultConfig(path: string): DatabaseConfig {
  return { name: path, path, glob: null, ...toTemplate(defaultSettings("EXTRA"), false) };
}
