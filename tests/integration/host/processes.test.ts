/** What the daemon owes to process boundaries: locks that end with their holder, no orphans, no leaks. */
import { describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { lockFileExclusively } from "../../../src/host/exclusiveLock.ts";
import { realOs } from "../../../src/host/os.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";

const sourceUrl = (path: string) => new URL(`../../../src/${path}`, import.meta.url).pathname;

/** Another Bun process that runs this program. */
function runProgram(program: string) {
  return spawnProcess({ command: [process.execPath, "--no-env-file", "-e", program] });
}

function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}

describe("lockFileExclusively", () => {
  const holderProgram = (path: string) => `
    import { lockFileExclusively } from ${JSON.stringify(sourceUrl("host/exclusiveLock.ts"))};
    const lock = lockFileExclusively(${JSON.stringify(path)});
    console.log(lock.ok ? "locked" : lock.reason);
    for await (const line of console) if (line === "release") { lock.release(); console.log("released"); }
  `;

  test("a second process is refused and told which one holds it", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("lock");
    await using holder = runProgram(holderProgram(path));
    expect(await holder.waitForLine(/./)).toBe("locked");
    expect(lockFileExclusively(path)).toEqual({
      ok: false,
      reason: `${path} is locked by process ${holder.pid}`,
    });
    holder.send("release\n");
    await holder.waitForLine("released");
    const mine = lockFileExclusively(path);
    expect(mine.ok).toBe(true);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
    if (mine.ok) mine.release();
  });

  test("a holder that is killed leaves no stale lock", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("lock");
    await using holder = runProgram(holderProgram(path));
    await holder.waitForLine("locked");
    await holder.kill();
    const mine = lockFileExclusively(path);
    expect(mine.ok).toBe(true);
    if (mine.ok) mine.release();
  });

  test("a child of the holder does not keep the lock alive", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("lock");
    const first = lockFileExclusively(path);
    await using child = runProgram(`console.log("up"); await Bun.stdin.text();`);
    await child.waitForLine("up");
    if (first.ok) first.release();
    const second = lockFileExclusively(path);
    expect([first.ok, second.ok]).toEqual([true, true]);
    if (second.ok) second.release();
  });

  test("what cannot be locked is refused with a reason", () => {
    using directory = makeTempDirectory();
    mkdirSync(directory.file("directory"));
    symlinkSync("elsewhere", directory.file("link"));
    for (const [name, code] of [
      ["directory", "EISDIR"],
      ["link", "ELOOP"],
      ["no/such", "ENOENT"],
    ] as const)
      expect(lockFileExclusively(directory.file(name))).toEqual({
        ok: false,
        reason: `cannot open ${directory.file(name)}: ${code}`,
      });
  });
});

describe("killWithParent", () => {
  const module = JSON.stringify(sourceUrl("host/parentDeath.ts"));
  const worker = `
    import { killWithParent } from ${module};
    console.log(process.pid + " " + JSON.stringify(killWithParent()));
    setInterval(() => {}, 1000);
  `;

  test("a worker is gone when its supervisor was killed", async () => {
    await using supervisor = runProgram(`
      Bun.spawn([process.execPath, "--no-env-file", "-e", ${JSON.stringify(worker)}], { stdout: "inherit" });
      setInterval(() => {}, 1000);
    `);
    const line = await supervisor.waitForLine("{");
    expect(line).toEndWith('{"ok":true}');
    const workerPid = Number.parseInt(line, 10);
    expect(isRunning(workerPid)).toBe(true);
    supervisor.signal("SIGKILL");
    await waitFor("the worker's end", () => !isRunning(workerPid));
  });

  test("a worker whose supervisor is already gone is told so", async () => {
    await using orphan = runProgram(`
      import { killWithParent } from ${module};
      console.log(JSON.stringify(killWithParent(${process.pid} + 1)));
    `);
    expect(await orphan.waitForLine("{")).toContain(`"ok":false`);
  });
});

describe("descriptors", () => {
  test("of files that are read are closed on exec", () => {
    using directory = makeTempDirectory();
    writeFileSync(directory.file("kv.db"), "");
    const descriptor = realOs.open(directory.file("kv.db"));
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    closeSync(descriptor);
    expect(Number.parseInt(flags ?? "0", 8) & 0o2000000).toBe(0o2000000);
  });
});
