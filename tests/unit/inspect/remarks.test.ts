import { describe, expect, test } from "bun:test";
import type { DatabaseInspection } from "../../../src/inspect/inspection.ts";
import { remarksOn, remarksOnLoneWal } from "../../../src/inspect/remarks.ts";
import { holder } from "../../support/builders.ts";
import { inspection, walInspection } from "./inspection.ts";

function remarks(change: Partial<DatabaseInspection>, quiet = true): readonly string[] {
  return remarksOn(inspection(change), quiet).map(({ severity, text }) => `${severity}: ${text}`);
}

test("of a sound database there is nothing to remark", () => {
  expect(remarks({})).toEqual([]);
  expect(remarks({ wal: null, lineage: { kind: "nothing" } })).toEqual([]);
});

describe("wrong is", () => {
  test("what a guard refuses, but not what only this user may not do", () => {
    const guards = [
      { guard: "truncated", verdict: "refuse", reason: "it was cut off" },
      { guard: "file_access", verdict: "refuse", reason: "cannot write" },
      { guard: "exclusive_lock", verdict: "wait", reason: "locked" },
    ];
    expect(remarks({ guards })).toEqual([
      "wrong: truncated: it was cut off",
      "note: a daemon of this user would not open it: file_access: cannot write",
      "note: exclusive_lock: locked (it may pass in a moment)",
    ]);
  });

  test("a WAL of which recovery takes nothing, or of which nothing is known", () => {
    const [damaged] = remarks({ wal: walInspection({ header: "checksumMismatch" }) });
    expect(damaged).toStartWith("wrong: the header of the WAL does not stand (its checksum is wrong)");
    const [unread] = remarks({ wal: walInspection({ by: "unknown", reason: "read EIO" }) });
    expect(unread).toBe("wrong: what is in the WAL is not known: read EIO");
    expect(remarks({ wal: walInspection({ sizeBytes: 0, header: "empty" }) })).toEqual([]);
  });

  test.each([
    ["proven-lost", "wrong"],
    ["exposed-lost", "wrong"],
    ["replaced", "note"],
    ["undecidable", "note"],
  ] as const)("by a ledger: %s is %s", (kind, severity) => {
    const verdict = {
      kind,
      reason: "why",
      lostExposedCommitCountMin: null,
      lostProvenCommitCountMin: null,
      judgedAtMs: 0,
    };
    const ledger = {
      path: "/s/ledger.json",
      reason: "",
      writtenAtMs: 0,
      seenFrame: 1,
      provenFrame: 1,
      verdict,
    };
    expect(remarks({ ledger })).toEqual([`${severity}: by the ledger /s/ledger.json: ${kind}: why`]);
  });
});

describe("a note is", () => {
  test("a torn tail where nobody writes; beside a writer it is a frame on its way", () => {
    const wal = walInspection({
      endsTorn: true,
      end: "frame 11 was written in part",
      uncommittedFrameCount: 2,
    });
    expect(remarks({ wal })).toEqual([
      "note: the WAL ends torn: frame 11 was written in part; recovery takes what is before it",
      "note: 2 frames behind the last commit will be forgotten",
    ]);
    expect(remarks({ wal }, false)).toEqual([]);
  });

  test("what a power cut can take, with how many", () => {
    const exposure = {
      kind: "exposed",
      reason: "why",
      dirtyBytes: 8192,
      fromFrame: 3,
      commitCount: 1,
    } as const;
    expect(remarks({ exposure })).toEqual(["note: a power cut now can take 1 commit: why"]);
  });

  test("an affected SQLite with the advice; an unknown one is not accused", () => {
    const process = { ...holder(7), sourceId: null, file: null, reason: "", connectionCount: null };
    const affected = { ...process, version: "3.40.1", affected: true };
    const unknown = { ...process, version: null, affected: null };
    expect(remarks({ sqlite: [unknown] })).toEqual([]);
    const [said] = remarks({ sqlite: [affected, unknown] });
    expect(said).toStartWith(
      "note: the WAL-reset bug is in what these run: app (7) SQLite 3.40.1: upgrade it",
    );
    // Alone it would let the WAL grow: without the declaration the daemon does not take the write lock for it.
    expect(said).toContain("PRAGMA wal_autocheckpoint = 0 on all connections, and its busy timeout declared");
  });

  test("who holds the WAL back at this moment, and a verdict that is more than a moment's", () => {
    const { processes } = inspection();
    const holdingBack = [holder(9, "report")];
    expect(remarks({ processes: { ...processes, holdingBack } })).toEqual([
      "note: at this moment the WAL is held back by report (9)",
    ]);
    const walVerdict = { kind: "starved", reason: "figures", holders: [], sinceMs: 0 } as const;
    expect(remarks({ walVerdict })).toEqual(["note: the WAL is starved: figures"]);
    expect(remarks({ walVerdict: { ...walVerdict, kind: "plateau" } })).toEqual([]);
  });
});

test("an empty lone WAL comes without a warning: it holds nothing", () => {
  expect(remarksOnLoneWal(walInspection({ sizeBytes: 0, header: "empty" }))).toEqual([
    { severity: "note", text: "it is empty: no commit is lost with it" },
  ]);
});

test("a WAL with commits behind a broken frame is wrong, in use too; what to do first is said where nobody uses it", () => {
  const damage = { frame: 8, droppedCommitCountMin: 17, causes: "the causes" };
  const wal = walInspection({ damage, end: "broken at frame 8" });
  const said = "wrong: the WAL is broken at frame 8; the causes";
  expect(remarks({ wal })).toEqual([
    `${said}; copy the files before anything opens them: a checkpoint writes over the rest`,
  ]);
  expect(remarks({ wal }, false)).toEqual([said]);
});

test("a lone WAL comes with a warning about its use", () => {
  const all = remarksOnLoneWal(walInspection());
  expect(all.map(({ severity }) => severity)).toEqual(["note"]);
  expect(all[0]?.text).toContain("beside another one it corrupts it");
});
