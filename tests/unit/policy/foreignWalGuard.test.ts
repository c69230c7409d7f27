import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { foreignWalDoubtMs } from "../../../src/policy/foreignWalGuard.ts";
import { evaluateGuards } from "../../../src/policy/guards.ts";
import { noteObservation, noteOpeners } from "../../../src/policy/noteObservation.ts";
import { needsOpeners } from "../../../src/policy/openersLook.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  config,
  endedState,
  holder,
  locks,
  nowMs,
  observation,
  opener,
  regularFile,
  walHeader,
  withWal,
} from "../../support/builders.ts";

const context = { config: config(), duplicateOf: null };
/** Connected to the WAL-index, and no lock on the database. */
const stranger = locks({ connected: [holder(42)], databaseLockers: [] });
const atHome = locks({ connected: [holder(43)] });
const wal = withWal(10, 0);

function walOf(salt1: number): Partial<Observation> {
  return { ...wal, walHeader: walHeader({ salt1 }) };
}

function findings(seen: Partial<Observation>, state: Partial<DatabaseState>): readonly string[] {
  const found = evaluateGuards(observation(seen), endedState(state), context);
  return found.map(({ guard, verdict }) => `${guard} ${verdict}`);
}

/** One look after the other, so far apart that every doubt is over. */
function after(looks: readonly Partial<Observation>[], state: Partial<DatabaseState> = {}): DatabaseState {
  return looks.reduce(
    (noted, look, index) =>
      noteObservation(
        noted,
        observation({ observedAtMs: nowMs + index * foreignWalDoubtMs, ...look }),
        context,
      ),
    endedState(state),
  );
}

const names = (state: DatabaseState) => state.guards.map(({ guard, verdict }) => `${guard} ${verdict}`);
const refused = "wal_of_another_file refuse";

describe("a process on the WAL that holds no lock on the database", () => {
  test("is no stranger any more, nor its WAL, when a late look at its open files finds this one among them", () => {
    const seen = { ...wal, locks: stranger };
    const doubted = after([seen, seen], { openersAtMs: nowMs - 60_000 });
    expect(doubted.earlierWalSalts).not.toBeNull();
    const looked = noteOpeners(
      doubted,
      { kind: "seen", openers: [opener(42)], hiddenProcessCount: 0 },
      nowMs + foreignWalDoubtMs,
    );
    const cleared = after([{ ...seen, observedAtMs: nowMs + 2 * foreignWalDoubtMs }], looked);
    expect(cleared.earlierWalSalts).toBeNull();
    expect(names(cleared)).not.toContain(refused);
  });

  test("is in doubt for a moment and refused when it stays, by its name", () => {
    const seen = { ...wal, locks: stranger };
    expect(findings(seen, {})).toEqual(["wal_of_another_file wait"]);
    const since = (ms: number) => findings(seen, { strangerSinceMs: nowMs - ms });
    expect(since(foreignWalDoubtMs - 1)).toEqual(["wal_of_another_file wait"]);
    expect(since(foreignWalDoubtMs)).toEqual([refused]);
    const [finding] = evaluateGuards(observation(seen), endedState({ strangerSinceMs: 0 }), context);
    expect(finding?.reason).toStartWith("process 42 (app) still has the file open that was at /data/kv.db");
  });

  test("also beside others that are connected as they should be", () => {
    const both = locks({ connected: [holder(43), holder(42)], databaseLockers: [holder(43)] });
    expect(
      names(
        after([
          { ...wal, locks: both },
          { ...wal, locks: both },
        ]),
      ),
    ).toEqual([refused]);
  });

  test("begins a new doubt after it was gone", () => {
    const looks = [stranger, locks(), stranger].map((seen) => ({ ...wal, locks: seen }));
    expect(names(after(looks))).toEqual(["wal_of_another_file wait"]);
  });

  test("that has this very file open has lost its lock, and its WAL is not another file's", () => {
    const openers = { kind: "seen", openers: [opener(42)], hiddenProcessCount: 0 } as const;
    const state = { openers, strangerSinceMs: 0 };
    expect(findings({ ...wal, locks: stranger }, state)).toEqual(["open_without_locks wait"]);
    const noted = after([{ ...wal, locks: stranger }, { ...wal, locks: stranger }, wal], { openers });
    expect(noted.earlierWalSalts).toBeNull();
    expect(names(noteOpeners(noted, { ...openers, openers: [] }, nowMs))).toEqual([
      "open_without_locks refuse",
    ]);
  });

  test("is looked up among those that have the files open before it is refused", () => {
    const seen = { ...wal, locks: stranger };
    const look = (ageMs: number) => {
      const state = after([seen], { openersAtMs: nowMs - ageMs });
      return needsOpeners(observation(seen), state, config(), nowMs);
    };
    expect(look(0)).toBe(false);
    expect(look(foreignWalDoubtMs - 1)).toBe(true);
  });

  test("is nothing that can be told of a file without locks in sight", () => {
    const unobservable = { kind: "unobservable", reason: "EACCES" } as const;
    expect(findings({ ...wal, locks: unobservable }, {})).toEqual(["locks_unobservable wait"]);
    expect(findings({ ...wal, locks: atHome }, {})).toEqual([]);
  });
});

