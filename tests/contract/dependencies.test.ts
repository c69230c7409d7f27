/**
 * Dependencies point one way, as src/DESIGN.md says. The checker is a function over files, so that each rule
 * is shown able to fail by a file that breaks it.
 */
import { describe, expect, test } from "bun:test";
import { findCycle, type ModuleImport, moduleGraph, reachableFrom } from "../support/moduleGraph.ts";
import { readSourceFiles, type SourceFiles } from "../support/sourceFiles.ts";

interface FolderRule {
  /** Folders, or single files, below src that may be imported besides the folder itself. */
  readonly mayImport: readonly string[];
  /** Of these only types. */
  readonly typesFrom?: readonly string[];
}

const folderRules: Readonly<Record<string, FolderRule>> = {
  format: { mayImport: [] },
  domain: { mayImport: [], typesFrom: ["format"] },
  profile: { mayImport: ["domain"] },
  policy: { mayImport: ["domain", "format"] },
  host: { mayImport: ["domain", "format"] },
  observe: { mayImport: ["host", "format", "domain"] },
  sqlite: { mayImport: ["domain", "profile", "format", "host/procLocks.ts", "host/preciseWait.ts"] },
};

const neverAbove = ["daemon", "http", "cli"];
const foldersBelowDaemon = ["sqlite", "observe", "report"];

/** The worker process begins here; src/main.ts loads it instead of the daemon, never beside it. */
const workerEntry = "src/worker/entry.ts";

function folderOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? "";
}

function folderProblem(edge: ModuleImport): string | null {
  const rule = folderRules[folderOf(edge.from)];
  if (rule === undefined || !edge.to.startsWith("src/") || folderOf(edge.to) === folderOf(edge.from))
    return null;
  const within = (allowed: string) => edge.to === `src/${allowed}` || folderOf(edge.to) === allowed;
  if (rule.mayImport.some(within)) return null;
  if (edge.typeOnly && rule.typesFrom?.some(within)) return null;
  return `${edge.from} imports ${edge.to}: ${folderOf(edge.from)} may not`;
}

function packageProblem(edge: ModuleImport): string | null {
  const { from, to } = edge;
  if (to === "bun:sqlite" && folderOf(from) !== "sqlite" && from !== "src/index.ts") {
    return `${from} imports bun:sqlite: only src/sqlite and src/index.ts may`;
  }
  if (to === "bun:ffi" && folderOf(from) !== "host") return `${from} imports bun:ffi: only src/host may`;
  if (/^(node:)?sqlite$/.test(to))
    return `${from} imports ${to}: bun:sqlite is the one SQLite of this project`;
  return null;
}

function upwardProblem({ from, to }: ModuleImport): string | null {
  if (!foldersBelowDaemon.includes(folderOf(from)) || !neverAbove.includes(folderOf(to))) return null;
  return `${from} imports ${to}: what is below the daemon never imports it`;
}

/** The supervisor's process loads, statically or lazily, nothing of src/sqlite. */
function supervisorProblems(graph: readonly ModuleImport[]): readonly string[] {
  const loaded = graph.filter((edge) => !edge.typeOnly && edge.to !== workerEntry);
  const startsInSupervisor = (path: string) =>
    path !== "src/index.ts" && !["sqlite", "worker", "profile"].includes(folderOf(path));
  const workerSide = ["src/worker/pool.ts", "src/worker/client.ts"];
  const roots = loaded.map((edge) => edge.from).filter((path) => startsInSupervisor(path));
  const reached = reachableFrom([...roots, ...workerSide], loaded);
  return loaded
    .filter(({ from, to }) => reached.has(from) && folderOf(to) === "sqlite")
    .filter(({ from }) => folderOf(from) !== "sqlite")
    .map(({ from, to }) => `${from} imports ${to}: only the worker process loads src/sqlite`);
}

/** Everything that is wrong with the imports of these files, one line each. */
function dependencyProblems(files: SourceFiles): readonly string[] {
  const graph = moduleGraph(files);
  const cycle = findCycle(graph);
  return [
    ...graph.flatMap((edge) => [folderProblem(edge), packageProblem(edge), upwardProblem(edge)]),
    ...supervisorProblems(graph),
    ...graph.map((edge) =>
      edge.to.startsWith("src/") && !files.has(edge.to)
        ? `${edge.from} imports ${edge.to}: no such file`
        : null,
    ),
    cycle === null ? null : `import cycle: ${cycle.join(" -> ")}`,
  ].filter((problem) => problem !== null);
}

