/**
 * Divides an integrity check into parts for several workers, from a plan of what there is.
 *
 * PRAGMA integrity_check is PRAGMA quick_check and, of each table, its rows against its indexes (pragma.c: what is behind
 * "Omit the remaining tests for quick_check"). So the parts are one quick_check of the whole file, which alone sees the
 * freelist, pages that nobody owns and pages that two trees own, and integrity_check of the tables. A table that would
 * keep one worker busy while the others are done is divided by rows (sqlite/integrityRows.ts). quick_check is not
 * divided: the structural pass is all of it (measured: 0.8 s for 1 GB).
 *
 * The price of dividing is that pages are walked twice, a sixth of the whole work. Small files are not divided.
 */
import type { CheckPart, CheckPlan, CheckTable } from "../domain/integrityCheck.ts";

/** From which sizes on what is divided. */
export interface CheckSizes {
  /** A smaller file, its WAL included, is checked in one part. */
  readonly dividedFromBytes: number;
  /** A smaller table is never divided by rows. */
  readonly rowsFromPages: number;
  /** Tables are grouped into parts of at least this. */
  readonly groupPagesMin: number;
  /** And at most this: a part pins the WAL while one of its tables is read. */
  readonly groupPagesMax: number;
}

/** A file of 64 MiB takes a quarter of a second; 65,536 pages of 4 KiB are 256 MiB. */
export const standardSizes: CheckSizes = Object.freeze({
  dividedFromBytes: 64 * 1024 * 1024,
  rowsFromPages: 4_096,
  groupPagesMin: 2_048,
  groupPagesMax: 65_536,
});

export interface WeighedPart {
  readonly part: CheckPart;
  /** What it costs, in pages of a structural pass: measured with one index of random text. */
  readonly weight: number;
}

const tableWeight = 6;
const rowsWeight = 7;
const uniqueWeight = 0.5;
const constraintWeight = 1;
const foreignKeyWeight = 2;

/** Parts for each worker: enough that all end at about the same time, and that progress can be told. */
const partsPerWorker = 6;
const rangesMax = 256;

/** The one that takes longest comes first; none: the check is better not divided. */
export function checkParts(
  plan: CheckPlan,
  workerCount: number,
  { groupPagesMin, groupPagesMax }: CheckSizes,
): readonly WeighedPart[] {
  const { pageCount, tables } = plan;
  if (plan.undivided || workerCount < 1) return [];
  const total = tables.reduce((sum, table) => sum + table.pageCount, 0);
  const groupPages = Math.min(groupPagesMax, Math.max(groupPagesMin, total / (workerCount * partsPerWorker)));
  const isDominant = (table: CheckTable) =>
    workerCount > 1 &&
    table.rows !== null &&
    table.pageCount > Math.max(total / (2 * workerCount), groupPages);
  const dominant = tables.filter(isDominant);
  const others = grouped(
    tables.filter((table) => !isDominant(table)),
    groupPages,
  );
  const withChecks = grouped(
    tables.filter((table) => table.hasChecks),
    groupPages,
  );
  const withForeignKeys = grouped(
    tables.filter((table) => table.hasForeignKeys),
    groupPages,
  );
  const parts: WeighedPart[] = [
    ...dominant.flatMap((table) => rowParts(table, groupPages)),
    ...others.map((group) => ({
      part: { kind: "tables", tables: names(group) } as const,
      weight: pages(group) * tableWeight,
    })),
    ...withChecks.map((group) => ({
      part: { kind: "constraints", tables: names(group) } as const,
      weight: pages(group) * constraintWeight,
    })),
    ...withForeignKeys.map((group) => ({
      part: { kind: "foreignKeys", tables: names(group) } as const,
      weight: pages(group) * foreignKeyWeight,
    })),
  ];
  return [
    { part: { kind: "structure" }, weight: pageCount },
    ...parts.sort((one, other) => other.weight - one.weight),
  ];
}

const names = (group: readonly CheckTable[]) => group.map(({ name }) => name);
const pages = (group: readonly CheckTable[]) => group.reduce((sum, { pageCount }) => sum + pageCount, 0);

function grouped(tables: readonly CheckTable[], groupPages: number): readonly CheckTable[][] {
  const groups: CheckTable[][] = [];
  let open: CheckTable[] = [];
  for (const table of tables) {
    open.push(table);
    if (pages(open) < groupPages && open.length < 200) continue;
    groups.push(open);
    open = [];
  }
  return open.length === 0 ? groups : [...groups, open];
}

function rowParts(table: CheckTable, groupPages: number): readonly WeighedPart[] {
  const { rows, name } = table;
  if (rows === null) return [];
  // Without an index there is nothing that quick_check has not looked at.
  if (rows.indexes.length === 0) return [];
  const rangeCount = Math.min(rangesMax, Math.ceil(table.pageCount / groupPages));
  const { rowidName, indexes } = rows;
  const ranges = rowidRanges(BigInt(rows.rowidMin), BigInt(rows.rowidMax), BigInt(rangeCount));
  return [
    ...ranges.map(({ fromRowid, toRowid }) => ({
      part: { kind: "rows", table: name, rowidName, indexes, fromRowid, toRowid } as const,
      weight: (table.pageCount * rowsWeight) / ranges.length,
    })),
    ...indexes
      .filter(({ unique }) => unique)
      .map((index) => ({
        part: { kind: "unique", table: name, index } as const,
        weight: table.pageCount * uniqueWeight,
      })),
  ];
}

const rowidLowest = -(2n ** 63n);
const rowidHighest = 2n ** 63n - 1n;

/**
 * Ranges that hold every rowid there can be: a row that is added while the check runs belongs to the first or the last.
 * Of even width between the lowest and the highest rowid: gaps make them uneven, never incomplete.
 */
export function rowidRanges(
  min: bigint,
  max: bigint,
  wantedCount: bigint,
): readonly { readonly fromRowid: string; readonly toRowid: string }[] {
  const width = max - min + 1n;
  const count = wantedCount < 1n || width < 1n ? 1n : wantedCount > width ? width : wantedCount;
  const begins = Array.from({ length: Number(count) }, (_, index) =>
    index === 0 ? rowidLowest : min + (width * BigInt(index)) / count,
  );
  return begins.map((from, index) => {
    const next = begins[index + 1];
    return {
      fromRowid: String(from),
      toRowid: String(next === undefined ? rowidHighest : next - 1n),
    };
  });
}
