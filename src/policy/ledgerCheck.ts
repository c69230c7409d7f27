/**
 * The readiness check "ledger". A proven loss degrades and never takes readiness away by itself: what is left may be
 * sound, and keeping the application out would bring nothing back. It stands until the daemon starts again, so that
 * somebody sees it. Pure.
 */
import type { RestartVerdict } from "../domain/ledger.ts";
import type { CheckVerdict } from "./readiness.ts";

/** @param trouble why the ledger cannot be kept; empty: it can */
export function ledgerCheck(verdict: RestartVerdict | null, trouble: string): CheckVerdict {
  if (verdict?.kind === "proven-lost") {
    const count = verdict.lostProvenCommitCountMin ?? 1;
    return {
      name: "ledger",
      state: "degraded",
      reason: `at least ${count} ${count === 1 ? "commit that was" : "commits that were"} proven to be on disk ${count === 1 ? "is" : "are"} gone: ${verdict.reason}; compare with a backup, and distrust the disk unless somebody changed the file`,
    };
  }
  if (trouble === "") return { name: "ledger", state: "ok", reason: "" };
  return { name: "ledger", state: "degraded", reason: `the ledger cannot be kept: ${trouble}` };
}
