import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { judgeLineage, type LineageEvidence } from "../../../src/policy/walLineage.ts";
import { databaseHeader } from "../../support/builders.ts";

const pageSizeBytes = 4096;

function header(changeCounter: number, pageCount = 40, bytesHex = hexOf(changeCounter)) {
  const result = databaseHeader({ changeCounter, versionValidFor: changeCounter, pageCount, bytesHex });
  if (result.kind !== "header") throw new Error("the builder gives a header");
  return result.header;
}

/** 100 bytes with the change counter at byte 24. */
function hexOf(changeCounter: number, rest = "0"): string {
  return rest.repeat(48) + (changeCounter >>> 0).toString(16).padStart(8, "0") + rest.repeat(144);
}

function evidence(changeCounter: number, change: Partial<LineageEvidence> = {}): LineageEvidence {
  return {
    header: header(changeCounter),
    databaseBytes: 40 * pageSizeBytes,
    mxFrame: 10,
    pageCount: 40,
    pageOne: null,
    pagesBehindCount: 0,
    carriesHeader: false,
    rememberedHex: null,
    journalMayBeHot: false,
    ...change,
  };
}

const counters = (firstChangeCounter: number, lastChangeCounter: number) => ({
  pageOne: { frameCount: 2, firstChangeCounter, lastChangeCounter },
});
const kind = (...of: Parameters<typeof evidence>) => judgeLineage(evidence(...of)).kind;

describe("by the change counters in its frames of page 1, a WAL", () => {
  test("belongs to a database from one before the first to the last", () => {
    const of = { ...counters(8, 11), carriesHeader: null };
    expect([6, 7, 8, 11, 12].map((counter) => kind(counter, of))).toEqual([
      "another",
      "undecided",
      "undecided",
      "undecided",
      "another",
    ]);
  });

  test("carries every header of after its beginning", () => {
    const kinds = (carriesHeader: boolean) =>
      [7, 8, 9, 11].map((counter) => kind(counter, { ...counters(8, 11), carriesHeader }));
    expect(kinds(false)).toEqual(["undecided", "undecided", "another", "another"]);
    expect(kinds(true)).toEqual(["fits", "fits", "fits", "fits"]);
  });

  test("is judged the same wherever the counter stands, also when it wraps", () => {
    fc.assert(
      fc.property(
        fc.nat(0xffffffff),
        fc.nat(1_000),
        fc.integer({ min: -1_000, max: 2_000 }),
        fc.boolean(),
        (at, span, off, carriesHeader) => {
          const first = at >>> 0;
          const last = (at + span) >>> 0;
          const isWithin = off >= -1 && off <= span;
          const expected = carriesHeader ? "fits" : off <= 0 ? "undecided" : "another";
          expect(kind((at + off) >>> 0, { ...counters(first, last), carriesHeader })).toBe(
            isWithin ? expected : "another",
          );
        },
      ),
    );
  });

  test("whose counters go back follows no rule that is known", () => {
    expect(kind(7, counters(11, 8))).toBe("undecided");
  });
});

describe("by what was seen before, a WAL", () => {
  const fitting = counters(8, 11);

  test("is another's when the header is none of the first looks' and not in the WAL", () => {
    const settledHexes = [hexOf(7), hexOf(8)];
    expect(kind(8, { ...fitting, settledHexes })).toBe("undecided");
    expect(kind(8, { ...fitting, settledHexes, liveHex: hexOf(8) })).toBe("fits");
    expect(kind(8, { ...fitting, settledHexes: [hexOf(7)] })).toBe("another");
    expect(kind(9, { ...fitting, settledHexes, carriesHeader: true })).toBe("fits");
    expect(kind(9, { ...fitting, settledHexes, carriesHeader: null })).toBe("undecided");
  });

  test("is another's by a single look only when the counter went back since", () => {
    expect(kind(7, { ...fitting, rememberedHex: hexOf(8) })).toBe("another");
    expect(kind(8, { ...fitting, rememberedHex: hexOf(7) })).toBe("undecided");
    expect(kind(8, { ...fitting, rememberedHex: hexOf(8, "1") })).toBe("undecided");
    expect(kind(8, { ...fitting, rememberedHex: hexOf(8) })).toBe("undecided");
  });
});

