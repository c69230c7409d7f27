/**
 * What there is to be checked, and how much of it: tables with the size of their b-trees, and which of them can be divided
 * by rows. Reads a few pages for each b-tree, whatever the size of the file.
 *
 * Sizes: dbstat visits a b-tree from the root down its left edge, one row a page (dbstat.c), so the product of the cells
 * on the way is an estimate of the pages. Only the division rests on it, never a verdict.
 *
 * A schema that cannot be read cannot be divided: then the whole check says what is wrong.
 */
import type { Database } from "bun:sqlite";
import type { CheckPlan, CheckTable, CheckTree } from "../domain/integrityCheck.ts";
import type { Operation, Target } from "../domain/operation.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { tablesWithChecks } from "./checkedRows.ts";
import { openHandle, setBusyTimeout } from "./connection.ts";
import { comparableRows } from "./integrityRows.ts";
import { isAboutContent } from "./sqliteFailure.ts";
import { statementRows } from "./statementRows.ts";

type PlanOperation = Extract<Operation, { readonly kind: "planCheck" }>;

/** dbstat reads the schema for each b-tree: beyond this all count the same. */
const measuredTreesMax = 4_000;

export function planCheck(operation: PlanOperation, target: Target): CheckPlan {
  const reader = openHandle(target, "readOnly");
  try {
    setBusyTimeout(reader, operation.profile.busyTimeoutMs);
    return planOf(reader, operation.rowsFromPages);
  } catch (thrown) {
    if (!isAboutContent(thrown)) throw thrown;
    return { pageCount: 0, pageSizeBytes: 0, tables: [], undivided: true };
  } finally {
    reader.close(true);
  }
}

function planOf(reader: Database, rowsFromPages: number): CheckPlan {
  reader.exec("BEGIN");
  const pageCount = Number(firstRow(reader, "PRAGMA main.page_count")[0]);
  const pageSizeBytes = Number(firstRow(reader, "PRAGMA main.page_size")[0]);
  const trees = readTrees(reader);
  const pagesOf = trees.length > measuredTreesMax ? evenly(trees, pageCount) : measured(reader, trees);
  const withForeignKeys = new Set(
    statementRows(
      reader,
      `SELECT DISTINCT m.name FROM main.sqlite_schema AS m, pragma_foreign_key_list(m.name) WHERE m.type = 'table'`,
    ).map(([name]) => String(name)),
  );
  const withChecks = new Set(tablesWithChecks(reader));
  const tables = statementRows(
    reader,
    "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')",
  ).map(([rawName, withoutRowid]): CheckTable => {
    const name = String(rawName);
    const tablePageCount = pagesOf.get(name) ?? 1;
    const divisible = tablePageCount >= rowsFromPages && Number(withoutRowid) === 0;
    return {
      name,
      pageCount: Math.min(tablePageCount, pageCount),
      hasForeignKeys: withForeignKeys.has(name),
      hasChecks: withChecks.has(name),
      rows: divisible ? comparableRows(reader, name) : null,
    };
  });
  reader.exec("COMMIT");
  return { pageCount, pageSizeBytes, tables, undivided: tables.length === 0 };
}

/** Every b-tree of the schema, the schema's own among them. */
export function readTrees(reader: Database): readonly CheckTree[] {
  const rows = statementRows(
    reader,
    "SELECT rootpage, name, tbl_name, type FROM main.sqlite_schema WHERE rootpage > 0",
  );
  const schema: CheckTree = { rootPage: 1, name: "sqlite_schema", table: "sqlite_schema", kind: "table" };
  return [
    schema,
    ...rows.map(
      ([rootPage, name, table, kind]): CheckTree => ({
        rootPage: Number(rootPage),
        name: String(name),
        table: String(table),
        kind: kind === "index" ? "index" : "table",
      }),
    ),
  ];
}

function evenly(trees: readonly CheckTree[], pageCount: number): ReadonlyMap<string, number> {
  return summed(trees, () => pageCount / trees.length);
}

function measured(reader: Database, trees: readonly CheckTree[]): ReadonlyMap<string, number> {
  const leftEdge = reader.prepare(
    "SELECT path, pagetype, ncell FROM dbstat('main') WHERE name = ? AND pagetype <> 'overflow' LIMIT 8",
  );
  try {
    return summed(trees, ({ name }) => pagesAlong(leftEdge.values(name)));
  } finally {
    leftEdge.finalize();
  }
}

function summed(
  trees: readonly CheckTree[],
  pagesOf: (tree: CheckTree) => number,
): ReadonlyMap<string, number> {
  const pages = new Map<string, number>();
  for (const tree of trees) pages.set(tree.table, (pages.get(tree.table) ?? 0) + pagesOf(tree));
  return pages;
}

/** Pages of the last level: the others are few. */
function pagesAlong(rows: readonly unknown[][]): number {
  let pages = 1;
  let depth = 0;
  for (const [path, kind, cellCount] of rows) {
    const pathDepth = String(path).split("/").length;
    if (pathDepth <= depth) break;
    depth = pathDepth;
    if (kind === "internal") pages *= Number(cellCount) + 1;
  }
  return pages;
}
