import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { configJsonSchemaText } from "../../src/config/jsonSchema.ts";
import { loadConfig } from "../../src/config/load.ts";

const folder = join(import.meta.dir, "../../config");
const textOf = (name: string) => readFileSync(join(folder, name), "utf8");

function load(environment: Readonly<Record<string, string>>, fileText?: string) {
  return loadConfig({
    flags: fileText === undefined ? {} : { config: "/etc/walwarden/walwarden.yml" },
    environment,
    readFile: () => fileText ?? "",
    workingDirectory: "/srv/app",
  });
}

/** The example file with its further examples switched on: # right before a key. */
const withExamples = textOf("walwarden.yml").replace(/^(\s*)#(?=[A-Za-z]+:)/gm, "$1");

describe("config/walwarden.schema.json", () => {
  test("is what npm run generate writes", () => {
    expect(textOf("walwarden.schema.json")).toBe(configJsonSchemaText());
  });
});

describe("config/walwarden.yml", () => {
  test("is a valid configuration without a warning", () => {
    const result = load({}, textOf("walwarden.yml"));
    expect(result.ok ? result.config.warnings : result.problems).toEqual([]);
  });

  test("is one with its further examples switched on, too", () => {
    expect(withExamples).not.toBe(textOf("walwarden.yml"));
    const result = load({}, withExamples);
    expect(result.ok ? "valid" : result.problems).toBe("valid");
  });

  test("tells editors where the schema is", () => {
    expect(textOf("walwarden.yml")).toStartWith("# yaml-language-server: $schema=./walwarden.schema.json\n");
  });

  test("shows every key that the schema has, and no other", () => {
    const shown = new Set(keysOfValue(parse(withExamples), ""));
    const known = new Set(keysOfSchema(JSON.parse(configJsonSchemaText()), ""));
    // Under databases any setting may stand again: what matters there is what only an entry has.
    const needed = [...known].filter(
      (key) => !key.startsWith("databases[].") || /\.(name|path|glob)$/.test(key),
    );
    expect(needed.filter((key) => !shown.has(key))).toEqual([]);
    expect([...shown].filter((key) => !known.has(key))).toEqual([]);
  });

  test("what it writes down outside databases is the default", () => {
    const bare = "databases: [{name: kv, path: /var/lib/kvdb-mem/kv.db}]\n";
    const example = load({}, textOf("walwarden.yml"));
    const defaults = load({}, bare);
    if (!example.ok || !defaults.ok) throw new Error("not valid");
    const { databases, globs: _, ...daemon } = example.config;
    const { databases: databasesByDefault, globs: __, ...daemonByDefault } = defaults.config;
    expect(daemon).toEqual(daemonByDefault);
    expect(databases[0]).toEqual(databasesByDefault[0]);
  });
});

describe("the ready-made environments", () => {
  for (const name of ["development.env", "staging.env", "production.env"]) {
    test(`config/${name} loads without a problem, without a warning`, () => {
      const result = load(variablesOf(name));
      expect(result.ok ? result.config.warnings : result.problems).toEqual([]);
    });

    test(`config/${name} is plain enough for systemd, Docker and a shell`, () => {
      for (const line of textOf(name).split("\n")) {
        expect(line).toMatch(/^$|^#|^[A-Z][A-Z0-9_]*=[A-Za-z0-9._/-]+$/);
      }
    });
  }

  test("development commits fast and creates its database", () => {
    expect(databaseOf("development.env")).toMatchObject({
      path: "/srv/app/kv.db",
      whenMissing: "create",
      profile: { synchronous: "NORMAL", busyTimeoutMs: 5000 },
      checkpoint: { schedule: { kind: "interval", intervalMs: 30_000 } },
      integrity: { startup: "OFF" },
    });
  });

  test("staging is as durable as production", () => {
    expect(databaseOf("staging.env")).toEqual(databaseOf("production.env"));
  });

  test("production is the crash-safety baseline", () => {
    expect(databaseOf("production.env")).toMatchObject({
      path: "/var/lib/kvdb-mem/kv.db",
      whenMissing: "wait",
      busyTimeoutDeclared: true,
      profile: { journalMode: "WAL", synchronous: "EXTRA", busyTimeoutMs: 10_000, foreignKeys: true },
      checkpoint: { schedule: { kind: "interval", intervalMs: 60_000 } },
      integrity: { startup: "QUICK" },
    });
  });
});

function databaseOf(name: string) {
  const result = load(variablesOf(name));
  return result.ok ? result.config.databases[0] : undefined;
}

/** As systemd.exec(5), EnvironmentFile=, reads plain lines: everything behind = is the value. */
function variablesOf(name: string): Record<string, string> {
  const lines = textOf(name)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function keysOfValue(value: unknown, at: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysOfValue(item, `${at}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => {
    const path = at === "" ? key : `${at}.${key}`;
    return [path, ...keysOfValue(below, path)];
  });
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

function keysOfSchema(schema: SchemaNode, at: string): string[] {
  if (schema.items !== undefined) return keysOfSchema(schema.items, `${at}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([key, below]) => {
    const path = at === "" ? key : `${at}.${key}`;
    return [path, ...keysOfSchema(below, path)];
  });
}
