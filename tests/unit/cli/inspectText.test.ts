import { describe, expect, test } from "bun:test";
import { renderInspection } from "../../../src/cli/inspectText.ts";
import type { DatabaseInspection } from "../../../src/inspect/inspection.ts";
import { withIsoTimes } from "../../../src/report/statusJson.ts";
import { holder, nowMs } from "../../support/builders.ts";
import { inspection, walInspection } from "../inspect/inspection.ts";

function rendered(change: Partial<DatabaseInspection>, color = false): string {
  return renderInspection(withIsoTimes(inspection(change)), { nowMs, color });
}

function row(text: string, title: string): string {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${title} `));
  return line?.slice(title.length).trim() ?? "";
}

test("a healthy database: the verdict first, one line for each part, no remark", () => {
  const text = rendered({});
  expect(text).toStartWith("/data/kv.db: nothing wrong is seen\n\nfile ");
  expect(text).toEndWith("\n");
  expect(row(text, "header")).toBe(
    "WAL mode, 40 pages of 4096 bytes, 0 free, change counter 7, page 1 last written by SQLite 3.54.1",
  );
  expect(row(text, "frames")).toBe(
    "10 frames in 8 commits, database of 40 pages with it (by a scan with all checksums)",
  );
  expect(row(text, "processes")).toBe("nobody has it open");
  expect(row(text, "guards")).toBe("none: the daemon would open it");
  expect(text).not.toMatch(/^(note|wrong):/m);
});

test("what is wrong comes before the notes, and is counted in the heading", () => {
  const text = rendered({
    path: "/data/link.db",
    remarks: [
      { severity: "note", text: "a note" },
      { severity: "wrong", text: "a fault" },
    ],
  });
  expect(text).toStartWith("/data/link.db -> /data/kv.db: 1 thing wrong\n");
  expect(text).toEndWith("\nwrong: a fault\nnote: a note\n");
});

describe("nothing is said to be none that is not known", () => {
  test("a sidecar that may not be read", () => {
    const text = rendered({ wal: null, unreadable: [{ file: "wal", reason: "open EACCES" }] });
    expect(row(text, "WAL")).toBe("not readable: open EACCES");
    expect(row(text, "WAL-index")).toBe("none");
  });

  test("a WAL that could not be scanned, locks that cannot be seen, exposure that is not measured", () => {
    const text = rendered({
      wal: walInspection({ by: "unknown", reason: "read EIO", frameCount: null, commitCount: null }),
      processes: { ...inspection().processes, connected: null, reason: "locks cannot be seen: hidden" },
      exposure: { kind: "unobservable", reason: "it is on tmpfs" },
    });
    expect(row(text, "frames")).toBe("unknown: read EIO");
    expect(row(text, "processes")).toBe("locks cannot be seen: hidden");
    expect(row(text, "exposure")).toBe("unobservable: it is on tmpfs");
  });
});

test("a WAL whose header does not stand is called neither by a code nor healthy", () => {
  const walVerdict = { kind: "healthy", reason: "", holders: [], sinceMs: 0 } as const;
  const text = rendered({ wal: walInspection({ header: "badMagic", by: "unknown" }), walVerdict });
  expect(row(text, "WAL")).toContain("its header does not stand: its magic number is none of a WAL");
  expect(text).not.toContain("healthy");
});

test("that a WAL fits its database is not said to be proof that it belongs to it", () => {
  expect(row(rendered({}), "lineage")).toBe("nothing speaks against the WAL being this database's own");
});

test("guards of one name are named once", () => {
  const refused = (guard: string) => ({ guard, verdict: "refuse", reason: "why" }) as const;
  const text = rendered({ guards: [refused("file_access"), refused("file_access"), refused("owner")] });
  expect(row(text, "guards")).toBe("file_access (refuses), owner (refuses)");
});

test("processes are told by what they do", () => {
  const reader = { ...holder(2, "report"), user: "www", unit: "app.service" };
  const text = rendered({
    processes: {
      ...inspection().processes,
      connected: [reader, holder(3, "writer")],
      writer: holder(3, "writer"),
      readers: [{ mark: 1, frame: 4, holder: reader }],
      openers: [{ ...holder(9, "stranger"), files: ["wal"], writable: true }],
    },
  });
  const told = row(text, "processes");
  expect(told).toContain("report (2, www, app.service)");
  expect(told).toContain("; writing: writer (3)");
  expect(told).toContain("; reading at frame 4: report (2)");
  expect(told).toContain("; has it open without a lock: stranger (9)");
});

test("control characters of names cannot drive a terminal, and colours are only where they were asked for", () => {
  const hostile = rendered({ path: "/data/\u001b[2Jkv.db" });
  expect(hostile).not.toContain("\u001b");
  expect(rendered({}, true)).toContain("\u001b[32mnothing wrong is seen\u001b[0m");
});
