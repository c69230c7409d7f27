import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseGlobPattern } from "../../../src/config/globPattern.ts";
import { nearestName } from "../../../src/config/nearestName.ts";
import { durationToMs, formatDuration } from "../../../src/config/parseDuration.ts";
import { formatListen, parseListen } from "../../../src/config/parseListen.ts";
import { formatSchedule, parseSchedule } from "../../../src/config/parseSchedule.ts";
import { formatSize, parseSize } from "../../../src/config/parseSize.ts";

describe("durations", () => {
  const cases = [
    ["250ms", 250],
    ["60s", 60_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1d", 86_400_000],
    ["1w", 604_800_000],
    ["1y", 31_536_000_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["0", 0],
    ["0s", 0],
  ] as const;
  for (const [text, durationMs] of cases) {
    test(`${text} is ${durationMs} ms`, () => expect(durationToMs(text)).toBe(durationMs));
  }

  for (const text of [
    "",
    "60",
    "1.5h",
    "-1s",
    "+1s",
    "1s1h",
    "1m1m",
    "s",
    "1 s",
    " 1s",
    "1S",
    "1min",
    "1e3ms",
    "off",
  ]) {
    test(`${JSON.stringify(text)} is none`, () => expect(durationToMs(text)).toBeNull());
  }

  test("what is written is read back as the same milliseconds", () => {
    fc.assert(
      fc.property(
        fc.nat(2_147_483_647),
        (durationMs) => durationToMs(formatDuration(durationMs)) === durationMs,
      ),
    );
  });
});

describe("sizes", () => {
  const cases = [
    ["64MiB", 67_108_864],
    ["1GB", 1e9],
    ["4kB", 4000],
    ["4KB", 4000],
    ["4KiB", 4096],
    ["1TiB", 2 ** 40],
    ["0", 0],
    ["100B", 100],
    ["1048576", 1_048_576],
  ] as const;
  for (const [text, sizeBytes] of cases) {
    test(`${text} is ${sizeBytes} bytes`, () =>
      expect(parseSize(text)).toEqual({ ok: true, value: sizeBytes }));
  }

  for (const text of [
    "",
    "MiB",
    "1.5GiB",
    "-1",
    "64M",
    "64Mb",
    "64 MiB",
    "1PB",
    "9999999999TiB",
    "toString",
  ]) {
    test(`${JSON.stringify(text)} is none`, () => expect(parseSize(text).ok).toBe(false));
  }

  test("what is written is read back as the same bytes", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (sizeBytes) => {
        expect(parseSize(formatSize(sizeBytes))).toEqual({ ok: true, value: sizeBytes });
      }),
    );
  });
});

describe("schedules", () => {
  for (const text of ["off", "1m", "250ms", "0 3 * * *", "*/30 * * * * *", "0 3 * * sun", "@daily"]) {
    test(`${text} is read and written back as it was`, () => {
      const schedule = parseSchedule(text);
      expect(schedule.ok ? formatSchedule(schedule.value) : schedule).toBe(text);
    });
  }

  test("0 and OFF are off", () => {
    for (const text of ["0", "OFF"])
      expect(parseSchedule(text)).toEqual({ ok: true, value: { kind: "off" } });
  });

  for (const text of ["", "0s", "60", "25d", "* * * *", "61 * * * *", "every minute", "* * * * * * *"]) {
    test(`${JSON.stringify(text)} is none`, () => expect(parseSchedule(text).ok).toBe(false));
  }
});

test("addresses are written as they are read", () => {
  for (const text of ["127.0.0.1:9925", "[::1]:0", "localhost:1"]) {
    const listen = parseListen(text);
    expect(listen.ok ? formatListen(listen.value) : listen).toBe(text);
  }
});

describe("did you mean", () => {
  const known = ["mode", "path", "synchronous", "busyTimeout", "holdBudget", "holdBudgetMax"];
  const cases = [
    ["mdoe", "mode"],
    ["Synchronous", "synchronous"],
    ["busytimeout", "busyTimeout"],
    ["busyTimeoutMs", "busyTimeout"],
    ["holdBudgt", "holdBudget"],
    ["hold", "holdBudget"],
    ["zzz", null],
    ["", null],
  ] as const;
  for (const [name, nearest] of cases) {
    test(`${name}: ${nearest}`, () => expect(nearestName(name, known)).toBe(nearest));
  }

  test("one slip in a long name is always found", () => {
    fc.assert(
      fc.property(fc.nat(9), fc.constantFrom("", "x"), (at, instead) => {
        const name = "synchronous";
        expect(nearestName(name.slice(0, at) + instead + name.slice(at + 1), known)).toBe(name);
      }),
    );
  });
});

describe("patterns", () => {
  const cases = [
    ["/srv/*/data.db", "/srv", ["*", "data.db"]],
    ["data/**/*.db", "/etc/w/data", ["**", "*.db"]],
    ["*.db", "/etc/w", ["*.db"]],
    ["/*.db", "/", ["*.db"]],
    ["../x/{a,b}/kv[0-9].db", "/etc/x", ["{a,b}", "kv[0-9].db"]],
    ["a/./b?//c.db", "/etc/w/a", ["b?", "c.db"]],
  ] as const;
  for (const [text, directory, segments] of cases) {
    test(`${text} starts in ${directory}`, () => {
      expect(parseGlobPattern(text, "/etc/w")).toEqual({
        ok: true,
        value: { directory, segments: [...segments] },
      });
    });
  }

  test("a folder with wildcards in its own name is taken literally where the file lies in it", () => {
    expect(parseGlobPattern("*.db", "/etc/[w]*")).toEqual({
      ok: true,
      value: { directory: "/etc/[w]*", segments: ["*.db"] },
    });
  });

  for (const text of ["a.db", "*/", "**", "a/**", "*/../b", "{a/b,c}/d", "[a/b]", "a**/b", "*/!x"]) {
    test(`${text} is refused`, () => expect(parseGlobPattern(text, "/").ok).toBe(false));
  }
});
