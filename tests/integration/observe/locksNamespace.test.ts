/**
 * A daemon in a container of its own: /proc/locks is empty there, and what the application does with its locks is told all
 * the same, without a name.
 */
import { describe, expect, test } from "bun:test";
import type { HiddenLocks, LockLook } from "../../../src/domain/observation.ts";
import type { WalState } from "../../../src/policy/walState.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName, unavailable } from "../../support/requirements.ts";
import { startConnected, walSql } from "./connectedApplication.ts";

const withoutNamespaces =
  process.getuid?.() === 0 ? requireTool("unshare", "sqlite3", "python3") : unavailable("not root");
const source = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).pathname);

interface Seen {
  readonly locks: Extract<LockLook, { readonly kind: "seen" }>;
  readonly wal: WalState;
  readonly alone: boolean;
  readonly residue: unknown;
}

/**
 * An observer in a PID namespace of its own. A reader that is inside with it is another's process or one of its own, as a
 * worker of the daemon is.
 */
async function observeFromInside(
  path: string,
  readerInside: "another's" | "own" | null = null,
): Promise<Seen> {
  const script = `
    const { createObserver } = await import(${source("observe/observer.ts")});
    const { realOs } = await import(${source("host/os.ts")});
    const { realClock } = await import(${source("host/clock.ts")});
    const { walStateOf } = await import(${source("policy/walState.ts")});
    const { isAlone } = await import(${source("policy/lockPermission.ts")});
    const { residueOf } = await import(${source("policy/residue.ts")});
    const ownPids = new Set([process.pid]);
    if (${readerInside !== null}) {
      const reader = Bun.spawn(["sqlite3", ${JSON.stringify(path)}], { stdin: "pipe", stdout: "pipe" });
      reader.stdin.write("BEGIN; SELECT 'reading', a FROM t;\\n");
      reader.stdin.flush();
      for await (const _line of reader.stdout) break;
      if (${readerInside === "own"}) ownPids.add(reader.pid);
    }
    const observer = createObserver({ os: realOs, clock: realClock, ownPids: () => ownPids });
    const seen = (await observer.gatherSweep()).observe(${JSON.stringify(path)});
    const residue = residueOf(seen, null);
    console.log(JSON.stringify({ locks: seen.locks, wal: walStateOf(seen), alone: isAlone(seen), residue }));
    process.exit();`;
  const unshare = ["unshare", "--pid", "--fork", "--mount-proc"];
  await using child = spawnProcess({
    command: [...unshare, process.execPath, "--no-env-file", "-e", script],
  });
  const seen = JSON.parse(await child.waitForLine("{")) as Seen;
  if (seen.locks.kind !== "seen") throw new Error("locks cannot be seen");
  expect(seen.locks).toMatchObject({ viewIsComplete: false, writer: null });
  if (readerInside === null) expect(seen.locks).toMatchObject({ connected: [], readers: [] });
  return seen;
}

const nothing: HiddenLocks = {
  connected: false,
  writer: false,
  checkpointer: false,
  recovering: false,
  exclusive: false,
  databaseLocked: false,
  readerMarks: [],
  readersCovered: false,
};

const inNamespace = (name: string, body: () => Promise<void>) =>
  test.skipIf(withoutNamespaces !== null)(testName(name, withoutNamespaces), body);

describe("from another PID namespace", () => {
  inNamespace(
    "a connected application counts as connected: its WAL is no residue, and is read by its index",
    async () => {
      await using scene = await startConnected();
      const { path } = scene;
      const seen = await observeFromInside(path);
      expect(seen.locks.hidden).toEqual({ ...nothing, connected: true, databaseLocked: true });
      expect(seen.locks.connectedWithOwnCount).toBe(1);
      expect(seen.wal.kind).toBe("known");
      expect(seen).toMatchObject({ alone: false, residue: null });
    },
  );

  inNamespace("readers are told by their marks, a writer by its lock", async () => {
    await using scene = await startConnected();
    const { path, application: writer } = scene;
    const reader = scene.another();
    await reader.run(path, "BEGIN; SELECT * FROM t");
    const read = await observeFromInside(path);
    expect(read.locks.hidden?.readerMarks).toHaveLength(1);
    expect(read.locks.hidden?.writer).toBe(false);
    await writer.run(path, "BEGIN IMMEDIATE");
    expect((await observeFromInside(path)).locks.hidden).toMatchObject({ connected: true, writer: true });
  });

  inNamespace("an exclusive lock is told", async () => {
    await using scene = await startConnected(`PRAGMA locking_mode=EXCLUSIVE; ${walSql}`);
    const { path } = scene;
    const { locks } = await observeFromInside(path);
    expect(locks.hidden).toMatchObject({ exclusive: true, databaseLocked: true, connected: false });
  });

  inNamespace("whoever is inside with the observer is listed, and is not told of as hidden", async () => {
    await using scene = await startConnected();
    const { path } = scene;
    const beside = await observeFromInside(path, "another's");
    expect(beside.locks.readers.map(({ holder }) => holder.comm)).toEqual(["sqlite3"]);
    expect(beside.locks.hidden).toMatchObject({ readerMarks: [], readersCovered: false });
  });

  inNamespace("a worker of the daemon's own on a mark says that others cannot be told there", async () => {
    await using scene = await startConnected();
    const { path } = scene;
    const covered = await observeFromInside(path, "own");
    expect(covered.locks).toMatchObject({ readers: [], hidden: { readerMarks: [], readersCovered: true } });
  });

  inNamespace("a mark that is being set is no reader", async () => {
    await using scene = await startConnected();
    const { path } = scene;
    const lock =
      "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX, 2, 124)";
    const hold = `${lock}; print('locked', flush=True); sys.stdin.read()`;
    await using setting = spawnProcess({ command: ["python3", "-c", hold, `${path}-shm`] });
    await setting.waitForLine("locked");
    expect((await observeFromInside(path)).locks.hidden?.readerMarks).toEqual([]);
  });

  inNamespace("nobody is told where nobody is", async () => {
    await using scene = await startConnected();
    const { path, application } = scene;
    await application.kill();
    const seen = await observeFromInside(path);
    expect(seen.locks.hidden).toEqual(nothing);
    expect(seen.wal.kind).toBe("unknown");
    expect(seen.residue).not.toBeNull();
  });
});
