import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { CheckPlan, CheckTable, ComparableIndex } from "../../../src/domain/integrityCheck.ts";
import { checkParts, rowidRanges, standardSizes } from "../../../src/policy/integrityParts.ts";

const seed = Number(process.env.INTEGRITY_PARTS_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`INTEGRITY_PARTS_SEED=${seed}`);

const index: ComparableIndex = { name: "i", unique: true, columns: [{ name: "a", collation: "BINARY" }] };
const rowid64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

function table(change: Partial<CheckTable> & { readonly name: string }): CheckTable {
  return { pageCount: 10, hasForeignKeys: false, hasChecks: false, rows: null, ...change };
}

function plan(...tables: readonly CheckTable[]): CheckPlan {
  const pageCount = tables.reduce((sum, each) => sum + each.pageCount, 0);
  return { pageCount, pageSizeBytes: 4096, tables, undivided: false };
}

const divisible = { rowidMin: "1", rowidMax: "2600000", rowidName: "rowid", indexes: [index] } as const;

test("ranges of rowids follow upon one another and hold every rowid there can be", () => {
  fc.assert(
    fc.property(rowid64, rowid64, fc.bigInt({ min: -1n, max: 300n }), (one, other, count) => {
      const [min, max] = one < other ? [one, other] : [other, one];
      const ranges = rowidRanges(min, max, count).map(
        ({ fromRowid, toRowid }) => [BigInt(fromRowid), BigInt(toRowid)] as const,
      );
      expect(ranges[0]?.[0]).toBe(-(2n ** 63n));
      expect(ranges.at(-1)?.[1]).toBe(2n ** 63n - 1n);
      for (const [at, [from, to]] of ranges.entries()) {
        expect(from <= to).toBe(true);
        if (at > 0) expect(from).toBe((ranges[at - 1]?.[1] ?? 0n) + 1n);
      }
      expect(ranges.length).toBeLessThanOrEqual(Math.max(1, Number(count)));
    }),
    { seed },
  );
});

describe("parts", () => {
  const tables = fc.array(
    fc.record({
      pageCount: fc.integer({ min: 1, max: 500_000 }),
      hasForeignKeys: fc.boolean(),
      hasChecks: fc.boolean(),
      rows: fc.constantFrom(null, divisible, { ...divisible, indexes: [] }),
    }),
    { minLength: 1, maxLength: 60 },
  );

  test("hold every table once, its keys and constraints once, and one pass of the whole file first", () => {
    fc.assert(
      fc.property(tables, fc.integer({ min: 1, max: 8 }), (some, workerCount) => {
        const all = some.map((each, at) => table({ name: `t${at}`, ...each }));
        const parts = checkParts(plan(...all), workerCount, standardSizes).map(({ part }) => part);
        expect(parts.filter(({ kind }) => kind === "structure")).toHaveLength(1);
        expect(parts[0]?.kind).toBe("structure");
        const listed = (kind: "tables" | "foreignKeys" | "constraints") =>
          parts.flatMap((part) => (part.kind === kind ? part.tables : [])).sort();
        const byRows = new Set(parts.flatMap((part) => (part.kind === "rows" ? [part.table] : [])));
        const unique = parts.flatMap((part) => (part.kind === "unique" ? [part.table] : []));
        expect(unique.sort()).toEqual([...byRows].sort());
        const names = (wanted: (each: CheckTable) => boolean) =>
          all
            .filter(wanted)
            .map(({ name }) => name)
            .sort();
        const inTables = new Set(listed("tables"));
        expect(inTables.size).toBe(listed("tables").length);
        // What is in neither has no index, and all of it is in the structural pass.
        for (const each of all)
          if (!inTables.has(each.name) && !byRows.has(each.name)) expect(each.rows?.indexes).toEqual([]);
        expect([...byRows].filter((name) => inTables.has(name))).toEqual([]);
        expect(listed("foreignKeys")).toEqual(names((each) => each.hasForeignKeys));
        expect(listed("constraints")).toEqual(names((each) => each.hasChecks));
      }),
      { seed },
    );
  });

  test("of one table that is nearly the whole file are many, so that all workers end together", () => {
    const parts = checkParts(
      plan(table({ name: "t", pageCount: 240_000, rows: divisible }), table({ name: "small" })),
      2,
      standardSizes,
    );
    const rows = parts.filter(({ part }) => part.kind === "rows");
    expect(rows.length).toBeGreaterThanOrEqual(8);
    const total = parts.reduce((sum, { weight }) => sum + weight, 0);
    expect(Math.max(...parts.map(({ weight }) => weight))).toBeLessThan(total / 4);
  });

  test("of eight tables of the same size are their own, and a table that cannot be divided is one", () => {
    const eight = Array.from({ length: 8 }, (_, at) =>
      table({ name: `t${at}`, pageCount: 30_000, rows: divisible }),
    );
    const kinds = (of: CheckPlan) => checkParts(of, 2, standardSizes).map(({ part }) => part.kind);
    expect(kinds(plan(...eight))).toEqual([
      "structure",
      ...Array.from({ length: 8 }, () => "tables" as const),
    ]);
    expect(kinds(plan(table({ name: "t", pageCount: 240_000 })))).toEqual(["structure", "tables"]);
  });

  test("are none where the schema cannot be read", () => {
    expect(checkParts({ ...plan(table({ name: "t" })), undivided: true }, 2, standardSizes)).toEqual([]);
  });
});
