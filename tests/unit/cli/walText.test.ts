/** Who holds a WAL back, as a person reads it. */
import { describe, expect, test } from "bun:test";
import { renderDetails } from "../../../src/cli/statusDetails.ts";
import { renderTable } from "../../../src/cli/statusTable.ts";
import { connectedInWords } from "../../../src/cli/walText.ts";
import type { HiddenLocks } from "../../../src/domain/observation.ts";
import { withIsoTimes } from "../../../src/report/statusJson.ts";
import { hiddenLocks, holder } from "../../support/builders.ts";
import { aStatus, baseTimeMs } from "../report/statusBuilder.ts";

const rendering = { nowMs: baseTimeMs + 90_000, color: false };
const report = holder(31, "report");
const pin = {
  kind: "held",
  sinceMs: baseTimeMs,
  heldFrameCount: 40,
  holders: [{ ...report, sinceMs: baseTimeMs, heldFrameCount: 40 }],
  unnamedHolders: true,
} as const;
const verdict = {
  kind: "pinned",
  reason: "process 31 (report) reads",
  holders: [report],
  sinceMs: baseTimeMs,
} as const;
const hidden = hiddenLocks({ readerMarks: [1] });

describe("the details", () => {
  test("name who holds the WAL back with user and unit, since when, and how much", () => {
    const text = renderDetails(
      withIsoTimes(aStatus({ pin, walVerdict: verdict, writer: holder(9) })),
      rendering,
    );
    expect(text).toMatch(/^pinned by +report \(31, www, app\.service\): 40 frames, at least since 1m ago$/m);
    expect(text).toMatch(/^pinned by +a process in another PID namespace as well$/m);
    const unnamed = renderDetails(withIsoTimes(aStatus({ pin: { ...pin, holders: [] } })), rendering);
    expect(unnamed).toMatch(
      /^pinned by +a process in another PID namespace: 40 frames at every look since 1m ago \(one long read, or short ones .*\)$/m,
    );
    expect(text).toMatch(/^WAL is +pinned: process 31 \(report\) reads$/m);
    expect(text).toMatch(/^writes now +app \(9, www, app\.service\)$/m);
  });

  test("say that a pin cannot be seen, and are silent where there is none", () => {
    const unseen = { kind: "unobservable", reason: "locks are hidden" } as const;
    expect(renderDetails(withIsoTimes(aStatus({ pin: unseen })), rendering)).toContain(
      "unobservable: locks are",
    );
    expect(renderDetails(withIsoTimes(aStatus()), rendering)).not.toContain("pinned by");
  });

  test("never say that nobody is connected where not all can be seen", () => {
    const inWords = (hiddenLocks: HiddenLocks | null) =>
      connectedInWords(withIsoTimes(aStatus({ connected: [], holdersObservable: false, hiddenLocks })));
    expect(inWords(hidden)).toBe("one or more processes in other PID namespaces");
    expect(inWords(null)).toBe("processes in other PID namespaces cannot be seen");
    expect(inWords({ ...hidden, connected: false })).toContain("none is seen");
    expect(connectedInWords(withIsoTimes(aStatus({ connected: null })))).toBe("cannot be seen");
  });
});

test("the table has a line for a verdict that somebody should know of, and none for the others", () => {
  const lines = (kind: "pinned" | "starved" | "plateau" | "unknown") =>
    renderTable([withIsoTimes(aStatus({ walVerdict: { ...verdict, kind } }))], rendering).join("\n");
  expect(lines("pinned")).toContain("WAL pinned: process 31 (report) reads (since 1m ago)");
  expect(lines("starved")).toContain("WAL starved");
  expect(lines("plateau")).not.toContain("WAL plateau");
  expect(lines("unknown")).not.toContain("WAL unknown");
});
