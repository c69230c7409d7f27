/** Who a process is, from /proc of processes that really run. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Os, realOs } from "../../../src/host/os.ts";
import { createProcessMemory } from "../../../src/host/processLook.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName, unavailable } from "../../support/requirements.ts";

const withoutOtherUsers = process.getuid?.() === 0 ? requireTool("setpriv") : unavailable("not root");
const stopped = { pid: 0, comm: null, user: null, unit: null };

/** As another user, until its input ends. */
function startAs(uid: number) {
  const command = [
    "setpriv",
    "--reuid",
    String(uid),
    "--clear-groups",
    "sh",
    "-c",
    "echo running; read line",
  ];
  return spawnProcess({ command });
}

describe("a process", () => {
  test("is told by its command, its user and nothing of its arguments", async () => {
    const secret = "password=hunter2";
    await using child = spawnProcess({ command: ["sh", "-c", `echo running; read line; # ${secret}`] });
    await child.waitForLine("running");
    const seen = createProcessMemory(realOs)(child.pid);
    const user = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
    expect(seen).toMatchObject({ pid: child.pid, comm: "sh", user });
    expect(JSON.stringify(seen)).not.toContain("hunter2");
  });

  test.skipIf(withoutOtherUsers !== null)(
    testName("of another user has that user's name, or its number without one", withoutOtherUsers),
    async () => {
      await using known = startAs(65534);
      await using unknown = startAs(54_321);
      await known.waitForLine("running");
      await unknown.waitForLine("running");
      const look = createProcessMemory(realOs);
      const name = /^([^:]+):[^:]*:65534:/m.exec(readFileSync("/etc/passwd", "utf8"))?.[1] ?? "uid 65534";
      expect(look(known.pid).user).toBe(name);
      expect(look(unknown.pid).user).toBe("uid 54321");
    },
  );

  test("that is gone, or never was one, is only a number", async () => {
    const child = spawnProcess({ command: ["true"] });
    await child.exited;
    const look = createProcessMemory(realOs);
    expect(look(child.pid)).toEqual({ ...stopped, pid: child.pid });
    expect(look(-1)).toEqual({ ...stopped, pid: -1 });
    expect(look(0)).toEqual(stopped);
  });
});

/** /proc with one process 7 in it, as the test says. */
function procOf(files: Readonly<Record<string, string>>, reads: string[] = []): Os {
  return {
    ...realOs,
    stat: () => undefined,
    readProc: (path) => {
      reads.push(path);
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(path), { errno: -13, code: "EACCES" });
      return text;
    },
  };
}

const stat = (comm: string, startTicks: number) => `7 (${comm}) S${" 0".repeat(18)} ${startTicks} 0 0\n`;
const own = { "/proc/7/status": "Uid:\t5\t5\t5\t5\n", "/proc/7/cgroup": "0::/system.slice/app.service\n" };

describe("what is remembered of a process", () => {
  test("costs one read a question, and is the very same value while it is the same process", () => {
    const reads: string[] = [];
    const look = createProcessMemory(procOf({ ...own, "/proc/7/stat": stat("app", 100) }, reads));
    const first = look(7);
    expect(first).toEqual({ pid: 7, comm: "app", user: "uid 5", uid: 5, unit: "app.service" });
    reads.length = 0;
    expect(look(7)).toBe(first);
    expect(reads).toEqual(["/proc/7/stat"]);
  });

  test("is not believed of another process that got the same number, nor after exec", () => {
    const files: Record<string, string> = { ...own, "/proc/7/stat": stat("app", 100) };
    const look = createProcessMemory(procOf(files));
    look(7);
    files["/proc/7/stat"] = stat("app", 200);
    files["/proc/7/cgroup"] = "0::/system.slice/other.service\n";
    expect(look(7).unit).toBe("other.service");
    files["/proc/7/stat"] = stat("sqlite3", 200);
    expect(look(7).comm).toBe("sqlite3");
  });

  test("what of it is hidden is null, and the rest is told", () => {
    const look = createProcessMemory(procOf({ "/proc/7/stat": stat("app", 100) }));
    expect(look(7)).toEqual({ pid: 7, comm: "app", user: null, uid: null, unit: null });
    expect(createProcessMemory(procOf({}))(7)).toEqual({ ...stopped, pid: 7 });
  });
});
