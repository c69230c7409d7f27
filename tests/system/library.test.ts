/**
 * The published package, as an application gets it: packed, installed into another project, and used under
 * Node.js with better-sqlite3, under Bun with node:sqlite, and by the TypeScript compiler.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { spawnProcess } from "../support/childProcess.ts";
import { requireTool, unavailable } from "../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../support/tempDirectory.ts";
import { withDeadline } from "../support/waitFor.ts";

const checkout = join(import.meta.dir, "../..");
const withoutTools = requireTool("npm", "node");
/** better-sqlite3 is compiled where no prebuilt binary can be had, which takes minutes. */
const installDeadlineMs = 480_000;

const readings = [
  "busy_timeout=10000",
  "journal_mode=wal",
  "synchronous=EXTRA",
  "foreign_keys=on",
  "ProfileError journal_mode memory",
  "transaction",
];

/** Prints the readings above for a driver whose connections `open(path)` makes. */
function program(importAndOpen: string): string {
  return `import { applyProfile, ProfileError } from "walwarden";
${importAndOpen}
const connection = open("kv.db");
for (const { pragma, actual } of applyProfile(connection)) console.log(pragma + "=" + actual);
try { applyProfile(open(":memory:")); }
catch (error) { console.log(error instanceof ProfileError ? error.name : "?", error.pragma, error.actual); }
connection.exec("BEGIN");
try { applyProfile(connection); } catch (error) { console.log(error.reason); }
`;
}

/** Node.js's own headers, where they were installed with it: a compilation then needs no download. */
function nodeHeaders(): Readonly<Record<string, string>> {
  const prefix = dirname(dirname(realpathSync(Bun.which("node") ?? "/usr/bin/node")));
  return existsSync(join(prefix, "include/node/node.h")) ? { npm_config_nodedir: prefix } : {};
}

async function run(
  command: readonly string[],
  workingDirectory: string,
  deadlineMs: number,
): Promise<{ readonly code: number; readonly lines: readonly string[]; readonly stderr: string }> {
  await using child = spawnProcess({
    command,
    workingDirectory,
    environment: { ...process.env, ...nodeHeaders() },
  });
  const code = await withDeadline(command.join(" "), child.exited, deadlineMs);
  return { code, lines: [...child.lines], stderr: child.stderr() };
}

describe.skipIf(withoutTools !== null)("the packed library in another project", () => {
  let project: TempDirectory;

  beforeAll(async () => {
    project = makeTempDirectory();
    const packed = await run(["npm", "pack", "--pack-destination", project.path], checkout, 60_000);
    expect(packed).toMatchObject({ code: 0 });
    const tarball = packed.lines.findLast((line) => line.endsWith(".tgz")) ?? "no tarball";
    writeFileSync(project.file("package.json"), JSON.stringify({ name: "application", type: "module" }));
    // --ignore-scripts: the application has its own Node.js and Bun; the pinned Bun's placeholder is enough.
    const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
    const installed = await run(["npm", "install", ...flags, `./${tarball}`], project.path, 120_000);
    expect(installed.code, installed.stderr).toBe(0);
  }, 200_000);

  afterAll(() => project.remove());

  test("under Bun it configures a node:sqlite connection", async () => {
    const source = program(`import { DatabaseSync } from "node:sqlite";
const open = (path) => new DatabaseSync(path);`);
    writeFileSync(project.file("bun.mjs"), source);
    const ran = await run([process.execPath, "--no-env-file", "bun.mjs"], project.path, 20_000);
    expect(ran).toMatchObject({ code: 0, lines: readings });
  });

  test("under Bun openDatabase opens with bun:sqlite", async () => {
    const source = `import { openDatabase } from "walwarden";
console.log(openDatabase("own.db").query("PRAGMA journal_mode").get().journal_mode);`;
    writeFileSync(project.file("open.mjs"), source);
    const ran = await run([process.execPath, "--no-env-file", "open.mjs"], project.path, 20_000);
    expect(ran).toMatchObject({ code: 0, lines: ["wal"] });
  });

  test("under Node.js it loads without Bun, and openDatabase says what to use instead", async () => {
    const source = `import { openDatabase } from "walwarden";
try { openDatabase("kv.db"); } catch (error) { console.log(error.message); }`;
    writeFileSync(project.file("node.mjs"), source);
    const ran = await run(["node", "node.mjs"], project.path, 20_000);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.lines[0]).toContain("pass the connection to applyProfile");
  });

  test("the declarations are enough for a strict TypeScript project", async () => {
    const source = `import { applyProfile, ProfileError, type ProfileOptions, type SqlConnection } from "walwarden";
export const options: ProfileOptions = { synchronous: "FULL" };
export function configure(connection: SqlConnection): readonly string[] {
  return applyProfile(connection, options).map((reading) => reading.actual);
}
export function pragmaOf(error: unknown): string | null {
  return error instanceof ProfileError ? error.pragma : null;
}
// @ts-expect-error there is no such level
export const wrong: ProfileOptions = { synchronous: "fast" };
`;
    writeFileSync(project.file("application.ts"), source);
    const compiler = join(checkout, "node_modules/.bin/tsc");
    const flags = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--types",
      "",
      "--target",
      "es2022",
    ];
    const ran = await run(
      [compiler, ...flags, "--module", "nodenext", "application.ts"],
      project.path,
      60_000,
    );
    expect(ran).toMatchObject({ code: 0, lines: [] });
  });

  test(
    "under Node.js it configures a better-sqlite3 connection",
    async () => {
      const flags = ["--no-audit", "--no-fund", "--prefer-offline"];
      const command = ["npm", "install", ...flags, "better-sqlite3@12"];
      const installed = await run(command, project.path, installDeadlineMs);
      if (installed.code !== 0) {
        console.warn(`skipped: ${unavailable(`better-sqlite3 cannot be installed: ${installed.stderr}`)}`);
        return;
      }
      const source = program(`import Database from "better-sqlite3";
const open = (path) => new Database(path);`);
      writeFileSync(project.file("better.mjs"), source);
      expect(await run(["node", "better.mjs"], project.path, 20_000)).toMatchObject({
        code: 0,
        lines: readings,
      });
    },
    installDeadlineMs + 30_000,
  );
});
