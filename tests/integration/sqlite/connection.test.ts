import { expect, test } from "bun:test";
import { openHandle, prepareCheckpointer } from "../../../src/sqlite/connection.ts";
import { FileIdentityError } from "../../../src/sqlite/fileIdentity.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { profile, targetOf } from "../worker/harness.ts";

test("a connection that checkpoints syncs, also for a profile with synchronous OFF, and never checkpoints by itself", () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  openHandle({ path, identity: null }, "create").close(true);
  for (const [synchronous, level] of [
    ["OFF", 1],
    ["NORMAL", 1],
    ["FULL", 2],
    ["EXTRA", 3],
  ] as const) {
    const handle = openHandle(targetOf(path), "readWrite");
    prepareCheckpointer(handle, { ...profile, synchronous });
    expect(handle.query("PRAGMA synchronous").get()).toEqual({ synchronous: level });
    expect(handle.query("PRAGMA wal_autocheckpoint").get()).toEqual({ wal_autocheckpoint: 0 });
    handle.close(false);
  }
});

test("a connection that checkpoints waits for others no longer than two seconds, whatever the profile says", () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  openHandle({ path, identity: null }, "create").close(true);
  for (const [busyTimeoutMs, timeout] of [
    [500, 500],
    [5_000, 2_000],
  ] as const) {
    const handle = openHandle(targetOf(path), "readWrite");
    prepareCheckpointer(handle, { ...profile, busyTimeoutMs });
    expect(handle.query("PRAGMA busy_timeout").get()).toEqual({ timeout });
    handle.close(false);
  }
});

test("a handle is only given out on the file that was observed", () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  openHandle({ path, identity: null }, "create").close(true);
  expect(() => openHandle({ path, identity: "0:0" }, "readOnly")).toThrow(FileIdentityError);
  expect(() => openHandle({ path: "relative.db", identity: null }, "readOnly")).toThrow("absolute");
});
