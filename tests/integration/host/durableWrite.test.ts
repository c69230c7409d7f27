/** A file of the daemon's own is the old one or the new one, whatever fails. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { type DurableWriteOperation, temporaryPathOf, writeDurably } from "../../../src/host/durableWrite.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

function failure(code: string): Error {
  return Object.assign(new Error(code), { errno: -5, code });
}

const beforeRename: readonly DurableWriteOperation[] = ["open", "chmod", "write", "fsync", "close", "rename"];

describe("writeDurably", () => {
  test("writes texts and bytes, with the permissions that were asked for, and leaves nothing else", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("state.json");
    expect(await writeDurably(path, "one", 0o600)).toEqual({ ok: true });
    expect(await writeDurably(path, new TextEncoder().encode("two"), 0o640)).toEqual({ ok: true });
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(existsSync(temporaryPathOf(path))).toBe(false);
  });

  test("takes what an earlier life left half written", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("state.json");
    writeFileSync(temporaryPathOf(path), "a longer text than the new one");
    expect(await writeDurably(path, "new", 0o600)).toEqual({ ok: true });
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  test.each([...beforeRename])("a failed %s is named and leaves the earlier file", async (operation) => {
    using directory = makeTempDirectory();
    const path = directory.file("state.json");
    await writeDurably(path, "old", 0o600);
    const written = await writeDurably(path, "new", 0o600, (next) => {
      if (next === operation) throw failure("EIO");
    });
    expect(written).toEqual({ ok: false, operation, path, code: "EIO" });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(existsSync(temporaryPathOf(path))).toBe(false);
  });

  test.each(["openDirectory", "fsyncDirectory"] as const)("a failed %s is no success", async (operation) => {
    using directory = makeTempDirectory();
    const path = directory.file("state.json");
    const written = await writeDurably(path, "new", 0o600, (next) => {
      if (next === operation) throw failure("EIO");
    });
    expect(written).toEqual({ ok: false, operation, path, code: "EIO" });
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  test("never writes through a link that lies at the temporary name", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("state.json");
    writeFileSync(directory.file("precious"), "precious");
    symlinkSync(directory.file("precious"), temporaryPathOf(path));
    expect(await writeDurably(path, "new", 0o600)).toMatchObject({
      ok: false,
      operation: "open",
      code: "ELOOP",
    });
    expect(readFileSync(directory.file("precious"), "utf8")).toBe("precious");
  });

  test("a directory that is not there is a result", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("nowhere/state.json");
    expect(await writeDurably(path, "new", 0o600)).toEqual({
      ok: false,
      operation: "open",
      path,
      code: "ENOENT",
    });
  });
});
