/** The ledger of a daemon under test, read and changed as a crash or a person would. */
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LedgerEntry } from "../../../src/domain/ledger.ts";
import { ledgerLine, ledgerText, parseLedger } from "../../../src/policy/ledgerFile.ts";
import type { LogLine } from "../../support/daemonProcess.ts";
import type { TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { stateDirectory } from "./watched.ts";

export function ledgerPath(directory: TempDirectory): string {
  return join(stateDirectory(directory), "ledger.json");
}

export function readLedger(directory: TempDirectory): readonly LedgerEntry[] {
  const reading = parseLedger(readFileSync(ledgerPath(directory), "utf8"));
  if (reading.kind !== "ledger") throw new Error(reading.reason);
  return reading.entries;
}

/** Until the ledger, which is written every few seconds, has an entry like that. */
export function waitForEntry(
  directory: TempDirectory,
  what: string,
  isWanted: (entry: LedgerEntry) => boolean,
): Promise<LedgerEntry> {
  return waitFor(
    what,
    () => {
      try {
        return readLedger(directory).find(isWanted);
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
    { deadlineMs: 25_000, intervalMs: 50 },
  );
}

/** As if the machine had been started anew since the last note. */
export function endBoot(directory: TempDirectory): void {
  const entries = readLedger(directory).map((entry) => ({
    ...entry,
    bootId: "00000000-0000-4000-8000-000000000000",
  }));
  writeFileSync(ledgerPath(directory), ledgerText(entries.map(ledgerLine)));
}

/** Leaves so many whole frames of a WAL with pages of 4096 bytes. */
export function cutWal(path: string, frameCount: number): void {
  truncateSync(`${path}-wal`, 32 + frameCount * (24 + 4096));
}

export function verdictOf(line: LogLine) {
  const { verdict, reason, lostExposedCommitCountMin, lostProvenCommitCountMin } = line;
  return { verdict, reason, exposed: lostExposedCommitCountMin, proven: lostProvenCommitCountMin };
}
