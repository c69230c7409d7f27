/**
 * What of an inspection deserves a sentence. `wrong` makes the exit status 1: the daemon would refuse to open the
 * database, or something that was committed cannot be recovered. Everything else is a note. Pure.
 */
import { changingHeader, type DatabaseInspection, type Remark, type WalInspection } from "./inspection.ts";
import { nameProcesses } from "./processInspection.ts";

type Inspected = Omit<
  DatabaseInspection,
  "kind" | "path" | "resolvedPath" | "inspectedAtMs" | "watchedMs" | "verdict" | "remarks"
>;

/** @param quiet nobody is seen to use it: what is in the files is what the next open finds */
export function remarksOn(inspection: Inspected, quiet: boolean): readonly Remark[] {
  return [
    ...ofGuards(inspection),
    ...(inspection.wal === null ? [] : ofWal(inspection.wal, quiet)),
    ...ofJournal(inspection),
    ...ofExposure(inspection),
    ...ofLedger(inspection),
    ...ofVerdict(inspection),
    ...ofProcesses(inspection),
    ...ofSqlite(inspection),
    ...ofReplicator(inspection),
  ];
}

export function remarksOnLoneWal(wal: WalInspection): readonly Remark[] {
  if (wal.sizeBytes === 0) return [note("it is empty: no commit is lost with it")];
  const advice = note(
    "it is useless without the very database that it was written for; beside another one it corrupts it",
  );
  return [...ofWal(wal, true), advice];
}

function wrong(text: string): Remark {
  return { severity: "wrong", text };
}

function note(text: string): Remark {
  return { severity: "note", text };
}

/** Of the user who asks, and not of the database. */
const aboutTheUser: ReadonlySet<string> = new Set(["file_access", "owner"]);

function ofGuards({ guards }: Inspected): readonly Remark[] {
  return guards.map(({ guard, verdict, reason }) => {
    if (aboutTheUser.has(guard)) return note(`a daemon of this user would not open it: ${guard}: ${reason}`);
    return verdict === "refuse"
      ? wrong(`${guard}: ${reason}`)
      : note(`${guard}: ${reason} (it may pass in a moment)`);
  });
}

function ofWal(wal: WalInspection, quiet: boolean): readonly Remark[] {
  if (wal.sizeBytes <= 32) return [];
  if (wal.header === "zeroes") return [note("the WAL begins with zeroes: nothing in it counts")];
  if (wal.header === changingHeader)
    return [note("what is in the WAL could not be told: it started over at each look; ask again")];
  if (wal.header !== "header") {
    return [
      wrong(
        `the header of the WAL does not stand (${walHeaderInWords(wal.header)}): recovery takes nothing of its ${wal.sizeBytes} bytes`,
      ),
    ];
  }
  if (wal.by === "unknown") return [wrong(`what is in the WAL is not known: ${wal.reason}`)];
  if (wal.damage !== null) {
    const advice = quiet
      ? "; copy the files before anything opens them: a checkpoint writes over the rest"
      : "";
    return [wrong(`the WAL is ${wal.end}; ${wal.damage.causes}${advice}`)];
  }
  if (!quiet) return [];
  const remarks: Remark[] = [];
  if (wal.endsTorn) remarks.push(note(`the WAL ends torn: ${wal.end}; recovery takes what is before it`));
  if ((wal.uncommittedFrameCount ?? 0) > 0)
    remarks.push(
      note(`${counted(wal.uncommittedFrameCount ?? 0, "frame")} behind the last commit will be forgotten`),
    );
  return remarks;
}

function ofJournal({ journal }: Inspected): readonly Remark[] {
  if (journal === null || journal.state === "cold" || journal.state === "live") return [];
  if (journal.state === "unknown")
    return [note(`whether the rollback journal is hot is not known: ${journal.reason}`)];
  const pages =
    journal.pageRecordCount === null || journal.initialPageCount === null
      ? ""
      : `, restoring ${counted(journal.pageRecordCount, "page")} as before`;
  return [note(`a hot rollback journal: ${journal.reason}${pages}`)];
}

function ofExposure({ exposure }: Inspected): readonly Remark[] {
  if (exposure.kind !== "exposed") return [];
  const { commitCount, fromFrame } = exposure;
  const commits = commitCount === null ? "commits" : counted(commitCount, "commit");
  return [
    note(`a power cut now can take ${fromFrame === null ? "database pages" : commits}: ${exposure.reason}`),
  ];
}

function ofLedger({ ledger }: Inspected): readonly Remark[] {
  if (ledger === null || ledger.verdict === null) return [];
  const { kind, reason } = ledger.verdict;
  const text = `by the ledger ${ledger.path}: ${kind}: ${reason}`;
  if (kind === "proven-lost" || kind === "exposed-lost") return [wrong(text)];
  return kind === "intact" || kind === "first-seen" ? [] : [note(text)];
}

const worthARemark: ReadonlySet<string> = new Set(["pinned", "starved", "write-storm", "exclusive"]);

function ofVerdict({ walVerdict }: Inspected): readonly Remark[] {
  if (walVerdict === null || !worthARemark.has(walVerdict.kind)) return [];
  return [note(`the WAL is ${walVerdict.kind}: ${walVerdict.reason}`)];
}

function ofProcesses({ processes, pin }: Inspected): readonly Remark[] {
  const remarks: Remark[] = [];
  if (processes.reason !== "") remarks.push(note(processes.reason));
  if (pin.kind !== "held" && processes.holdingBack.length > 0)
    remarks.push(note(`at this moment the WAL is held back by ${nameProcesses(processes.holdingBack)}`));
  if ((processes.hiddenProcessCount ?? 0) > 0)
    remarks.push(
      note(`the open files of ${processes.hiddenProcessCount} processes may not be seen by this user`),
    );
  return remarks;
}

const resetBugAdvice =
  "upgrade it to 3.51.3, 3.50.7 or 3.44.6 or later, or leave checkpoints to the daemon (PRAGMA wal_autocheckpoint = 0 on all connections, and its busy timeout declared)";

function ofSqlite({ sqlite }: Inspected): readonly Remark[] {
  const affected = sqlite.filter((process) => process.affected === true);
  if (affected.length === 0) return [];
  const named = affected.map((process) =>
    `${nameProcesses([process])} SQLite ${process.version ?? ""}`.trim(),
  );
  return [note(`the WAL-reset bug is in what these run: ${named.join(", ")}: ${resetBugAdvice}`)];
}

function ofReplicator({ replicator }: Inspected): readonly Remark[] {
  return replicator === null ? [] : [note(replicator.reason)];
}

const headerFaults: Readonly<Record<string, string>> = {
  tooShort: "it is shorter than 32 bytes",
  zeroes: "it is all zeroes",
  badMagic: "its magic number is none of a WAL",
  badPageSize: "its page size is none",
  checksumMismatch: "its checksum is wrong",
  unsupportedVersion: "its version is unknown",
};

/** @param header `WalInspection.header`, other than "header" and "empty" */
export function walHeaderInWords(header: string): string {
  return headerFaults[header] ?? header;
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