describe("the WAL that lay beside the file before it was replaced", () => {
  test("is refused, also after it started over unseen", () => {
    const earlierWalSalts = "5 6";
    expect(findings(wal, { earlierWalSalts })).toEqual([refused]);
    expect(findings(walOf(6), { earlierWalSalts })).toEqual([refused]);
    expect(findings(walOf(0), { earlierWalSalts: "4294967295 6" })).toEqual([refused]);
  });

  test("is to be kept with its database where that was only moved away", () => {
    const gone = observation({ ...wal, database: { kind: "absent" }, header: null, resolvedPath: null });
    const [finding] = evaluateGuards(gone, endedState({ earlierWalSalts: "5 6" }), context);
    expect(finding?.guard).toBe("wal_of_another_file");
    expect(finding?.reason).toStartWith("/data/kv.db-wal belongs to the file that was at /data/kv.db ");
    expect(finding?.reason).toContain(
      "put that file back, or move /data/kv.db-wal and -shm to where it is now",
    );
    expect(finding?.reason).not.toContain("replaced");
  });

  test("is not one that was made anew, none, or one without frames", () => {
    const earlierWalSalts = "5 6";
    expect(findings(walOf(4), { earlierWalSalts })).toEqual([]);
    expect(findings(walOf(3_000_000_000), { earlierWalSalts })).toEqual([]);
    expect(findings({}, { earlierWalSalts })).toEqual([]);
    expect(findings(withWal(0, 0), { earlierWalSalts })).toEqual([]);
    expect(after([walOf(3_000_000_000), wal], { earlierWalSalts }).guards).toEqual([]);
  });

  test("is known from the process that went on in the earlier file until it ended", () => {
    const looks = [5, 900, 90_000].map((salt1) => ({ ...walOf(salt1), locks: stranger }));
    expect(names(after([...looks, walOf(90_000)]))).toEqual([refused]);
    expect(names(after([...looks, walOf(90_002)]))).toEqual([refused]);
    expect(names(after([...looks, {}]))).toEqual([]);
  });

  test("is not learnt from a sighting of a moment", () => {
    expect(after([{ ...wal, locks: stranger }, wal]).guards).toEqual([]);
  });

  test("is over when somebody who has the new file open starts it over", () => {
    const state = { earlierWalSalts: "5 6" };
    expect(names(after([{ ...wal, locks: atHome }], state))).toEqual([refused]);
    expect(after([{ ...walOf(6), locks: atHome }], state).guards).toEqual([]);
    expect(names(after([{ ...walOf(6), locks: stranger }, walOf(6)], state))).toEqual([refused]);
  });

  test("is judged by what is in it where another file has come into its place, as a restore of both by mv leaves it", () => {
    const state = { earlierWalSalts: "5 6", earlierWalIdentity: "1:11", walSalts: null };
    const putThere = { ...wal, wal: regularFile({ identity: "1:99" }) };
    expect(names(after([wal], state))).toEqual([refused]);
    const settled = after([wal, putThere], state);
    expect(settled).toMatchObject({ guards: [], earlierWalSalts: null, headerBesideWal: null });
    // A process that goes on in the earlier file was seen on it.
    expect(names(after([{ ...putThere, locks: stranger }, putThere], state))).toEqual([refused]);
    // Older than the change: nothing tells which file it was.
    expect(names(after([putThere], { ...state, earlierWalIdentity: null }))).toEqual([refused]);
  });

  test("keeps the file that it was first seen in, when a copy of it is put there before the database", () => {
    const copy = { ...wal, wal: regularFile({ identity: "1:99" }) };
    const earlier = { ...walOf(4), wal: regularFile({ identity: "1:99" }) };
    const other = { ...walOf(3_000_000_000), wal: regularFile({ identity: "1:99" }) };
    expect(after([wal]).walIdentity).toBe("1:11");
    for (const put of [copy, earlier]) expect(after([wal, put]).walIdentity).toBe("1:11");
    expect(after([wal, other]).walIdentity).toBe("1:99");
    expect(after([wal, {}, copy]).walIdentity).toBe("1:99");
  });

  test("is remembered while it is empty, and forgotten when it is deleted", () => {
    expect(after([wal, withWal(0, 0)]).walSalts).toBe("5 6");
    expect(after([wal, {}]).walSalts).toBeNull();
  });
});
