import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import type { ResidueLook } from "../../../src/domain/residueReport.ts";
import type { WalScan } from "../../../src/format/walScan.ts";
import { decide } from "../../../src/policy/decide.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import { residueFingerprint } from "../../../src/policy/residueScan.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import { strangeWalDoubtMs } from "../../../src/policy/strangeWal.ts";
import {
  config,
  databaseHeader,
  endedState,
  holder,
  locks,
  nowMs,
  observation,
  regularFile,
  walHeader,
  withWal,
} from "../../support/builders.ts";

const context = { config: config(), duplicateOf: null };
const refused = ["wal_of_another_file refuse"];
const waits = ["wal_of_another_file wait"];

/** A WAL that belongs to a database with a counter of 20. */
const scan: WalScan = {
  header: walHeader(),
  validFrameCount: 10,
  stop: { reason: "endOfFile", frame: 11 },
  trailingBytes: 0,
  remains: null,
  mxFrame: 10,
  commitCount: 3,
  pageCount: 40,
  pageOne: {
    frameCount: 1,
    firstChangeCounter: 20,
    lastChangeCounter: 20,
    lowestChangeCounter: 20,
    highestChangeCounter: 20,
  },
  carriesDatabaseHeader: false,
  markedCommitCount: null,
  lastCommit: null,
  pagesBehindCount: 0,
  heldPageCount: null,
  lowestPageCount: null,
};

const wrong = { ...withWal(10, 10), header: databaseHeader({ changeCounter: 7 }) };
const right = { ...withWal(10, 10), header: databaseHeader({ changeCounter: 20 }) };

function lookOf(seen: Observation): ResidueLook {
  return {
    fingerprint: residueFingerprint(seen),
    lookedAtMs: seen.observedAtMs,
    durationMs: 1,
    wal: { kind: "scanned", scan, sizeBytes: 1 },
    journal: { kind: "none" },
  };
}

/** One look after the other; "scan" is the look at the WAL that the daemon takes in between. */
function after(...steps: readonly (Partial<Observation> | "scan")[]): {
  state: DatabaseState;
  seen: Observation;
} {
  let state = endedState();
  let seen = observation();
  let observedAtMs = nowMs;
  for (const step of steps) {
    if (step === "scan") {
      state = { ...state, residueLook: lookOf(seen) };
      continue;
    }
    observedAtMs += strangeWalDoubtMs;
    seen = observation({ observedAtMs, ...step });
    state = noteObservation(state, seen, context);
  }
  return { state, seen };
}

const names = (state: DatabaseState) => state.guards.map(({ guard, verdict }) => `${guard} ${verdict}`);
const app = { locks: locks({ connected: [holder(42)] }) };

describe("a WAL that belongs to another database", () => {
  test("is in doubt for a moment, and refused when it stays so", () => {
    expect(names(after(wrong, "scan", wrong).state)).toEqual(waits);
    const { state } = after(wrong, "scan", wrong, wrong);
    expect(names(state)).toEqual(refused);
    expect(state.guards[0]?.reason).toContain("move /data/kv.db-wal and -shm away");
  });

  test("that changes within the doubt is read again before anything is said or opened", () => {
    const changed = { ...wrong, wal: regularFile({ identity: "1:11", sizeBytes: 99_999 }) };
    expect(names(after(wrong, "scan", wrong, changed).state)).toEqual([]);
  });

  test("stays refused when somebody opens it meanwhile, and until it is read again", () => {
    const { state } = after(wrong, "scan", wrong, wrong, { ...wrong, ...app });
    expect(names(state)).toEqual(refused);
    const changed = after(wrong, "scan", wrong, wrong, { ...right, ...app });
    expect(names(changed.state)).toEqual(refused);
    expect(decide(changed.seen, changed.state, config(), changed.seen.observedAtMs).kind).toBe("scanResidue");
  });

  test("is none any more when its own database is put back, or the WAL is gone: the sequence begins anew", () => {
    for (const steps of [[right, "scan", right] as const, [{}] as const]) {
      const { state, seen } = after(wrong, "scan", wrong, wrong, ...steps);
      expect(names(state)).toEqual([]);
      expect(decide(seen, state, config(), seen.observedAtMs)).toEqual({
        kind: "startOver",
        because: "strangeWalGone",
      });
    }
  });

  test("that fits is nothing to speak of", () => {
    expect(after(right, "scan", right, right).state.guards).toEqual([]);
  });
});

