/** README.md says what the code does, both ways: variables, keys, metrics, endpoints, phrases, commands, scripts. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { daemonKeys } from "../../src/config/fileLayers.ts";
import { settingKeys } from "../../src/config/settings.ts";
import { ownVariables, variableCatalogue } from "../../src/config/variableCatalogue.ts";
import { exitCodes } from "../../src/domain/exitCodes.ts";
import { createApp } from "../../src/http/app.ts";
import { logPhrases } from "../../src/report/logPhrases.ts";
import { makeView } from "../integration/http/testView.ts";
import { withGeneratedParts } from "../support/readmeTables.ts";
import { checkoutPath } from "../support/sourceFiles.ts";

const readme = readFileSync(join(checkoutPath, "README.md"), "utf8");
const packageJson = JSON.parse(readFileSync(join(checkoutPath, "package.json"), "utf8"));

function sourceOf(path: string): string {
  return readFileSync(join(checkoutPath, path), "utf8");
}

function matchesOf(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? match[0]))].sort();
}

/** The generated part of that name. */
function sectionOf(name: string): string {
  return readme.slice(readme.indexOf(`<!-- ${name}:`), readme.indexOf(`<!-- end of ${name} -->`));
}

/** What the first cells of a table have in code quotes. */
function firstCells(table: string): string[] {
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

/** From fastify's drawing of its routes, "├── /metrics (GET, HEAD)": a level is four columns deep. */
function urlsOf(drawing: string): readonly string[] {
  const trail: string[] = [];
  return drawing.split("\n").flatMap((line) => {
    const [, indent = "", part = "", methods] = /^([│├└─ ]*)(\S+)(?: \((.*)\))?$/.exec(line) ?? [];
    if (part === "") return [];
    trail.splice(indent.length / 4 - 1, trail.length, part);
    return methods === undefined ? [] : [trail.join("")];
  });
}

describe("README.md", () => {
  test("has the tables that `npm run generate` makes", () => {
    expect(withGeneratedParts(readme)).toBe(readme);
  });

  test("names every environment variable that the configuration reads, and no other of ours", () => {
    const named = matchesOf(readme, /\b(KVDB_SQLITE_[A-Z_]+|WALWARDEN_[A-Z_]+)\b/g);
    expect(named).toEqual([...ownVariables].sort());
    const inTable = firstCells(sectionOf("variables"));
    expect(inTable).toEqual(Object.keys(variableCatalogue));
  });

  test("has every key of the configuration file once, and no other", () => {
    const keys = [...Object.values(daemonKeys), "name", "path", "glob", ...Object.values(settingKeys)];
    expect(firstCells(sectionOf("keys")).sort()).toEqual(keys.sort());
  });

  test("has every exit status that a command ends with, and no other", () => {
    const statuses = matchesOf(sectionOf("exit statuses"), /^\| (\d+) /gm);
    expect(statuses.map(Number).sort()).toEqual(Object.values(exitCodes).sort());
  });

  test("has every endpoint that the app serves with its method, and no other", async () => {
    const app = createApp(makeView([]), { trusted: true, token: null, allowedHosts: [] });
    await app.ready();
    const served: string[] = [];
    for (const url of urlsOf(app.printRoutes({ commonPrefix: false }))) {
      const { allow = "" } = (await app.inject({ method: "OPTIONS", url })).headers;
      for (const method of String(allow).split(", ")) if (method !== "HEAD") served.push(`${method} ${url}`);
    }
    const named = firstCells(sectionOf("endpoints")).map((path) =>
      path.startsWith("/") ? `GET ${path}` : path.replace("NAME", ":name"),
    );
    expect(named.sort()).toEqual(served.sort());
  });

  test("has every log phrase once, and no other", () => {
    expect(firstCells(sectionOf("log")).sort()).toEqual(Object.values(logPhrases).sort());
  });

  test("names only npm scripts that exist, and the two commands first", () => {
    const scripts = matchesOf(readme, /npm run (?:-s )?([a-z][a-z:-]*)/g);
    expect(scripts.filter((script) => !(script in packageJson.scripts))).toEqual([]);
    expect(readme.indexOf("npm start")).toBeLessThan(readme.indexOf("npm run"));
    expect(readme.indexOf("npm test")).toBeLessThan(readme.indexOf("npm run"));
  });

  test("names every command of the program, and no other", () => {
    const commands = matchesOf(
      sourceOf("src/cli/program.ts"),
      /(?:\.command|addClientCommand)\((?:program, )?"([a-z-]+)"/g,
    );
    expect(commands.length).toBeGreaterThan(4);
    expect(matchesOf(readme, /`walwarden ([a-z-]+)/g)).toEqual(commands);
    const run = matchesOf(readme, /npm run (?:-s )?walwarden -- ([a-z-]+)/g);
    expect(run.filter((command) => !commands.includes(command))).toEqual([]);
  });

  test("links only to headings that are there", () => {
    const headings = matchesOf(readme, /^##+ (.*)$/gm).map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    );
    const links = matchesOf(readme, /\]\(#([^)]+)\)/g);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !headings.includes(link))).toEqual([]);
  });

  test("links only to files that are there", async () => {
    const links = matchesOf(readme, /\]\(([^)#]+)\)/g);
    const missing: string[] = [];
    for (const link of links) if (!(await Bun.file(join(checkoutPath, link)).exists())) missing.push(link);
    expect(missing).toEqual([]);
  });
});
