import { expect, test } from "bun:test";
import { isAffectedByWalResetBug } from "../../../src/policy/walResetBug.ts";

const affected = ["3.7.0", "3.7.17", "3.40.1", "3.44.5", "3.45.1", "3.50.6", "3.51.0", "3.51.2", "3.52.0"];
const sound = ["3.6.23", "3.44.6", "3.44.9", "3.50.7", "3.51.3", "3.52.1", "3.53.0", "3.54.1", "4.0.0"];

test("releases before a fix are affected, those from it on are not, on every branch that got one", () => {
  for (const version of affected)
    expect([version, isAffectedByWalResetBug(version)]).toEqual([version, true]);
  for (const version of sound) expect([version, isAffectedByWalResetBug(version)]).toEqual([version, false]);
});

test("SQLITE_VERSION_NUMBER is read like the text", () => {
  const numberOf = (version: string) => {
    const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
    return major * 1_000_000 + minor * 1_000 + patch;
  };
  for (const version of [...affected, ...sound]) {
    expect(isAffectedByWalResetBug(numberOf(version))).toBe(isAffectedByWalResetBug(version));
  }
});

test("a version that cannot be read is not trusted", () => {
  for (const version of ["", "sqlite", "3", "3.54.1-beta", 0, -1, 3.5, Number.NaN]) {
    expect(isAffectedByWalResetBug(version)).toBe(true);
  }
});
