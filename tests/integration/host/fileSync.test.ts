import { describe, expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { realClock } from "../../../src/host/clock.ts";
import { lookAtFile } from "../../../src/host/fileLook.ts";
import { syncFile } from "../../../src/host/fileSync.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

const host = (os: Os) => ({ os, clock: realClock });

function identityOf(path: string): string {
  const look = lookAtFile(realOs, path, { followLinks: false });
  if (look.kind !== "regular") throw new Error(look.kind);
  return look.identity;
}

/** The real system; counts the descriptors that are open. */
function counting(faults: Partial<Os> = {}) {
  let openCount = 0;
  const os: Os = {
    ...realOs,
    open: (path) => {
      openCount += 1;
      return realOs.open(path);
    },
    close: (descriptor) => {
      openCount -= 1;
      realOs.close(descriptor);
    },
    ...faults,
  };
  return { os, openCount: () => openCount };
}

const eio = () => Promise.reject(Object.assign(new Error("EIO"), { code: "EIO", errno: -5 }));

describe("syncFile", () => {
  test("syncs the file it was told, and closes it", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db-wal");
    writeFileSync(path, "frames");
    const { os, openCount } = counting();
    const outcome = await syncFile(host(os), path, identityOf(path));
    expect(outcome).toEqual({ ok: true, durationMs: expect.any(Number) });
    expect(openCount()).toBe(0);
  });

  test("another file in its place is not taken for it", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db-wal");
    writeFileSync(path, "frames");
    const identity = identityOf(path);
    renameSync(path, directory.file("old"));
    writeFileSync(path, "frames");
    const { os, openCount } = counting();
    expect(await syncFile(host(os), path, identity)).toMatchObject({ ok: false, reason: "identity" });
    expect(openCount()).toBe(0);
  });

  test("a sync that failed is not worth a retry: one that succeeds then proves nothing", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db-wal");
    writeFileSync(path, "frames");
    const { os, openCount } = counting({ fdatasync: eio });
    expect(await syncFile(host(os), path, identityOf(path))).toEqual({
      ok: false,
      reason: "system",
      operation: "fdatasync",
      path,
      code: "EIO",
      message: `fdatasync of ${path} failed: EIO`,
      retryable: false,
    });
    expect(openCount()).toBe(0);
  });

  test("a file that is gone is said with operation and path, and may come again", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db-wal");
    expect(await syncFile(host(realOs), path, "1:2")).toMatchObject({
      ok: false,
      reason: "system",
      operation: "open",
      path,
      code: "ENOENT",
      retryable: true,
    });
  });
});
