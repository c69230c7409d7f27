/** Which source file imports what: static imports, re-exports, dynamic imports, and whether types only. */
import { dirname, posix } from "node:path";
import type { SourceFiles } from "./sourceFiles.ts";

export interface ModuleImport {
  readonly from: string;
  /** A path from the top of the checkout, or the bare specifier of a package or built-in. */
  readonly to: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

const staticImport = /^(?:import|export)\s+(type\s+)?(?:([\s\S]*?)\s+from\s+)?"([^"]+)"/gm;
const dynamicImport = /\b(?:import|require)\(\s*"([^"]+)"\s*\)/g;
/** `typeof import("x")` in a type position. */
const importType = /\btypeof\s+import\(\s*"([^"]+)"\s*\)/g;

/** Comments must not count as code; strings keep their place, so no tokenizer is needed for imports. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function resolveSpecifier(from: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.normalize(posix.join(dirname(from), specifier)) : specifier;
}

/** `import { type A, type B }` imports nothing at run time either. */
function namesOnlyTypes(clause: string | undefined): boolean {
  const names = /^\{([\s\S]*)\}$/.exec(clause?.trim() ?? "")?.[1];
  if (names === undefined) return false;
  const parts = names.split(",").map((name) => name.trim());
  return parts.every((name) => name === "" || name.startsWith("type "));
}

export function importsOf(from: string, source: string): readonly ModuleImport[] {
  const text = withoutComments(source);
  const imports: ModuleImport[] = [];
  for (const [, typeKeyword, clause, specifier = ""] of text.matchAll(staticImport)) {
    const typeOnly = typeKeyword !== undefined || namesOnlyTypes(clause);
    imports.push({ from, to: resolveSpecifier(from, specifier), typeOnly, dynamic: false });
  }
  for (const [, specifier = ""] of text.matchAll(importType)) {
    imports.push({ from, to: resolveSpecifier(from, specifier), typeOnly: true, dynamic: false });
  }
  for (const [, specifier = ""] of text.replace(importType, "").matchAll(dynamicImport)) {
    imports.push({ from, to: resolveSpecifier(from, specifier), typeOnly: false, dynamic: true });
  }
  return imports;
}

export function moduleGraph(files: SourceFiles): readonly ModuleImport[] {
  return [...files].flatMap(([path, text]) => [...importsOf(path, text)]);
}

/** Everything that the roots reach, types included: a file outside of it is dead. */
export function reachableFrom(roots: readonly string[], graph: readonly ModuleImport[]): ReadonlySet<string> {
  const reached = new Set(roots);
  // A Set is iterated in insertion order, and what is added meanwhile is still visited.
  for (const path of reached) {
    for (const edge of graph) if (edge.from === path) reached.add(edge.to);
  }
  return reached;
}

/** The first cycle of imports that exist at run time and at load time, or null. */
export function findCycle(graph: readonly ModuleImport[]): readonly string[] | null {
  const edges = Map.groupBy(
    graph.filter((edge) => !edge.typeOnly && !edge.dynamic),
    (edge) => edge.from,
  );
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] | null => {
    if (finished.has(path)) return null;
    const start = trail.indexOf(path);
    if (start !== -1) return [...trail.slice(start), path];
    for (const edge of edges.get(path) ?? []) {
      const cycle = visit(edge.to, [...trail, path]);
      if (cycle !== null) return cycle;
    }
    finished.add(path);
    return null;
  };
  for (const path of edges.keys()) {
    const cycle = visit(path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
