/** A pin and a verdict are said once each, and not for every look. */
import { expect, test } from "bun:test";
import { WalReport } from "../../../src/daemon/walReport.ts";
import type { WalPinStatus, WalVerdict, WalVerdictKind } from "../../../src/domain/status.ts";
import { holder, nowMs } from "../../support/builders.ts";

type Pin = WalPinStatus;

function pinBy(...pids: readonly number[]): Pin {
  const holders = pids.map((pid) => ({ ...holder(pid), sinceMs: nowMs, heldFrameCount: 5 }));
  return { kind: "held", sinceMs: nowMs, heldFrameCount: 5, holders, unnamedHolders: pids.length === 0 };
}

const none: Pin = { kind: "none" };

function verdict(kind: WalVerdictKind): WalVerdict {
  return { kind, reason: "", holders: [], sinceMs: nowMs };
}

/** What is said of looks, one a second. */
function said(looks: readonly (readonly [Pin, WalVerdict | null])[]): readonly string[] {
  const lines: string[] = [];
  const report = new WalReport({
    walPinned: (_database, pin) => lines.push(`pinned by ${pin.holders.map(({ pid }) => pid).join(" ")}`),
    walPinReleased: (_database, { heldMs }) => lines.push(`released after ${heldMs}`),
    walVerdictChanged: (_database, from, { kind }) => lines.push(`${from} to ${kind}`),
  });
  for (const [at, [pin, walVerdict]] of looks.entries())
    report.observed({ name: "kv", pin, walVerdict }, nowMs + at * 1_000, false);
  return lines;
}

const times = (count: number, pin: Pin): readonly (readonly [Pin, null])[] =>
  Array.from({ length: count }, () => [pin, null] as const);

test("a pin is said once, and its end once it has stayed away", () => {
  const looks = [...times(5, none), ...times(30, pinBy(7)), ...times(30, none)];
  expect(said(looks)).toEqual(["pinned by 7", "released after 34000"]);
});

test("a reader that comes and goes within seconds is one story", () => {
  const turns = Array.from({ length: 20 }, () => [...times(3, pinBy(7)), ...times(3, none)]).flat();
  expect(said(turns)).toEqual(["pinned by 7"]);
});

test("each further process is named, also one that nobody can name", () => {
  const looks = [
    ...times(2, pinBy(7)),
    ...times(2, pinBy(7, 8)),
    ...times(2, pinBy(8)),
    ...times(2, pinBy()),
  ];
  expect(said(looks)).toEqual(["pinned by 7", "pinned by 7 8", "pinned by "]);
});

test("a pin is not said to have ended where it cannot be seen", () => {
  const unseen: Pin = { kind: "unobservable", reason: "hidden" };
  expect(said([...times(2, pinBy(7)), ...times(60, unseen)])).toEqual(["pinned by 7"]);
});

test("a verdict is said when it changes; the first one only when something is the matter", () => {
  const kinds: readonly WalVerdictKind[] = ["unknown", "healthy", "healthy", "starved", "starved", "plateau"];
  expect(said(kinds.map((kind) => [none, verdict(kind)]))).toEqual([
    "healthy to starved",
    "starved to plateau",
  ]);
  expect(
    said([
      [none, verdict("unknown")],
      [none, verdict("exclusive")],
    ]),
  ).toEqual(["null to exclusive"]);
});

test("while a guard refuses the verdict is not said: the guard has said why; afterwards only what is new", () => {
  const kinds: string[] = [];
  const report = new WalReport({
    walPinned: () => undefined,
    walPinReleased: () => undefined,
    walVerdictChanged: (_database, _from, { kind }) => void kinds.push(kind),
  });
  const looks = [
    ["healthy", false],
    ["unknown", true],
    ["exclusive", true],
    ["healthy", false],
    ["starved", false],
  ] as const;
  for (const [at, [kind, isGuarded]] of looks.entries()) {
    report.observed({ name: "kv", pin: none, walVerdict: verdict(kind) }, nowMs + at * 1_000, isGuarded);
  }
  expect(kinds).toEqual(["starved"]);
});
