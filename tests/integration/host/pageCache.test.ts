/** cachestat(2) on real files of the machine that runs the tests. */
import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, fdatasyncSync, openSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { cachePageBytes, cachestat } from "../../../src/host/pageCache.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName, unavailable } from "../../support/requirements.ts";
import { checkoutPath } from "../../support/sourceFiles.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

const pageBytes = cachePageBytes() ?? 0;

/** statfs(2) f_type of ext2 to ext4, XFS and Btrfs. */
const truthful = [0xef53, 0x58465342, 0x9123683e];
const noTruth = truthful.includes(statfsSync(tmpdir()).type)
  ? null
  : unavailable("the temporary directory is not on ext4, XFS or Btrfs");
const notRoot = process.getuid?.() === 0 ? null : unavailable("not root");

const withoutPython = requireTool("python3");

const modulePath = JSON.stringify(`${checkoutPath}/src/host/pageCache.ts`);
const askOfItself = [
  "--no-env-file",
  "-e",
  `const { cachestat, cachePageBytes } = await import(${modulePath});
   console.log(JSON.stringify([cachestat(0, 0, 0), cachePageBytes()]));`,
];

/** seccomp(2): load the number of the call, answer ENOSYS (38) to 451, allow the rest. */
const filterThenExec = `
import ctypes, os, struct, sys
code = b"".join(struct.pack("HBBI", *each) for each in
    [(0x20, 0, 0, 0), (0x15, 0, 1, 451), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
`;

const opened: number[] = [];

function open(path: string, flags: string): number {
  const descriptor = openSync(path, flags);
  opened.push(descriptor);
  return descriptor;
}

afterEach(() => {
  for (const descriptor of opened.splice(0)) closeSync(descriptor);
});

describe("cachestat", () => {
  test("the page size is the kernel's", () => {
    const { stdout } = Bun.spawnSync(["getconf", "PAGESIZE"]);
    expect(pageBytes).toBe(Number(stdout.toString()));
  });

  test.skipIf(noTruth !== null)(
    testName("what was written is dirty until it is synced, seen through a read-only descriptor", noTruth),
    () => {
      using directory = makeTempDirectory();
      const written = open(directory.file("file"), "w");
      const descriptor = open(directory.file("file"), "r");
      writeSync(written, new Uint8Array(10 * pageBytes + 1));
      expect(cachestat(descriptor, 0, 0)).toMatchObject({ ok: true, cached: 11, dirty: 11, writeback: 0 });
      fdatasyncSync(written);
      expect(cachestat(descriptor, 0, 0)).toMatchObject({ ok: true, cached: 11, dirty: 0, writeback: 0 });
    },
  );

  test.skipIf(noTruth !== null)(
    testName("a range counts each page that it touches, beyond four gigabytes too", noTruth),
    () => {
      using directory = makeTempDirectory();
      const descriptor = open(directory.file("file"), "w+");
      const far = 5 * 2 ** 30;
      writeSync(descriptor, new Uint8Array(4 * pageBytes), 0, 4 * pageBytes, far);
      const counts = (offsetBytes: number, lengthBytes: number) => {
        const stat = cachestat(descriptor, offsetBytes, lengthBytes);
        return stat.ok ? [stat.cached, stat.dirty] : stat.code;
      };
      expect(counts(far, 4 * pageBytes)).toEqual([4, 4]);
      expect(counts(far + pageBytes, 1)).toEqual([1, 1]);
      expect(counts(far + pageBytes - 1, 2)).toEqual([2, 2]);
      expect(counts(0, far)).toEqual([0, 0]);
      expect(counts(far, 0)).toEqual([4, 4]);
    },
  );

  test("a call that fails says which error", () => {
    expect(cachestat(1_000_000, 0, 0)).toEqual({
      ok: false,
      code: "EBADF",
      reason: "cachestat(2) failed: EBADF",
    });
  });

  test.skipIf(notRoot !== null)(
    testName("a process that neither owns the file nor may write it gets EPERM, never zeros", notRoot),
    async () => {
      const script = `
        const { cachestat } = await import(${modulePath});
        const { openSync } = await import("node:fs");
        process.setgid(65534);
        process.setuid(65534);
        console.log(JSON.stringify(cachestat(openSync("/etc/passwd", "r"), 0, 0)));`;
      await using child = spawnProcess({ command: [process.execPath, "--no-env-file", "-e", script] });
      const line = await child.waitForLine("{");
      expect(JSON.parse(line)).toMatchObject({ ok: false, code: "EPERM" });
    },
  );

  test("where the C library cannot be loaded it is said, and nothing throws", async () => {
    const environment = { ...process.env, BUN_JSC_useJIT: "0" };
    await using child = spawnProcess({ command: [process.execPath, ...askOfItself], environment });
    const [stat, bytes] = JSON.parse(await child.waitForLine("["));
    expect(stat).toMatchObject({ ok: false, code: "FFI" });
    expect(stat.reason).toContain("requires the JIT");
    expect(bytes).toBeNull();
  });

  test.skipIf(withoutPython !== null)(
    testName("behind a seccomp filter that does not know the call it is ENOSYS", withoutPython),
    async () => {
      const command = ["python3", "-c", filterThenExec, process.execPath, ...askOfItself];
      await using child = spawnProcess({ command });
      const [stat, bytes] = JSON.parse(await child.waitForLine("["));
      expect(stat).toMatchObject({ ok: false, code: "ENOSYS" });
      expect(bytes).toBe(pageBytes);
    },
  );
});