test("by pages that its round before has copied, a WAL fits or is another's", () => {
  const of = (strayCount: number) => ({
    strayPages: { comparedCount: 5, strayCount, firstStrayPage: strayCount > 0 ? 3 : null },
  });
  expect(kind(8, { ...counters(8, 11), ...of(0) })).toBe("fits");
  expect(kind(8, { ...counters(8, 11), carriesHeader: true, ...of(1) })).toBe("another");
  expect(kind(7, of(1))).toBe("another");
  expect(kind(8, { ...counters(8, 11), strayPages: null })).toBe("undecided");
});

describe("by sizes, a WAL", () => {
  test("that makes a database larger holds every page behind its end", () => {
    const of = { ...counters(8, 11), pageCount: 45 };
    expect(kind(8, { ...of, pagesBehindCount: 5 })).toBe("undecided");
    expect(kind(8, { ...of, pagesBehindCount: 4 })).toBe("another");
    expect(kind(8, { ...of, pagesBehindCount: null })).toBe("undecided");
  });

  test("beside a file that was cut off is not blamed for the pages that are missing", () => {
    const of = { ...counters(8, 11), databaseBytes: 30 * pageSizeBytes, pageCount: 45 };
    expect(kind(8, { ...of, pagesBehindCount: 5 })).toBe("undecided");
  });

  test("that makes a database smaller holds all of its pages, but for auto_vacuum", () => {
    const of = { ...counters(8, 11), pageCount: 36, lowestPageCount: 35 };
    expect(kind(8, { ...of, heldPageCount: 36 })).toBe("undecided");
    expect(kind(8, { ...of, heldPageCount: 35 })).toBe("another");
    expect(kind(8, { ...of, heldPageCount: null })).toBe("undecided");
    expect(kind(8, { ...of, heldPageCount: 35, lowestPageCount: 40 })).toBe("undecided");
    // The header of after a checkpoint may say more pages than a commit before it.
    expect(kind(8, { ...of, heldPageCount: 35, carriesHeader: true })).toBe("fits");
    const autoVacuum = header(8, 40, hexOf(8, "1"));
    expect(judgeLineage(evidence(8, { ...of, header: autoVacuum, heldPageCount: 35 })).kind).toBe(
      "undecided",
    );
  });

  test("need not hold the page of the lock bytes, which is never written", () => {
    const lockBytePage = 0x40000000 / pageSizeBytes + 1;
    const of = {
      ...counters(8, 11),
      databaseBytes: (lockBytePage - 1) * pageSizeBytes,
      pageCount: lockBytePage + 3,
    };
    expect(kind(8, { ...of, pagesBehindCount: 3 })).toBe("undecided");
    expect(kind(8, { ...of, pagesBehindCount: 2 })).toBe("another");
  });

  test("without page 1 does not change the number of pages", () => {
    expect(kind(7, { pageCount: 39 })).toBe("another");
    expect(kind(7, { pageCount: 41, pagesBehindCount: 1 })).toBe("another");
    expect(kind(7, { pageCount: 40 })).toBe("undecided");
    expect(kind(7, { pageCount: 40, rememberedHex: hexOf(7) })).toBe("undecided");
    expect(kind(7, { pageCount: 40, rememberedHex: hexOf(7), liveHex: hexOf(7) })).toBe("fits");
  });

  test("beside a file that is larger than its pages says nothing by a number above the header's", () => {
    expect(kind(7, { pageCount: 44, databaseBytes: 48 * pageSizeBytes })).toBe("undecided");
  });
});

test("a WAL that brings nothing, or beside a journal that may be hot, is not judged", () => {
  expect(kind(99, { ...counters(1, 2), mxFrame: 0 })).toBe("nothing");
  expect(kind(99, { ...counters(1, 2), journalMayBeHot: true })).toBe("undecided");
});
