/** statx(2) by bun:ffi says what node:fs says, of every kind of file and of every failure. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { errnoOf } from "../../../src/host/errno.ts";
import { createStatCalls, type FileStats } from "../../../src/host/fileStats.ts";
import { loadStatx } from "../../../src/host/statx.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

const byStatx = createStatCalls();
const byNode = createStatCalls(null);

function outcome(look: () => FileStats | undefined): FileStats | string {
  try {
    return look() ?? "absent";
  } catch (error) {
    return errnoOf(error);
  }
}

test("statx can be had where the tests run, so what follows is no comparison of node:fs with itself", () => {
  expect(loadStatx()).not.toBeNull();
});

describe("the two agree on", () => {
  test("every kind of file, by path and by descriptor, with links followed or not", () => {
    using directory = makeTempDirectory();
    const { file } = directory;
    writeFileSync(file("plain"), "four");
    truncateSync(file("plain"), 5 * 2 ** 30);
    chmodSync(file("plain"), 0o4640);
    utimesSync(file("plain"), 1_234_567_890.123_456, 4_000_000_000.5);
    linkSync(file("plain"), file("second name"));
    mkdirSync(file("folder"));
    symlinkSync("plain", file("link"));
    symlinkSync("nowhere", file("dangling"));
    symlinkSync("loop", file("loop"));
    execFileSync("mkfifo", [file("fifo")]);
    writeFileSync(file("дані\nдва рядки"), "");
    const long = file("x".repeat(300));
    const names = ["plain", "second name", "folder", "link", "dangling", "loop", "fifo", "дані\nдва рядки"];
    const paths = [...names, "nothing", "plain/below"].map(file);
    for (const path of [...paths, long, `/${"y/".repeat(5_000)}`, "", "/dev/null"]) {
      const [byPath, followed] = [byNode.lstat, byNode.stat].map((call) => outcome(() => call(path)));
      expect({ path, said: outcome(() => byStatx.lstat(path)) }).toEqual({ path, said: byPath ?? "" });
      expect({ path, said: outcome(() => byStatx.stat(path)) }).toEqual({ path, said: followed ?? "" });
    }
    const descriptor = openSync(file("plain"), "r");
    expect(byStatx.fstat(descriptor)).toEqual(byNode.fstat(descriptor));
    closeSync(descriptor);
    expect(outcome(() => byStatx.fstat(descriptor))).toBe("EBADF");
  });
});

describe.each([
  ["statx", byStatx],
  ["node:fs", byNode],
] as const)("by %s a look", (_, calls) => {
  test("is the very value of the one before until something about the file changes", () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    writeFileSync(path, "some");
    let before = calls.lstat(path);
    const changes: readonly (() => void)[] = [
      () => appendFileSync(path, "more"),
      () => chmodSync(path, 0o600),
      () => linkSync(path, directory.file("second")),
      () => utimesSync(path, 1, 1),
      () => {
        writeFileSync(directory.file("new"), "somemore");
        renameSync(directory.file("new"), path);
      },
    ];
    for (const change of changes) {
      expect(calls.lstat(path)).toBe(before);
      change();
      const after = calls.lstat(path);
      expect(after).not.toBe(before);
      expect(after).not.toEqual(before);
      before = after;
    }
    rmSync(path);
    expect(calls.lstat(path)).toBeUndefined();
  });

  test("refuses a path with a zero byte in it: the kernel would look at another file", () => {
    expect(() => calls.lstat("/etc\0/passwd")).toThrow(TypeError);
    expect(() => calls.stat("/etc\0/passwd")).toThrow(TypeError);
  });
});
