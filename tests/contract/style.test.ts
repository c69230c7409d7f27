/**
 * House style as a test that tests itself, after TigerBeetle's tidy.zig: what a linter does not say, said
 * here. Each rule is a function from one file to its problems, and each is shown able to fail.
 */
import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { moduleGraph, reachableFrom, withoutComments } from "../support/moduleGraph.ts";
import { checkoutPath, readSourceFiles, readTrackedFiles, type SourceFiles } from "../support/sourceFiles.ts";

type Rule = (path: string, text: string) => boolean;

const linesMax = 300;
const workerEntry = "src/worker/entry.ts";
const inSource: Rule = (path) => path.startsWith("src/");
/** Its examples break the rules on purpose. */
const selfPath = "tests/contract/style.test.ts";
const isTest: Rule = (path) => path.endsWith(".test.ts");
const code: (text: string) => string = withoutComments;

/** Only re-exports, and no reason of its own. */
function isBarrel(text: string): boolean {
  const rest = code(text).replace(/^export\s+(?:type\s+)?(?:\*|\{[^}]*\})[^;]*from\s+"[^"]+";?/gm, "");
  return code(text).trim() !== "" && rest.trim() === "";
}

/** Written so that this file does not break its own rules. */
const leftovers = new RegExp(["TO", "DO|FIX", "ME|X", "XX\\b"].join(""));

const rules: Readonly<Record<string, Rule>> = {
  "longer than 300 lines": (path, text) => inSource(path, text) && text.split("\n").length - 1 > linesMax,
  "file name not camelCase": (path) => !/^[a-z][a-zA-Z0-9]*(\.test)?\.ts$/.test(basename(path)),
  "named after nothing": (path) => /^(utils?|helpers?|manager|misc|common)\.ts$/i.test(basename(path)),
  "default export": (_path, text) => /^export\s+default\b|\bas default\b/m.test(code(text)),
  "barrel file": (path, text) => inSource(path, text) && isBarrel(text),
  "unfinished work": (_path, text) => leftovers.test(text),
  "the type any": (_path, text) => /(?::|\bas|<|\||,)\s*any\b(?=\s*(?:[;,)>=|[\]}]|$))/m.test(code(text)),
  "a suppressed check": (path, text) =>
    inSource(path, text) && /@ts-(ignore|nocheck|expect-error)|biome-ignore/.test(text),
  "the environment read outside of main": (path, text) =>
    inSource(path, text) && path !== "src/main.ts" && /\b(process|Bun|import\.meta)\.env\b/.test(code(text)),
  "an exit outside of main": (path, text) =>
    inSource(path, text) &&
    path !== "src/main.ts" &&
    path !== workerEntry &&
    /\bprocess\.(exit|abort|reallyExit)\b/.test(code(text)),
  "console in the product": (path, text) => inSource(path, text) && /\bconsole\./.test(code(text)),
  "no head comment": (path, text) => inSource(path, text) && !/^(#!.*\n)?\/\*\*/.test(text),
  "a fixed sleep in a test": (path, text) =>
    isTest(path, text) &&
    /\bsleep(Sync)?\s*\(|Atomics\.wait\b|setTimeout\(\s*(resolve|done|r)\b|timers\/promises/.test(code(text)),
  "a focused test": (path, text) => isTest(path, text) && /\b(test|describe|it)\.only\(/.test(code(text)),
};

function styleProblems(files: SourceFiles): readonly string[] {
  return [...files].flatMap(([path, text]) =>
    path === selfPath
      ? []
      : Object.entries(rules).flatMap(([name, broken]) => (broken(path, text) ? [`${path}: ${name}`] : [])),
  );
}

/** A script of package.json may start a source file that the daemon does not load, a generator for example. */
const scriptRoots = [...(readTrackedFiles().get("package.json") ?? "").matchAll(/\bsrc\/[\w/]+\.ts\b/g)];

/** Files that nothing in the product reaches; only a test could, and then they are not the product. */
function deadFiles(files: SourceFiles): readonly string[] {
  const roots = ["src/main.ts", "src/index.ts", ...scriptRoots.map(([path]) => path)];
  const reached = reachableFrom(roots, moduleGraph(files));
  return [...files.keys()].filter((path) => !reached.has(path));
}

/** What names this machine, or a service that a reader cannot know; split so that this file is clean. */
const privatePlaces = [
  ["/work", "/"],
  ["/root", "/"],
  ["/home", "/"],
  ["shared", "/design.md"],
  ["shared", "/facts.md"],
  ["/tmp/", "brief"],
  ["npm", "mirror"],
  ["artifact", "ory"],
].map((parts) => parts.join(""));

/** The lock file may name the public registry, which is where npm takes packages from; nothing else may. */
const publicRegistry = /^https:\/\/registry\.npmjs\.org\//;

function placeProblems(files: SourceFiles): readonly string[] {
  const problems: string[] = [];
  for (const [path, text] of files) {
    for (const place of privatePlaces) if (text.includes(place)) problems.push(`${path}: mentions ${place}`);
    const isLockFile = path === "package-lock.json";
    const resolved = isLockFile ? text : "";
    for (const [, url = ""] of resolved.matchAll(/"resolved": "([^"]+)"/g)) {
      if (!publicRegistry.test(url)) problems.push(`${path}: resolved from ${url}`);
    }
    if (!isLockFile && /registry\.[\w-]+\.\w+|https?:\/\/[^\s"']*\/(npm|simple|pypi)\//.test(code(text))) {
      if (path !== selfPath) problems.push(`${path}: mentions a registry host`);
    }
  }
  return [...new Set(problems)];
}

describe("the checkout", () => {
  const source = readSourceFiles("src");

  test("keeps the house style", () => {
    expect(styleProblems(readSourceFiles("src", "tests"))).toEqual([]);
  });

  test("has a median source file under 150 lines", () => {
    const lengths = [...source.values()].map((text) => text.split("\n").length).sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)] ?? 0).toBeLessThan(150);
  });

  test("has no source file that the product does not use", () => {
    expect(deadFiles(source)).toEqual([]);
  });

  test("mentions no registry and no path of the machine it was written on", () => {
    const tracked = readTrackedFiles();
    expect(tracked.has("package.json"), checkoutPath).toBe(true);
    expect(placeProblems(tracked)).toEqual([]);
  });
});

