/** What the look through a WAL in use asks for, and what is said of it, across recoveries and WAL after WAL. */
import { expect, test } from "bun:test";
import { Memory } from "../../../src/daemon/memory.ts";
import { UnsaltedReport } from "../../../src/daemon/unsaltedReport.ts";
import { UnsaltedWatch } from "../../../src/daemon/unsaltedWatch.ts";
import { noteUnsalted } from "../../../src/policy/unsaltedNote.ts";
import {
  config,
  holder,
  locks,
  nowMs,
  observation,
  walHeader,
  walIndex,
  withWal,
} from "../../support/builders.ts";

const connected = { locks: locks({ connected: [holder(42)] }) };

/** One database whose frames are said to have salts, or not. */
class Watched {
  readonly memory = new Memory(nowMs);
  readonly asked: string[] = [];
  readonly lines: string[] = [];
  /** Committed, and without salts. */
  unsalted = new Set<number>();
  #life = 5;
  #atMs = nowMs;
  readonly #watch = new UnsaltedWatch(
    {
      lookForUnsaltedFrames: (_path, { fromFrame, mxFrame }) => {
        this.asked.push(`${fromFrame + 1}-${mxFrame}`);
        for (let frame = fromFrame + 1; frame <= mxFrame; frame += 1)
          if (this.unsalted.has(frame))
            return { kind: "looked", toFrame: mxFrame, frame, hasCommitBefore: true };
        return { kind: "looked", toFrame: mxFrame, frame: null, hasCommitBefore: false };
      },
    },
    this.memory,
  );
  readonly #report = new UnsaltedReport({
    unsaltedFrames: (_database, { frame }) => this.lines.push(`found ${frame}`),
    unsaltedFramesGone: () => this.lines.push("gone"),
    unsaltedFramesLost: (_database, { frame }) => this.lines.push(`lost ${frame}`),
  });

  startOver(): void {
    this.#life += 1;
  }

  look(mxFrame: number, afterMs = 1_000): void {
    this.#atMs += afterMs;
    const salts = { salt1: this.#life };
    const index = walIndex({ mxFrame, nBackfill: 0, ...salts });
    const wal = { ...withWal(mxFrame, 0), walHeader: walHeader(salts), walIndex: index };
    const seen = observation({ ...wal, ...connected, observedAtMs: this.#atMs });
    this.memory.update((state) => ({ ...state, ...noteUnsalted(state, seen) }));
    this.#watch.look(seen);
    this.#report.observed(this.memory.state, config(), this.#atMs);
  }
}

test("a recovery between two looks is seen in the frame, said as a loss, and all behind it is looked at anew", () => {
  const watched = new Watched();
  watched.unsalted.add(4);
  watched.look(50);
  // Recovered to 3, and 40 frames since.
  watched.unsalted.clear();
  watched.look(43);
  expect(watched.asked).toEqual(["1-50", "4-4"]);
  expect(watched.memory.state).toMatchObject({ unsaltedFrame: null, unsaltedLoss: { frame: 4 } });
  watched.look(60);
  watched.look(70);
  expect(watched.asked.slice(2)).toEqual(["4-60", "61-70"]);
  watched.unsalted.add(75);
  watched.look(80);
  expect(watched.lines).toEqual(["found 4", "lost 4", "found 75"]);
});

test("so is one that is seen by the number of frames, and it is never said to be gone", () => {
  const watched = new Watched();
  watched.unsalted.add(4);
  watched.look(50);
  watched.unsalted.clear();
  watched.look(3);
  watched.look(20);
  expect(watched.asked).toEqual(["1-50", "4-20"]);
  watched.look(20, 60_000);
  expect(watched.lines).toEqual(["found 4", "lost 4"]);
});

test("while it stands it is looked at again and nothing else is", () => {
  const watched = new Watched();
  watched.unsalted.add(4);
  for (const mxFrame of [50, 60, 70]) watched.look(mxFrame);
  expect(watched.asked).toEqual(["1-50", "4-4", "4-4"]);
  expect(watched.lines).toEqual(["found 4"]);
});

test("WALs with such frames that follow one another are said once, and their end once", () => {
  const watched = new Watched();
  watched.unsalted.add(4);
  for (let count = 0; count < 50; count += 1) {
    watched.look(50, 100);
    watched.startOver();
    watched.look(2, 100);
  }
  expect(watched.lines).toEqual(["found 4"]);
  watched.look(2, 24_000);
  expect(watched.lines).toEqual(["found 4"]);
  watched.look(2, 2_000);
  watched.look(2, 60_000);
  expect(watched.lines).toEqual(["found 4", "gone"]);
});
