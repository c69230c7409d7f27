import { describe, expect, test } from "bun:test";
import { walHolders } from "../../../src/policy/walHolders.ts";
import { holder, locks, observation, walIndex, withWal } from "../../support/builders.ts";

const old = holder(11, "report");
const fresh = holder(12, "web");

function readersOn(...readers: { mark: number; holder: ReturnType<typeof holder> }[]) {
  return observation({
    ...withWal(100, 40),
    walIndex: walIndex({ mxFrame: 100, nBackfill: 40, readMarks: [0, 40, 100, 0xffffffff, 0xffffffff] }),
    locks: locks({ readers }),
  });
}

describe("who holds the WAL back", () => {
  test("a reader whose mark lies before the end of the WAL, and not one that is on its end", () => {
    const seen = readersOn({ mark: 1, holder: old }, { mark: 2, holder: fresh });
    expect(walHolders(seen)).toEqual([old]);
  });

  test("a reader on mark 0, which lets nothing be copied into the database", () => {
    expect(walHolders(readersOn({ mark: 0, holder: old }))).toEqual([old]);
  });

  test("one process with two marks is named once", () => {
    expect(walHolders(readersOn({ mark: 0, holder: old }, { mark: 1, holder: old }))).toEqual([old]);
  });

  test("nobody is named where locks cannot be seen", () => {
    const unseen = { kind: "unobservable", reason: "hidden" } as const;
    expect(walHolders({ ...readersOn({ mark: 1, holder: old }), locks: unseen })).toEqual([]);
  });
});
