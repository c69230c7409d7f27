/**
 * Restores over a WAL that stayed behind, all combinations: what is recognized, what stays undecided, and that neither the
 * guard nor the verdict of a restart calls sound what is not.
 */
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import type { LedgerEntry } from "../../src/domain/ledger.ts";
import type { Observation } from "../../src/domain/observation.ts";
import { realClock } from "../../src/host/clock.ts";
import { realOs } from "../../src/host/os.ts";
import { createObserver } from "../../src/observe/observer.ts";
import { lookAtResidue } from "../../src/observe/residueLook.ts";
import { lookAtRestart } from "../../src/observe/restartLook.ts";
import { ledgerEntryOf, ledgerHeaderOf, walAfterVerdict } from "../../src/policy/ledgerEntry.ts";
import { lineageOf, residueFingerprint } from "../../src/policy/residueScan.ts";
import { restartLineage } from "../../src/policy/restartLineage.ts";
import { restartVerdict } from "../../src/policy/restartVerdict.ts";
import { type DatabaseState, initialState } from "../../src/policy/state.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import {
  allRestores,
  contentOf,
  type Made,
  makeRestore,
  nameOf,
  place,
  placings,
  type Restore,
  removeDatabase,
} from "./lineageRestores.ts";

const host = { os: realOs, clock: realClock };

async function looked(path: string): Promise<{ observation: Observation; state: DatabaseState }> {
  const observer = createObserver({ ...host, ownPids: () => new Set() });
  const observation = (await observer.gatherSweep()).observe(path);
  const fingerprint = residueFingerprint(observation);
  const residueLook = await lookAtResidue(host, observation, { fingerprint, markFrame: null });
  return { observation, state: { ...initialState(observation.observedAtMs), residueLook } };
}

async function restartLook(
  { observation, state }: Awaited<ReturnType<typeof looked>>,
  entry: LedgerEntry | null,
) {
  const { header } = observation;
  const look = await lookAtRestart(host, {
    observation,
    header: header?.kind === "header" ? ledgerHeaderOf(header.header, entry) : null,
    noted: entry?.wal ?? null,
    liveMxFrame: null,
    scan: state.residueLook?.wal.kind === "scanned" ? state.residueLook.wal.scan : null,
  });
  if (look === null) throw new Error("nothing changes these files");
  return look;
}

/** What a daemon notes that finds these files, judges them first seen, and is stopped. */
async function noted(path: string): Promise<LedgerEntry> {
  const found = await looked(path);
  const look = await restartLook(found, null);
  const entry = ledgerEntryOf(
    {
      observation: found.observation,
      exposure: null,
      fsyncError: null,
      refusedWal: null,
      bootId: look.bootId,
      inheritsExposedPages: false,
    },
    null,
  );
  if (entry === null) throw new Error("a database can be noted");
  return { ...entry, wal: walAfterVerdict(null, look, restartVerdict(null, look, null)) };
}

async function verdictOf(entry: LedgerEntry, path: string) {
  const found = await looked(path);
  const look = await restartLook(found, entry);
  const lineage = restartLineage(entry, look, found.observation, found.state);
  return { lineage, verdict: restartVerdict(entry, look, lineage) };
}

interface Cell {
  readonly name: string;
  readonly restore: Restore;
  /** By the files alone, and with what a daemon had noted of them before. */
  readonly alone: string;
  readonly remembered: string;
  readonly verdict: string;
  readonly isMixed: boolean;
  readonly isKept: boolean;
}

async function judgeCell(
  name: string,
  made: Made,
  placing: (typeof placings)[number],
  scratch: string,
): Promise<Omit<Cell, "restore">> {
  const before = contentOf(made.killed, scratch);
  const backup = contentOf(made.backup, scratch);
  const entry = await noted(made.killed);
  place(made, placing);
  const { observation, state } = await looked(made.killed);
  const alone = lineageOf(observation, state);
  const { lineage, verdict } = await verdictOf(entry, made.killed);
  const after = contentOf(made.killed, scratch);
  const isKept = after.isSound && after.rows === before.rows;
  const isRestored = after.isSound && after.rows === backup.rows;
  return {
    name,
    alone: alone?.kind ?? "none",
    remembered: lineage?.kind ?? "none",
    verdict: verdict.kind,
    isMixed: !isKept && !isRestored,
    isKept,
  };
}

async function judgeAll(): Promise<readonly Cell[]> {
  using directory = makeTempDirectory();
  const cells: Cell[] = [];
  for (const [number, restore] of allRestores().entries())
    for (const placing of placings) {
      const folder = directory.file(`${number}${placing[0]}`);
      mkdirSync(folder);
      const made = makeRestore(`${folder}/k`, restore);
      const name = `${nameOf(restore)}, placed by ${placing}`;
      cells.push({ ...(await judgeCell(name, made, placing, `${folder}/scratch`)), restore });
      for (const path of [made.killed, made.backup]) removeDatabase(path);
    }
  return cells;
}

function print(cells: readonly Cell[]): void {
  const tally = new Map<string, number>();
  for (const { alone, remembered, verdict, isKept, isMixed } of cells) {
    const opened = isKept ? "all is there" : isMixed ? "mixed" : "the backup";
    const key = `alone ${alone}, with the ledger ${remembered}, verdict ${verdict}; opened: ${opened}`;
    tally.set(key, (tally.get(key) ?? 0) + 1);
  }
  for (const [key, count] of [...tally].sort()) console.log(`${count}`.padStart(4), key);
}

const names = (cells: readonly Cell[]) => cells.map(({ name }) => name);

test("no restore over a WAL is called sound that is not, and most are recognized", async () => {
  const cells = await judgeAll();
  print(cells);

  expect(names(cells.filter(({ verdict, isKept }) => verdict === "intact" && !isKept))).toEqual([]);
  expect(
    names(cells.filter(({ verdict, remembered }) => verdict === "intact" && remembered === "another")),
  ).toEqual([]);
  expect(
    names(cells.filter((cell) => (cell.alone === "fits" || cell.remembered === "fits") && !cell.isKept)),
  ).toEqual([]);

  // What is not recognized (DESIGN.md, "Known limits"): the same size, and no frame of the round before is left.
  const missed = cells.filter(({ isMixed, remembered }) => isMixed && remembered !== "another");
  const isKnownLimit = ({ restore: { walFile, size, walContent } }: Cell) =>
    walFile === "begun anew" && size === "the same size" && walContent !== "1 frame of page 1";
  expect(names(missed.filter((cell) => !isKnownLimit(cell)))).toEqual([]);
  expect(missed.length).toBeLessThan(cells.length / 8);
}, 120_000);
