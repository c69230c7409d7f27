import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CheckConfigOptions, runCheckConfig } from "../../src/cli/checkConfig.ts";

let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "walwarden-check-config-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function check(options: CheckConfigOptions, environment: Readonly<Record<string, string>> = {}) {
  let stdout = "";
  let stderr = "";
  const status = await runCheckConfig(options, {
    environment,
    workingDirectory: directory,
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
  });
  return { status, stdout, stderr };
}

describe("a configuration that holds", () => {
  test("every value is shown with its origin: flag, environment, file and line, default", async () => {
    writeFileSync(
      join(directory, "w.yml"),
      "observeInterval: 2s\ndatabases:\n  - path: a.db\n    mode: observe\n",
    );
    const options = { config: "w.yml", listen: "127.0.0.1:0" };
    const { status, stdout, stderr } = await check(options, { KVDB_SQLITE_SYNCHRONOUS: "full" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^ {2}listen +127\.0\.0\.1:0 +flag --listen$/m);
    expect(stdout).toMatch(/^ {2}observeInterval +2s +file w\.yml:1$/m);
    expect(stdout).toMatch(/^database a$/m);
    expect(stdout).toMatch(/^ {2}mode +observe +file w\.yml:4$/m);
    expect(stdout).toMatch(/^ {2}synchronous +FULL +environment KVDB_SQLITE_SYNCHRONOUS$/m);
    expect(stdout).toMatch(/^ {2}checkpoint\.schedule +1m +default$/m);
  });

  test("the origins stand below one another", async () => {
    const { stdout } = await check({});
    const rows = stdout.split("\n").filter((line) => line.startsWith("  "));
    expect(new Set(rows.map((line) => line.lastIndexOf("  default"))).size).toBe(1);
  });

  test("--json says the same as data", async () => {
    writeFileSync(join(directory, "w.yml"), "databases: [{path: a.db, synchronous: NORMAL}]\n");
    const { status, stdout } = await check({ config: "w.yml", json: true });
    const answer = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(answer.ok).toBe(true);
    expect(answer.config.databases[0].profile.synchronous).toBe("NORMAL");
    expect(answer.sections[1].rows).toContainEqual({
      key: "synchronous",
      value: "NORMAL",
      from: "file w.yml:1",
    });
  });

  test("warnings come at the end", async () => {
    writeFileSync(join(directory, "w.yml"), "databases: [{path: a.db}]\n");
    const { status, stdout } = await check({ config: "w.yml" }, { KVDB_SQLITE_FILE: "kv.db" });
    expect(status).toBe(0);
    expect(stdout.trimEnd().split("\n").at(-1)).toStartWith("warning: KVDB_SQLITE_FILE is set: the 1 entry");
  });

  test("no database is touched, and nothing is written", async () => {
    writeFileSync(join(directory, "kv.db"), "not a database");
    expect((await check({}, { NODE_ENV: "development" })).status).toBe(0);
    expect((await check({}, { KVDB_SQLITE_FILE: "new.db", NODE_ENV: "development" })).status).toBe(0);
    expect(readdirSync(directory)).toEqual(["kv.db"]);
  });
});

describe("a configuration that does not hold: every problem on a line of its own, status 78", () => {
  test("variables and file at once", async () => {
    writeFileSync(join(directory, "w.yml"), "listn: x\ndatabases:\n  - path: a\n    mode: y\n");
    const { status, stdout, stderr } = await check({ config: "w.yml" }, { KVDB_SQLITE_SYNCHRONOUS: "a\nb" });
    expect({ status, stdout }).toEqual({ status: 78, stdout: "" });
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toStartWith('config: KVDB_SQLITE_SYNCHRONOUS: "a\\nb" is not accepted; accepted: OFF,');
    expect(lines.join("\n")).toContain(`${join(directory, "w.yml")}:4:5 databases[0].mode: "y"`);
  });

  test("--json has them as data on stdout", async () => {
    const { status, stdout } = await check({ json: true }, { WALWARDEN_MODE: "x" });
    expect(status).toBe(78);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      problems: [{ source: "WALWARDEN_MODE", value: '"x"' }],
    });
  });

  test("a file that is not there, and a folder in its place, with path and errno", async () => {
    mkdirSync(join(directory, "folder.yml"));
    const missing = await check({ config: "none.yml" });
    expect(missing.status).toBe(78);
    expect(missing.stderr).toContain(`ENOENT on ${join(directory, "none.yml")}`);
    const folder = await check({}, { WALWARDEN_CONFIG: "folder.yml" });
    expect(folder.status).toBe(78);
    expect(folder.stderr).toContain(`EISDIR on ${join(directory, "folder.yml")}`);
    const parent = await check({ config: "none.yml/w.yml" });
    expect(parent.status).toBe(78);
  });

  test("control characters of names are not passed on to the terminal", async () => {
    const { stderr, stdout } = await check({}, { "WALWARDEN_\u001b[31m": "x" });
    expect(stdout + stderr).not.toContain("\u001b");
    const table = await check({}, { KVDB_SQLITE_FILE: "a\u001b[31m.db" });
    expect(table.stdout).not.toContain("\u001b");
  });
});
