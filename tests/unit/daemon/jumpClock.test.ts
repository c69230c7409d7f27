import { expect, test } from "bun:test";
import { jumpClock } from "../../../src/daemon/jumpClock.ts";

function handSet() {
  const hands = { wallMs: 1_000_000, monotonicMs: 5_000 };
  const told: string[] = [];
  const clock = jumpClock({ nowMs: () => hands.wallMs, monotonicMs: () => hands.monotonicMs }, (jumpMs) =>
    told.push(`jump ${jumpMs}`),
  );
  const ask = () => told.push(`now ${clock.nowMs()}`);
  return { hands, told, ask };
}

test("that the clock was set is said before the new time is told, and once", () => {
  const { hands, told, ask } = handSet();
  ask();
  hands.wallMs += 3_600_000;
  ask();
  ask();
  hands.wallMs -= 7_200_000;
  ask();
  expect(told).toEqual([
    "now 1000000",
    "jump 3600000",
    "now 4600000",
    "now 4600000",
    "jump -7200000",
    "now -2600000",
  ]);
});

test("time that passes, and the little that clocks drift apart, is no jump", () => {
  const { hands, told, ask } = handSet();
  hands.wallMs += 60_001;
  hands.monotonicMs += 60_000;
  ask();
  expect(told).toEqual(["now 1060001"]);
});
