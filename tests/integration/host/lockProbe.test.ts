/** fcntl(F_GETLK) against processes that really hold locks, in this PID namespace and in another. */
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { type LockProbe, probeLock } from "../../../src/host/lockProbe.ts";
import { spawnProcess, type TestProcess } from "../../support/childProcess.ts";
import { requireTool, testName, unavailable } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

const withoutPython = requireTool("python3");
const withoutNamespaces =
  withoutPython ?? (process.getuid?.() === 0 ? requireTool("unshare") : unavailable("not root"));

/** Locks LENGTH bytes from FIRST, shared or exclusive, until its input ends. */
const holderScript = `
import fcntl, os, sys
path, kind, first, length = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
descriptor = os.open(path, os.O_RDWR)
fcntl.lockf(descriptor, {"READ": fcntl.LOCK_SH, "WRITE": fcntl.LOCK_EX}[kind], length, first)
print("locked", os.getpid(), flush=True)
sys.stdin.read()
`;

interface Held {
  readonly access: "READ" | "WRITE";
  readonly firstByte: number;
  readonly lengthBytes: number;
  /** A program that starts the holder: unshare. */
  readonly prefix?: readonly string[];
}

async function hold(
  path: string,
  { access, firstByte, lengthBytes, prefix = [] }: Held,
): Promise<TestProcess> {
  const script = ["python3", "-c", holderScript, path, access, String(firstByte), String(lengthBytes)];
  const child = spawnProcess({ command: [...prefix, ...script] });
  await child.waitForLine("locked");
  return child;
}

/** Asked through a read-only descriptor, as the observer does. */
async function probing(
  held: readonly Held[],
  ask: (
    probe: (firstByte: number, lengthBytes: number) => LockProbe,
    holders: readonly TestProcess[],
  ) => void,
): Promise<void> {
  using directory = makeTempDirectory();
  const path = directory.file("locked");
  writeFileSync(path, new Uint8Array(200));
  await using stack = new AsyncDisposableStack();
  const holders: TestProcess[] = [];
  for (const each of held) holders.push(stack.use(await hold(path, each)));
  const descriptor = openSync(path, "r");
  stack.defer(() => closeSync(descriptor));
  ask((firstByte, lengthBytes) => probeLock(descriptor, firstByte, lengthBytes), holders);
}

const onPython = (name: string, body: () => Promise<void>) =>
  test.skipIf(withoutPython !== null)(testName(name, withoutPython), body);

/** Where a SQLite connection holds SHARED; sqlite.org/fileformat2.html, "The Lock-Byte Page". */
const sharedRange = { firstByte: 1073741826, lengthBytes: 510 } as const;

describe("probeLock", () => {
  onPython("bytes that nobody locked are free, next to bytes that are held", () =>
    probing([{ access: "WRITE", firstByte: 120, lengthBytes: 2 }], (probe) => {
      expect(probe(119, 1)).toEqual({ kind: "free" });
      expect(probe(122, 6)).toEqual({ kind: "free" });
    }),
  );

  onPython("an exclusive lock is told with the pid of its holder, from any byte of it", () =>
    probing([{ access: "WRITE", firstByte: 120, lengthBytes: 2 }], (probe, [holder]) => {
      const held = { kind: "held", access: "WRITE", pid: holder?.pid ?? -1 } as const;
      expect(probe(120, 1)).toEqual(held);
      expect(probe(121, 1)).toEqual(held);
      expect(probe(0, 200)).toEqual(held);
    }),
  );

  onPython("a shared lock is told as one, with the pid of one of its holders", () => {
    const reader = { access: "READ", firstByte: 128, lengthBytes: 1 } as const;
    return probing([reader, reader], (probe, holders) => {
      const probed = probe(128, 1);
      expect(probed).toMatchObject({ kind: "held", access: "READ" });
      expect(holders.map(({ pid }) => pid)).toContain(probed.kind === "held" ? (probed.pid ?? -1) : -1);
    });
  });

  onPython("a lock far beyond the end of the file is found", () =>
    probing([{ access: "WRITE", ...sharedRange }], (probe) => {
      expect(probe(sharedRange.firstByte + 509, 1)).toMatchObject({ kind: "held", access: "WRITE" });
      expect(probe(sharedRange.firstByte + 510, 1)).toEqual({ kind: "free" });
    }),
  );

  onPython("asking takes no lock: who asked is not in anybody's way", () =>
    probing([], (probe) => {
      expect(probe(120, 8)).toEqual({ kind: "free" });
      const locks = readFileSync("/proc/locks", "utf8");
      expect(locks).not.toMatch(new RegExp(`POSIX .* ${process.pid} `));
    }),
  );

  test.skipIf(withoutNamespaces !== null)(
    testName("a holder in another PID namespace is told, without its pid", withoutNamespaces),
    // From inside an inner namespace its parent is not visible: the holder lives outside, the probe asks within.
    async () => {
      using directory = makeTempDirectory();
      const path = directory.file("locked");
      writeFileSync(path, new Uint8Array(200));
      await using _holder = await hold(path, { access: "WRITE", firstByte: 120, lengthBytes: 1 });
      const probePath = JSON.stringify(`${import.meta.dir}/../../../src/host/lockProbe.ts`);
      const script = `
        const { probeLock } = await import(${probePath});
        const descriptor = require("node:fs").openSync(${JSON.stringify(path)}, "r");
        console.log(JSON.stringify([probeLock(descriptor, 120, 1), probeLock(descriptor, 121, 1)]));
        console.log("locks " + JSON.stringify(require("node:fs").readFileSync("/proc/locks", "utf8").includes(" 120 120")));`;
      const unshare = ["unshare", "--pid", "--fork", "--mount-proc"];
      await using child = spawnProcess({
        command: [...unshare, process.execPath, "--no-env-file", "-e", script],
      });
      expect(JSON.parse(await child.waitForLine("["))).toEqual([
        { kind: "held", access: "WRITE", pid: null },
        { kind: "free" },
      ]);
      // The reason for asking at all: the list of locks does not show it there.
      expect(await child.waitForLine("locks ")).toBe("locks false");
    },
  );

  test("a call that fails says which error", () => {
    expect(probeLock(1_000_000, 0, 1)).toEqual({ kind: "failed", code: "EBADF" });
  });
});
