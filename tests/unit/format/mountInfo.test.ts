import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mountOf, parseMountInfo } from "../../../src/format/mountInfo.ts";

const table = (...lines: string[]) => parseMountInfo(`${lines.join("\n")}\n`);
const pointOf = (mounts: ReturnType<typeof table>, path: string) => mountOf(mounts, path)?.id;

describe("parseMountInfo", () => {
  test("reads the example of the manual page, whatever the number of optional fields", () => {
    const expected = {
      id: 36,
      parentId: 35,
      device: "98:0",
      root: "/mnt1",
      mountPoint: "/mnt2",
      mountOptions: ["rw", "noatime"],
      fileSystemType: "ext3",
      source: "/dev/root",
      superOptions: ["rw", "errors=continue"],
    };
    for (const optional of ["", "master:1 ", "shared:7 master:1 "])
      expect(
        table(`36 35 98:0 /mnt1 /mnt2 rw,noatime ${optional}- ext3 /dev/root rw,errors=continue`),
      ).toEqual([expected]);
  });

  test("octal escapes are undone once", () => {
    const [mount] = table("1 0 8:1 / /a\\040b\\134040\\011\\043 rw - ext4 none rw");
    expect(mount?.mountPoint).toBe("/a b\\040\t#");
  });

  test("a line that is not understood is left out", () => {
    expect(table("", "1 0 8:1 / /a rw ext4 none rw", "x 0 8:1 / /a rw - ext4 none rw")).toEqual([]);
  });

  test("no text makes it throw", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        mountOf(parseMountInfo(text), "/a/b");
        mountOf(parseMountInfo(`1 1 0:1 / / rw - ${text}`), text);
      }),
    );
  });
});

describe("mountOf", () => {
  const root = "1 0 8:1 / / rw - ext4 none rw";

  test("the longest mount point that is a whole path prefix", () => {
    const mounts = table(root, "2 1 8:2 / /data rw - xfs none rw", "3 2 8:3 / /data/x rw - btrfs none rw");
    expect(pointOf(mounts, "/data")).toBe(2);
    expect(pointOf(mounts, "/data/x/kv.db")).toBe(3);
    expect(pointOf(mounts, "/data/xy/kv.db")).toBe(2);
    expect(pointOf(mounts, "/database/kv.db")).toBe(1);
    expect(mountOf(table("2 1 8:2 / /data rw - xfs none rw"), "/other")).toBeNull();
  });

  test("the last mounted of those on one directory", () => {
    const mounts = table(root, "2 1 8:2 / /data rw - xfs none rw", "3 2 8:3 / /data rw - tmpfs none rw");
    expect(pointOf(mounts, "/data/kv.db")).toBe(3);
  });

  test("a later mount hides those below its directory", () => {
    const mounts = table(root, "2 1 8:2 / /data/old rw - xfs none rw", "3 1 8:3 / /data rw - ext4 none rw");
    expect(pointOf(mounts, "/data/old/kv.db")).toBe(3);
  });

  test("mounts that name one another as parents end too", () => {
    const mounts = table("1 2 8:1 / / rw - ext4 none rw", "2 1 8:2 / / rw - ext4 none rw");
    expect(mountOf(mounts, "/a")).toBeNull();
  });
});
