/** What the log says when a guard keeps a database closed: one line, with what, where, why, what to do, and what it brings about. */
import { expect, test } from "bun:test";
import { linkSync, mkdirSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import {
  dataPath,
  makeDatabase,
  makeDatabaseWithResidue,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

interface Refusal {
  readonly guard: string;
  /** Beside the path, which each reason names. */
  readonly words: readonly string[];
  readonly prepare: (path: string) => void;
  readonly undo: (path: string) => void;
}

const elsewhere = "/dev/null";

/** As little as can be is seen of the moment between the two: a file that is missing has lines of its own. */
function putDatabase(path: string, takeAway: () => void): void {
  makeDatabase(`${path}.new`);
  takeAway();
  renameSync(`${path}.new`, path);
}

const refusals: readonly Refusal[] = [
  {
    guard: "sidecar_kind",
    words: ["-wal is a symbolic link", "move it away"],
    prepare: (path) => symlinkSync(elsewhere, `${path}-wal`),
    undo: (path) => rmSync(`${path}-wal`),
  },
  {
    guard: "hard_link",
    words: ["2 hard links", "remove the others"],
    prepare: (path) => linkSync(path, `${path}.second`),
    undo: (path) => rmSync(`${path}.second`),
  },
  {
    guard: "file_kind",
    words: ["is a directory", "correct the path"],
    prepare: (path) => {
      rmSync(path);
      mkdirSync(path);
    },
    undo: (path) => putDatabase(path, () => rmdirSync(path)),
  },
  {
    guard: "not_a_database",
    words: ["an encrypted one", "restore it from a backup"],
    prepare: (path) => writeFileSync(path, new Uint8Array(8_192).fill(7)),
    undo: (path) => putDatabase(path, () => rmSync(path)),
  },
];

test.concurrent(
  "each refusal is one line, and so is its end",
  async () => {
    using directory = makeTempDirectory();
    const paths = new Map(refusals.map(({ guard }) => [guard, dataPath(directory, `${guard}.db`)]));
    const pathOf = (guard: string) => paths.get(guard) ?? "";
    for (const { guard, prepare } of refusals) {
      makeDatabase(pathOf(guard));
      prepare(pathOf(guard));
    }
    await using daemon = await startWatching(directory, {
      databases: refusals.map(({ guard }) => ({ name: guard, path: pathOf(guard) })),
    });
    for (const { guard } of refusals) await waitForCheck(daemon, guard, "guards", "failed");
    await daemon.waitForLog("startup of every database ended");
    // So that every round that could say more has been gone through.
    const { observedAt: seenAt } = await statusOf(daemon, "hard_link");
    await waitForCheck(daemon, "hard_link", "startup", "failed", "held back by a guard");
    expect(seenAt).not.toBeNull();
    for (const { guard, words } of refusals) {
      const lines = daemon.log.filter(({ database, msg }) => database === guard && msg !== "restart verdict");
      expect(lines).toMatchObject([
        { msg: "guard refused", level: "error", guard, mode: "observe", ready: false },
      ]);
      for (const word of [pathOf(guard), ...words]) expect(String(lines[0]?.reason)).toContain(word);
    }
    for (const { guard, undo } of refusals) undo(pathOf(guard));
    for (const { guard } of refusals) {
      await waitUntilReady(daemon, guard);
      const cleared = await daemon.waitForLog("guard cleared", { database: guard });
      expect(cleared).toMatchObject({ guard });
      expect(await statusOf(daemon, guard)).toMatchObject({ mode: "enforce" });
      const said = daemon.log.filter(({ database }) => database === guard).map(({ msg }) => msg);
      // On a busy machine something else may be in doubt in just that round: then the line says so.
      const isRestored = cleared.mode === "enforce";
      for (const phrase of ["mode lowered", ...(isRestored ? ["mode restored"] : []), "readiness changed"])
        expect(said).not.toContain(phrase);
    }
  },
  testTimeoutMs,
);

test.concurrent(
  "what is still wrong when the guard has gone is said then",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabase(path);
    linkSync(path, `${path}.second`);
    await using daemon = await startWatching(directory, {
      databases: [{ name: "kv", path, integrity: { startup: "OFF" } }],
    });
    await daemon.waitForLog("guard refused");
    await waitForCheck(daemon, "kv", "startup", "failed");
    rmSync(`${path}.second`);
    const changed = await daemon.waitForLog("readiness changed");
    expect(changed).toMatchObject({ check: "integrity", state: "degraded" });
    expect(String(changed.reason)).toContain("the startup check is off");
  },
  testTimeoutMs,
);

test.concurrent(
  "a database that is gone while its WAL stayed: in one line, that commits may be in it and what not to do",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path);
    rmSync(path);
    await using daemon = await startWatching(directory, { databases: [{ name: "kv", path }] });
    await waitForCheck(daemon, "kv", "file", "failed", "commits may be in it");
    await daemon.waitForLog("startup of every database ended");
    const lines = daemon.log.filter(({ database }) => database === "kv");
    expect(lines).toMatchObject([{ msg: "database missing", level: "error", ready: false, holders: [] }]);
    for (const words of [
      `${path}-wal is still there`,
      "Do not delete it",
      `start nothing that opens ${path}`,
    ])
      expect(String(lines[0]?.advice)).toContain(words);
  },
  testTimeoutMs,
);
