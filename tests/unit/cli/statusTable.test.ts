import { describe, expect, test } from "bun:test";
import { renderDetails } from "../../../src/cli/statusDetails.ts";
import { renderStatus } from "../../../src/cli/statusTable.ts";
import { age, bytesInWords, shorten } from "../../../src/cli/statusText.ts";
import type { DatabaseStatus } from "../../../src/domain/status.ts";
import { withIsoTimes } from "../../../src/report/statusJson.ts";
import { aCheck, aStatus, baseTimeMs } from "../report/statusBuilder.ts";

const rendering = { nowMs: baseTimeMs + 14_000, color: false };

function render(databases: readonly DatabaseStatus[], color = false): string {
  const list = { version: "1.2.3", status: "degraded", shuttingDown: false } as const;
  return renderStatus({ ...list, databases: withIsoTimes(databases) }, { ...rendering, color });
}

describe("status table", () => {
  test("one line a database: state, WAL, what waits, what is exposed, last checkpoint, last verdict, mode", () => {
    expect(render([aStatus()])).toBe(
      [
        "walwarden 1.2.3: degraded",
        "",
        "DATABASE  STATE  WAL      WAITING    EXPOSED  LAST CHECKPOINT  INTEGRITY               MODE",
        "kv        ready  4.0 MiB  12 frames  none     reset 14s ago    quick_check ok 14s ago  enforce",
        "",
      ].join("\n"),
    );
  });

  test("every check that is not ok is below it, in the words of readiness, with since when", () => {
    const checks = [aCheck("file"), aCheck("integrity", "failed", "quick_check: structural: page 7")];
    const text = render([aStatus({ checks })]);
    expect(text).toContain("not ready");
    expect(text).toContain("\n  integrity failed: quick_check: structural: page 7 (since 14s ago)\n");
  });

  test("what a guard says at length is said once", () => {
    const reason = "wal_of_another_file: the WAL does not belong to what is there now; move it away";
    const checks = [
      aCheck("guards", "failed", reason),
      aCheck("integrity", "degraded", `not proven: ${reason}`),
    ];
    const text = render([aStatus({ checks, mode: "observe", modeReason: reason })]);
    expect(text.split(reason)).toHaveLength(2);
    expect(text).toContain("  integrity degraded: not proven: see guards (since");
    expect(text).toContain("  mode lowered from enforce to observe: see guards\n");
  });

  test("a lowered mode says from what, to what, and why", () => {
    const text = render([aStatus({ mode: "observe", modeReason: "locking_mode=EXCLUSIVE" })]);
    expect(text).toContain("observe (of enforce)");
    expect(text).toContain("  mode lowered from enforce to observe: locking_mode=EXCLUSIVE");
  });

  test("what is not known is called unknown, never 0 or ok", () => {
    const text = render([
      aStatus({
        walFileBytes: null,
        walFrameCount: null,
        exposure: { kind: "unobservable", reason: "it is on tmpfs" },
        checkpoint: null,
        integrity: [],
      }),
    ]);
    expect(text).toMatch(/unknown +unknown +unknown +none yet +not checked/);
  });

  test("a long name is shortened in the middle, and wide characters keep the columns", () => {
    const long = `${"d".repeat(60)}/2026-11.db`;
    const lines = render([aStatus({ name: long }), aStatus({ name: "日本" })]).split("\n");
    const column = Bun.stringWidth((lines[2] ?? "").split("STATE")[0] ?? "");
    for (const line of [lines[3], lines[4]]) {
      expect(Bun.stringWidth((line ?? "").split("ready")[0] ?? "")).toBe(column);
    }
    expect(lines[3]).toContain("…");
    expect(lines[3]).toContain("2026-11.db");
  });

  test("names and reasons cannot drive the terminal", () => {
    const checks = [aCheck("file", "degraded", "gone\u001b[2J\nkv ready")];
    const text = render([aStatus({ name: "k\u001b]0;x\u0007v", checks })]);
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    expect(text).toContain("\\x1b[2J\\x0akv ready");
  });

  test("color only when it was asked for", () => {
    expect(render([aStatus()])).not.toContain("\u001b[");
    expect(render([aStatus()], true)).toContain("\u001b[32m");
  });

  test("no database at all is said", () => {
    expect(render([])).toContain("no database is watched");
  });
});

test("the details show path, processes, pragmas and what cannot be seen, made printable", () => {
  const status = aStatus({
    resolvedPath: "/data/kv.db",
    connected: [{ pid: 7, comm: "ev\u001bil", user: "www", unit: null }],
  });
  const text = renderDetails(withIsoTimes(status), rendering);
  expect(text).toContain("/var/lib/app/kv.db -> /data/kv.db");
  expect(text).toContain("ev\\x1bil (7, www)");
  expect(text).toContain("next checkpoint  in 46s");
  expect(text).toContain("cannot be seen   synchronous of the application's connections");
});

test("sizes and ages are in words", () => {
  expect([0, 1023, 1536, 150 * 1024 ** 2].map(bytesInWords)).toEqual(["0 B", "1023 B", "1.5 KiB", "150 MiB"]);
  const ages = [-5_000, 59_000, 61_000, 3_700_000, 90_000_000].map((agoMs) =>
    age(new Date(baseTimeMs).toISOString(), baseTimeMs + agoMs),
  );
  expect(ages).toEqual(["now", "59s ago", "1m ago", "1h1m ago", "1d1h ago"]);
});

test("shortening keeps what fits and never exceeds the width", () => {
  expect(shorten("short", 10)).toBe("short");
  for (const text of ["abcdefghijklmnop", "日本語日本語日本語"]) {
    for (let width = 2; width < 12; width++)
      expect(Bun.stringWidth(shorten(text, width))).toBeLessThanOrEqual(width);
  }
});

describe("on 80 columns", () => {
  const narrow = { ...rendering, widthColumns: 80 };
  const list = { version: "1.2.3", status: "degraded", shuttingDown: false } as const;
  const aLongName = aStatus({
    name: `${"d".repeat(60)}/2026-11.db`,
    mode: "observe",
    modeReason: "why ".repeat(40),
  });

  test("a database has two lines, nothing of it is left out, and none is wider", () => {
    const text = renderStatus({ ...list, databases: withIsoTimes([aStatus(), aLongName]) }, narrow);
    for (const line of text.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
    const lines = text.split("\n");
    expect(lines[2]).toMatch(/^DATABASE +STATE +WAL +WAITING +EXPOSED$/);
    expect(lines[3]).toMatch(/^ {2}LAST CHECKPOINT +INTEGRITY +MODE$/);
    expect(lines[4]).toMatch(/^kv +ready +4\.0 MiB +12 frames +none$/);
    expect(lines[5]).toMatch(/^ {2}reset 14s ago +quick_check ok 14s ago +enforce$/);
    expect(text.split(/\s+/).filter((word) => word === "why")).toHaveLength(40);
  });

  test("a table that fits stays as it is", () => {
    const text = renderStatus(
      { ...list, databases: withIsoTimes([aStatus()]) },
      { ...narrow, widthColumns: 100 },
    );
    expect(text.split("\n")).toHaveLength(5);
  });

  test("the details are folded under their text", () => {
    const text = renderDetails(withIsoTimes(aLongName), narrow);
    for (const line of text.split("\n"))
      if (line.includes(" ".repeat(20))) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
  });
});