test("dependencies point one way", () => {
  expect(dependencyProblems(readSourceFiles("src"))).toEqual([]);
});

describe("the checker finds", () => {
  const target = (path: string): [string, string] => [path, "export const x = 1;"];
  const examples: readonly (readonly [string, readonly (readonly [string, string])[], string])[] = [
    [
      "a parser that knows the domain",
      [["src/format/a.ts", 'import { x } from "../domain/b.ts";'], target("src/domain/b.ts")],
      "format may not",
    ],
    [
      "a type that is more than a type",
      [["src/domain/a.ts", 'import { x } from "../format/b.ts";'], target("src/format/b.ts")],
      "domain may not",
    ],
    [
      "a decision that asks the host, over several lines",
      [["src/policy/a.ts", 'import {\n  x,\n} from "../host/b.ts";'], target("src/host/b.ts")],
      "policy may not",
    ],
    [
      "a host that observes",
      [["src/host/a.ts", 'export { x } from "../observe/b.ts";'], target("src/observe/b.ts")],
      "host may not",
    ],
    [
      "an observer that reports",
      [["src/observe/a.ts", 'import type { X } from "../report/b.ts";'], target("src/report/b.ts")],
      "observe may not",
    ],
    [
      "a profile that depends on where it runs",
      [["src/profile/a.ts", 'import { x } from "../host/b.ts";'], target("src/host/b.ts")],
      "profile may not",
    ],
    [
      "raw reads of files in the worker",
      [["src/sqlite/a.ts", 'import { x } from "../host/rawRead.ts";'], target("src/host/rawRead.ts")],
      "sqlite may not",
    ],
    [
      "a supervisor that opens databases",
      [["src/daemon/a.ts", 'import { Database } from "bun:sqlite";']],
      "only src/sqlite and src/index.ts may",
    ],
    [
      "a supervisor that loads the operations, lazily",
      [["src/worker/pool.ts", 'await import("../sqlite/b.ts");'], target("src/sqlite/b.ts")],
      "only the worker process",
    ],
    [
      "a supervisor that loads them by way of the worker's folder",
      [
        ["src/daemon/a.ts", 'import { x } from "../worker/b.ts";'],
        ["src/worker/b.ts", 'import { x } from "../sqlite/c.ts";'],
        target("src/sqlite/c.ts"),
      ],
      "only the worker process",
    ],
    ["another SQLite", [["src/sqlite/a.ts", 'import { backup } from "node:sqlite";']], "the one SQLite"],
    [
      "a system call outside of host",
      [["src/policy/a.ts", 'import { dlopen } from "bun:ffi";']],
      "only src/host",
    ],
    [
      "a report that reaches up",
      [["src/report/a.ts", 'import type { X } from "../daemon/b.ts";'], target("src/daemon/b.ts")],
      "below the daemon",
    ],
    ["an import of nothing", [["src/http/a.ts", 'import { x } from "./b.ts";']], "no such file"],
    [
      "a cycle",
      [
        ["src/http/a.ts", 'import { b } from "./b.ts";'],
        ["src/http/b.ts", 'import { c } from "./c.ts";'],
        ["src/http/c.ts", 'import { a } from "./a.ts";'],
      ],
      "import cycle: src/http/a.ts -> src/http/b.ts -> src/http/c.ts -> src/http/a.ts",
    ],
  ];

  test.each([...examples])("%s", (_name, files, problem) => {
    const problems = dependencyProblems(new Map(files));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test("nothing in types of the format, comments, type cycles and the worker's entry", () => {
    const files = new Map([
      ["src/domain/a.ts", 'import type { X } from "../format/b.ts";'],
      ["src/format/b.ts", '// import { x } from "../domain/a.ts";\n/* import "bun:ffi"; */'],
      ["src/http/a.ts", 'import type { X } from "./b.ts";'],
      ["src/main.ts", 'await import("./worker/entry.ts");'],
      ["src/worker/entry.ts", 'import { x } from "../sqlite/c.ts";'],
      ["src/sqlite/c.ts", 'import { Database } from "bun:sqlite";'],
      ["src/http/b.ts", 'import { type Y, type Z } from "./a.ts";'],
    ]);
    expect(dependencyProblems(files)).toEqual([]);
  });
});
