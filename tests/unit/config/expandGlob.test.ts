import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GlobConfig } from "../../../src/config/config.ts";
import { expandGlobs } from "../../../src/config/expandGlob.ts";
import { loaded } from "./loading.ts";

let root = "";

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "walwarden-glob-"));
  for (const folder of ["a", "b/deep", ".hidden", "real", "private"]) {
    mkdirSync(join(root, "t", folder), { recursive: true });
  }
  const files = [
    "a/kv.db",
    "a/kv.db-wal",
    "a/kv.db-shm",
    "a/kv.db-journal",
    "b/kv.db",
    "b/deep/kv.db",
    "a/sp ace?#.db",
  ];
  for (const file of [...files, ".hidden/kv.db", "a/.kv.db", "real/kv.db", "private/kv.db", "a/x.sqlite"]) {
    writeFileSync(join(root, "t", file), "");
  }
  mkdirSync(join(root, "t", "a", "folder.db"));
  symlinkSync("kv.db", join(root, "t", "a", "link.db"));
  symlinkSync("real", join(root, "t", "linked"));
  symlinkSync("..", join(root, "t", "b", "up"));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function globsOf(...entries: readonly string[]): readonly GlobConfig[] {
  return loaded({ file: `databases: [${entries.join(", ")}]\n` }).config.globs;
}

const entry = (pattern: string, more = "") => `{glob: ${JSON.stringify(join(root, "t", pattern))}${more}}`;

async function namesOf(...entries: readonly string[]) {
  return (await expandGlobs(globsOf(...entries))).databases.map(({ name }) => name);
}

describe("what matches", () => {
  test("databases are named by their path below the pattern's folder; SQLite's own files are skipped", async () => {
    expect(await namesOf(entry("a/kv*"))).toEqual(["kv.db"]);
    expect(await namesOf(entry("{a,b}/kv.db"))).toEqual(["a/kv.db", "b/kv.db"]);
    expect(await namesOf(entry("a/*.db", ", name: tenants"))).toEqual([
      "tenants/kv.db",
      "tenants/sp ace?#.db",
    ]);
  });

  test("** goes to any depth, does not follow links and finds each file once", async () => {
    expect(await namesOf(entry("**/kv.db"))).toEqual([
      "a/kv.db",
      "b/deep/kv.db",
      "b/kv.db",
      "private/kv.db",
      "real/kv.db",
    ]);
    expect(await namesOf(entry("**/**/deep/*.db"))).toEqual(["b/deep/kv.db"]);
  });

  test("hidden names match only a pattern that starts with a dot", async () => {
    expect(await namesOf(entry(".h*/*.db"))).toEqual([".hidden/kv.db"]);
    expect(await namesOf(entry("a/.k*"))).toEqual([".kv.db"]);
  });

  test("each match has the settings of its entry, and is passed over when it goes", async () => {
    const { databases } = await expandGlobs(globsOf(entry("a/kv.*", ", synchronous: FULL, busyTimeout: 1s")));
    expect(databases).toHaveLength(1);
    expect(databases[0]).toMatchObject({
      path: join(root, "t", "a/kv.db"),
      glob: join(root, "t", "a/kv.*"),
      whenMissing: "pass",
      busyTimeoutDeclared: true,
      profile: { synchronous: "FULL" },
    });
    expect(Object.isFrozen(databases[0])).toBe(true);
  });

  test("a file that two patterns find is watched once, by the first", async () => {
    expect(await namesOf(entry("a/kv.*", ", name: one"), entry("a/*.db", ", name: two"))).toEqual([
      "one/kv.db",
      "two/sp ace?#.db",
    ]);
  });

  test("a file with an entry of its own keeps it; a name that is taken is refused", async () => {
    const { config } = loaded({
      file: `databases: [{path: ${join(root, "t/b/kv.db")}}, {name: a/kv.db, path: /x}, ${entry("?/kv.db")}]\n`,
    });
    const { databases, refused } = await expandGlobs(config.globs, config.databases);
    expect(databases).toEqual([]);
    expect(refused.map(({ path }) => path)).toEqual([join(root, "t/a/kv.db")]);
  });
});

describe("what is refused is named with its reason", () => {
  test("a symbolic link as the match", async () => {
    const { refused } = await expandGlobs(globsOf(entry("a/l*.db")));
    expect(refused).toEqual([
      { path: join(root, "t/a/link.db"), reason: expect.stringContaining("symbolic link") },
    ]);
  });

  test("a symbolic link to a folder on the way", async () => {
    const { databases, refused } = await expandGlobs(globsOf(entry("l*/kv.db")));
    expect(databases).toEqual([]);
    expect(refused).toEqual([
      { path: join(root, "t/linked"), reason: expect.stringContaining("symbolic link") },
    ]);
  });

  test("but the folder that the pattern starts in may be reached through one", async () => {
    expect(await namesOf(entry("linked/*.db"))).toEqual(["kv.db"]);
  });

  test("a folder to start in that is not there", async () => {
    const { refused } = await expandGlobs(globsOf(entry("none/*.db")));
    expect(refused).toEqual([{ path: join(root, "t/none"), reason: "cannot be read: ENOENT" }]);
  });

  test("a folder that may not be read hides nothing but itself", async () => {
    chmodSync(root, 0o755);
    chmodSync(join(root, "t", "private"), 0);
    const script = join(root, "expand.ts");
    const module = join(import.meta.dir, "../../../src/config/expandGlob.ts");
    const globs = JSON.stringify(globsOf(entry("*/kv.db")));
    writeFileSync(
      script,
      `import { expandGlobs } from ${JSON.stringify(module)};\n` +
        `console.log(JSON.stringify(await expandGlobs(${globs})));\n`,
    );
    // root may read everything: then the search is somebody else's.
    const unprivileged =
      process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const child = Bun.spawn([...unprivileged, process.execPath, "--no-env-file", script], {
      stdout: "pipe",
      stderr: "inherit",
      timeout: 10_000,
    });
    const expansion = JSON.parse(await new Response(child.stdout).text());
    chmodSync(join(root, "t", "private"), 0o700);
    expect(expansion.databases.map(({ name }: { name: string }) => name)).toEqual([
      "a/kv.db",
      "b/kv.db",
      "real/kv.db",
    ]);
    expect(expansion.refused).toContainEqual({
      path: join(root, "t/private"),
      reason: "cannot be read: EACCES",
    });
  });

  test("what was found below a folder that cannot be read now still counts, until the folder is gone", async () => {
    const folder = join(root, "t", "closed");
    const globs = globsOf(entry("closed/*.db"));
    mkdirSync(folder);
    writeFileSync(join(folder, "kv.db"), "");
    const { databases } = await expandGlobs(globs);
    expect(databases.map(({ name }) => name)).toEqual(["kv.db"]);
    rmSync(folder, { recursive: true });
    symlinkSync("closed", folder); // ELOOP, for root too
    const again = await expandGlobs(globs, [], databases);
    expect(again.databases).toEqual(databases);
    expect(again.refused).toEqual([{ path: folder, reason: "cannot be read: ELOOP" }]);
    rmSync(folder);
    expect((await expandGlobs(globs, [], databases)).databases).toEqual([]);
  });
});
