import { expect, test } from "bun:test";
import fc from "fast-check";
import { addToWalChecksum, newWalChecksum, walChecksum } from "../../../src/format/walChecksum.ts";
import { checksumOf } from "../../support/walBytes.ts";

const words = fc
  .uint8Array({ minLength: 8, maxLength: 800 })
  .map((bytes) => bytes.slice(0, bytes.length & ~7));

test("the checksum is that of the format's description, in both byte orders", () => {
  fc.assert(
    fc.property(words, fc.boolean(), (bytes, bigEndian) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const [s0, s1] = checksumOf(bytes, bigEndian);
      expect(walChecksum(view, bytes.byteLength, !bigEndian)).toEqual([Number(s0), Number(s1)]);
    }),
  );
});

test("a sum goes on where another ended, at any place of a buffer", () => {
  fc.assert(
    fc.property(words, words, fc.nat(9), fc.boolean(), (first, second, shift, littleEndian) => {
      const buffer = new Uint8Array(shift + first.byteLength + second.byteLength);
      buffer.set(first, shift);
      buffer.set(second, shift + first.byteLength);
      const sums = newWalChecksum();
      const view = new DataView(buffer.buffer);
      addToWalChecksum(sums, view, shift, first.byteLength, littleEndian);
      addToWalChecksum(sums, view, shift + first.byteLength, second.byteLength, littleEndian);
      const whole = buffer.slice(shift);
      const [s0, s1] = checksumOf(whole, !littleEndian);
      expect([...sums].map((sum) => sum >>> 0)).toEqual([Number(s0), Number(s1)]);
    }),
  );
});
