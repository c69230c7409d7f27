/** README.md says what the code does: variables, metrics, endpoints, phrases, commands, scripts. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { logPhrases } from "../../src/report/logPhrases.ts";
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

describe("README.md", () => {
  test("has the metrics table that `npm run generate` makes", () => {
    expect(withGeneratedParts(readme)).toBe(readme);
  });

  test("names every environment variable that the configuration reads, and no other", () => {
    const pattern = /\b(KVDB_SQLITE_[A-Z_]+|WALWARDEN_[A-Z_]+)\b/g;
    const read = matchesOf(
      sourceOf("src/config/readVariables.ts") + sourceOf("src/config/settings.ts"),
      pattern,
    );
    expect(read.length).toBeGreaterThan(8);
    expect(matchesOf(readme, pattern)).toEqual(read);
  });

  test("names every endpoint that the app serves", () => {
    const routes = matchesOf(
      ["app", "healthRoutes", "databaseRoutes"].map((name) => sourceOf(`src/http/${name}.ts`)).join("\n"),
      /"(\/(?:metrics|health|livez|readyz|startupz|api)[a-z0-9/]*)/g,
    );
    expect(routes.length).toBeGreaterThan(4);
    expect(routes.filter((route) => !readme.includes(route))).toEqual([]);
  });

  test("names only log phrases that exist", () => {
    const section = readme.slice(readme.indexOf("## Log"), readme.indexOf("## Metrics"));
    const table = section.split("\n").filter((line) => line.startsWith("| `"));
    const named = table.flatMap((line) => matchesOf(line.split("|")[1] ?? "", /`([^`]+)`/g));
    const phrases: readonly string[] = Object.values(logPhrases);
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((phrase) => !phrases.includes(phrase))).toEqual([]);
  });

  test("names only npm scripts that exist, and the two commands first", () => {
    const scripts = matchesOf(readme, /npm run (?:-s )?([a-z][a-z:-]*)/g);
    expect(scripts.filter((script) => !(script in packageJson.scripts))).toEqual([]);
    expect(readme.indexOf("npm start")).toBeLessThan(readme.indexOf("npm run"));
    expect(readme.indexOf("npm test")).toBeLessThan(readme.indexOf("npm run"));
  });

  test("names every command of the program", () => {
    const commands = matchesOf(
      sourceOf("src/cli/program.ts"),
      /(?:\.command|addClientCommand)\((?:program, )?"([a-z-]+)"/g,
    );
    expect(commands.length).toBeGreaterThan(4);
    expect(commands.filter((command) => !readme.includes(`walwarden ${command}`))).toEqual([]);
  });

  test("links only to files that are there", async () => {
    const links = matchesOf(readme, /\]\(([^)#]+)\)/g);
    const missing: string[] = [];
    for (const link of links) if (!(await Bun.file(join(checkoutPath, link)).exists())) missing.push(link);
    expect(missing).toEqual([]);
  });
});