describe("the checker finds", () => {
  const head = "/** Why. */\n";
  const examples: readonly (readonly [rule: string, path: string, text: string])[] = [
    ["longer than 300 lines", "src/http/a.ts", head + "const x = 1;\n".repeat(301)],
    ["file name not camelCase", "src/http/status-page.ts", head],
    ["file name not camelCase", "tests/unit/Status.test.ts", head],
    ["named after nothing", "src/http/utils.ts", head],
    ["default export", "src/http/a.ts", `${head}export default function a() {}`],
    ["default export", "src/http/a.ts", `${head}const a = 1;\nexport { a as default };`],
    ["barrel file", "src/http/a.ts", `${head}export * from "./b.ts";\nexport { c } from "./c.ts";`],
    ["unfinished work", "src/http/a.ts", `${head}// ${"TO"}${"DO"}: later`],
    ["the type any", "src/http/a.ts", `${head}export const a = (b: any) => b;`],
    ["the type any", "tests/unit/a.test.ts", "const a = b as any;"],
    ["the type any", "src/http/a.ts", `${head}const a: Map<string, any> = b;`],
    ["a suppressed check", "src/http/a.ts", `${head}// @ts-${"ignore"}\n`],
    ["the environment read outside of main", "src/config/a.ts", `${head}const a = process.env.HOME;`],
    ["an exit outside of main", "src/cli/run.ts", `${head}process.exit(1);`],
    ["console in the product", "src/cli/a.ts", `${head}console.log(1);`],
    ["no head comment", "src/cli/a.ts", "const a = 1;"],
    ["a fixed sleep in a test", "tests/unit/a.test.ts", "await Bun.sleep(50);"],
    [
      "a fixed sleep in a test",
      "tests/unit/a.test.ts",
      "await new Promise((resolve) => setTimeout(resolve, 50));",
    ],
    ["a focused test", "tests/unit/a.test.ts", 'test.only("a", () => {});'],
  ];

  test.each([...examples])("%s in %s", (rule, path, text) => {
    expect(styleProblems(new Map([[path, text]]))).toEqual([`${path}: ${rule}`]);
  });

  test("every rule has an example", () => {
    expect(Object.keys(rules).filter((rule) => !examples.some(([name]) => name === rule))).toEqual([]);
  });

  test("nothing in what is allowed", () => {
    const files = new Map([
      ["src/main.ts", `${head}process.exit(await main(process.env));`],
      [workerEntry, `${head}process.exit(0); // never any process.env here`],
      [
        "src/http/anyName.ts",
        `${head}// if any, console.log is not called\nconst any = [1]; export { any };`,
      ],
      ["tests/unit/a.test.ts", "await waitFor(() => done);"],
    ]);
    expect(styleProblems(files)).toEqual([]);
  });

  test("a file that only a test imports", () => {
    const files = new Map([
      ["src/main.ts", 'await import("./cli/a.ts");'],
      ["src/cli/a.ts", 'import type { B } from "./b.ts";'],
      ["src/cli/b.ts", "export type B = 1;"],
      ["src/cli/dead.ts", 'import "./a.ts";'],
    ]);
    expect(deadFiles(files)).toEqual(["src/cli/dead.ts"]);
  });

  test("a private path and a private registry", () => {
    const files = new Map([
      ["README.md", `see ${privatePlaces[0]}notes`],
      ["package-lock.json", '"resolved": "https://packages.example.net/zod.tgz"'],
      ["docs.md", `https://${"registry"}.example.net/zod`],
    ]);
    expect(placeProblems(files)).toHaveLength(3);
  });
});
