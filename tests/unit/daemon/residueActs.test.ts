import { expect, test } from "bun:test";
import { tornTailBytesOf } from "../../../src/daemon/residueActs.ts";

test("frames of an earlier round behind the end of a WAL are no torn tail", () => {
  const trailingBytes = 1_161_840;
  for (const stopReason of ["saltMismatch", "endOfFile"])
    expect(tornTailBytesOf({ stopReason, trailingBytes })).toBe(0);
  for (const stopReason of ["tornFrame", "checksumMismatch", "zeroPageNumber", "badHeader"])
    expect(tornTailBytesOf({ stopReason, trailingBytes })).toBe(trailingBytes);
  expect(tornTailBytesOf({ stopReason: null, trailingBytes: null })).toBeNull();
  expect(tornTailBytesOf(null)).toBeNull();
});
