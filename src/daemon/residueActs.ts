/** What an earlier life left: read whole, reported before anything is opened, and compared with what recovery did. */
import type { ResidueReport, WalFound } from "../domain/residueReport.ts";
import type { WalDamage } from "../domain/walDamage.ts";
import { describeResidue, residueOf } from "../policy/residue.ts";
import { compareRecovery, describeFound } from "../policy/residueReport.ts";
import { lineageOf, residueFingerprint } from "../policy/residueScan.ts";
import { isStructurallyCorrupt, type Stage } from "../policy/state.ts";
import { fileMark, presentDamage } from "../policy/walDamage.ts";
import { walHasFrames } from "../policy/walState.ts";
import type { Act } from "./startupActs.ts";

/** Nothing has been opened for writing yet. */
const stagesBeforeRecovery: ReadonlySet<Stage> = new Set(["guards", "evidence", "profile"]);

/** @param markFrame commits up to this frame are counted apart; null: none. */
export async function scanResidue(act: Act, markFrame: number | null): Promise<void> {
  const { context, config, memory, observation } = act;
  const fingerprint = residueFingerprint(observation);
  const residueLook = await context.lookAtResidue(observation, { fingerprint, markFrame });
  const looked = { ...memory.state, residueLook };
  const found = describeFound(observation, residueLook, lineageOf(observation, looked));
  const walDamage = await keepDamaged(act, found.wal, residueLook.lookedAtMs);
  // With the look nothing stands against opening any more, on either lane: so not before the copy.
  memory.update((state) => ({ ...state, residueLook, walDamage: walDamage ?? state.walDamage }));
  if (!stagesBeforeRecovery.has(memory.state.stage)) return;
  if (found.wal === null && found.journal === null) return;
  await keep(act, {
    database: config.name,
    path: observation.resolvedPath ?? config.path,
    foundAtMs: residueLook.lookedAtMs,
    found,
    walCopy: walDamage?.copy ?? null,
    recovery: null,
  });
}

/** Null: the WAL is not damaged. One that was found damaged stays it, whatever its index says when others have opened it. */
async function keepDamaged(act: Act, wal: WalFound | null, foundAtMs: number): Promise<WalDamage | null> {
  const { context, config, memory, observation } = act;
  const before = presentDamage(observation, memory.state);
  if (before?.copy.kind === "kept") return before;
  const damage = wal?.damage ?? "";
  if (before === null && damage === "") return null;
  const copy = await context.copyDamagedWal(config.name, observation);
  const walDamage: WalDamage = {
    foundAtMs: before?.foundAtMs ?? foundAtMs,
    walMark: fileMark(observation.wal),
    text: before?.text ?? damage,
    droppedCommitCountMin: before?.droppedCommitCountMin ?? wal?.droppedCommitCountMin ?? null,
    copy,
    triedAtMs: context.clock.nowMs(),
    failureCount: (before?.failureCount ?? 0) + (copy.kind === "failed" ? 1 : 0),
  };
  const isSaid =
    copy.kind === "failed" && before?.copy.kind === "failed" && before.copy.reason === copy.reason;
  if (!isSaid) context.events.damagedWalCopied(config.name, walDamage);
  return walDamage;
}

async function keep(act: Act, residueReport: ResidueReport): Promise<void> {
  const { context, config, memory } = act;
  memory.update((state) => ({ ...state, residueReport }));
  const written = await context.writeResidueReport(residueReport);
  if (!written.ok) context.events.residueReportNotWritten(config.name, written);
}

/** On the way into `evidence`: said once in each startup sequence. */
export function noteResidue(act: Act): void {
  const { context, config, memory, observation } = act;
  const residue = residueOf(observation, memory.state.openers);
  memory.update((state) => ({
    ...state,
    residue: residue === null ? null : describeResidue(residue),
    walResidue: residue !== null && residue.walBytes > 0 && walHasFrames(observation),
    residueReport: residue === null ? null : state.residueReport,
  }));
  if (residue === null) return;
  const found = memory.state.residueReport?.found ?? null;
  context.events.residueDetected(config.name, {
    residue: describeResidue(residue),
    walFileBytes: residue.walBytes,
    walFrameCount: found?.wal?.committedFrameCount ?? null,
    journalFileBytes: residue.journalBytes,
    commitCount: found?.wal?.commitCount ?? null,
    tornTailBytes: tornTailBytesOf(found?.wal ?? null),
    stopReason: found?.wal?.stopReason ?? null,
    droppedCommitCountMin: found?.wal?.droppedCommitCountMin ?? null,
    expectation: found?.expectation ?? "",
  });
}

/** A WAL that has started over ends where frames of its earlier round begin: nothing is torn there. */
export function tornTailBytesOf(wal: Pick<WalFound, "stopReason" | "trailingBytes"> | null): number | null {
  const endsWhole = wal?.stopReason === "saltMismatch" || wal?.stopReason === "endOfFile";
  return endsWhole ? 0 : (wal?.trailingBytes ?? null);
}

/** After the recovery checkpoint, or at the end of a sequence that needed none. */
export function noteRecovery(act: Act, copiedFrameCount: number): void {
  const { context, memory, observation } = act;
  const { residueReport } = memory.state;
  if (residueReport === null || residueReport.recovery !== null) return;
  // Then nothing was recovered: it stays as it is, for the evidence.
  if (isStructurallyCorrupt(memory.state)) return;
  const recovery = compareRecovery(residueReport, observation, copiedFrameCount, context.clock.nowMs());
  void keep(act, { ...residueReport, recovery });
}