test("a header that is read while a checkpoint is at work may be half written: it is not remembered", () => {
  const copying = { ...right, locks: locks({ connected: [holder(42)], checkpointer: holder(42) }) };
  expect(after(copying).state.headerBesideWal).toBeNull();
  expect(after(copying, right).state.headerBesideWal?.headerHex).toBe(
    after(right).state.headerBesideWal?.headerHex ?? "",
  );
});

describe("what was left is read before anything is opened", () => {
  const due = { pendingCheckpoint: "periodic" } as const;
  const ask = (seen: Partial<Observation>, change: Partial<DatabaseState>) => {
    const look = observation(seen);
    return decide(look, endedState({ ...change }), config(), nowMs).kind;
  };
  const readAt = (lookedAtMs: number, fingerprint: string) => ({
    residueLook: { ...lookOf(observation(right)), lookedAtMs, fingerprint },
  });

  test("while nobody is connected, and again when something has changed", () => {
    const fingerprint = residueFingerprint(observation(right));
    expect(ask(right, due)).toBe("scanResidue");
    expect(ask(right, { ...due, ...readAt(nowMs - 60_000, fingerprint) })).not.toBe("scanResidue");
    expect(ask(right, { ...due, ...readAt(nowMs - 60_000, "before") })).toBe("scanResidue");
  });

  test("and what changed again just now is waited for, with nothing opened", () => {
    expect(ask(right, { ...due, ...readAt(nowMs - 50, "before") })).toBe("rest");
  });

  test("not where somebody is connected, who recovered it himself, nor where there is nothing", () => {
    expect(ask({ ...right, ...app }, due)).not.toBe("scanResidue");
    expect(ask({}, due)).not.toBe("scanResidue");
  });

  test("at rest too, but rarely: a WAL that does not belong there is said before somebody asks", () => {
    expect(ask(right, {})).toBe("scanResidue");
    expect(ask(right, readAt(nowMs - 1_000, "before"))).not.toBe("scanResidue");
    expect(ask(right, readAt(nowMs - 6_000, "before"))).toBe("scanResidue");
  });
});

describe("the header that was first seen beside a WAL", () => {
  const at = (changeCounter: number, bytesHex: string) => ({
    ...withWal(10, 10),
    header: databaseHeader({ changeCounter, bytesHex }),
  });

  test("is that of the first two looks, and no later one", () => {
    const { state } = after(at(20, "a"), at(20, "b"), at(20, "c"));
    expect(state.headerBesideWal).toMatchObject({ walSalts: "5 6", headerHex: "a", otherHex: "b" });
  });

  test("counts as theirs while somebody is connected, and stays so when all have gone", () => {
    const connected = { locks: locks({ connected: [holder(77)], connectedWithOwnCount: 1 }) };
    const live = (hex: string) => ({ ...at(20, hex), ...connected });
    expect(after(at(20, "a"), at(20, "b")).state.headerBesideWal?.liveHex).toBeNull();
    expect(after(live("a"), live("b"), at(20, "b")).state.headerBesideWal?.liveHex).toBe("b");
  });

  test("is forgotten when it turns out to be that of the wrong database", () => {
    const { state } = after(wrong, wrong, "scan", wrong, wrong, wrong);
    expect(names(state)).toEqual(refused);
    expect(state.headerBesideWal).toBeNull();
  });
});
