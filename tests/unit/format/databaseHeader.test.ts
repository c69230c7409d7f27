import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { databaseHeaderBytes, parseDatabaseHeader } from "../../../src/format/databaseHeader.ts";

/** A header as SQLite 3.40.1 writes it into a new WAL database with one table. */
function headerBytes(change: (view: DataView) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(databaseHeaderBytes);
  bytes.set(new TextEncoder().encode("SQLite format 3\0"));
  const view = new DataView(bytes.buffer);
  view.setUint16(16, 4096);
  bytes.set([2, 2, 0, 64, 32, 32], 18);
  view.setUint32(24, 7);
  view.setUint32(28, 2);
  view.setUint32(44, 4);
  view.setUint32(56, 1);
  view.setUint32(92, 7);
  view.setUint32(96, 3040001);
  change(view);
  return bytes;
}

describe("parseDatabaseHeader", () => {
  test("reads every field at its documented place", () => {
    expect(parseDatabaseHeader(headerBytes())).toEqual({
      kind: "header",
      header: {
        pageSizeBytes: 4096,
        writeVersion: 2,
        readVersion: 2,
        reservedBytes: 0,
        changeCounter: 7,
        pageCount: 2,
        versionValidFor: 7,
        freelistPageCount: 0,
        pageCountValid: true,
        schemaFormat: 4,
        textEncoding: 1,
        sqliteVersionNumber: 3040001,
        inWalMode: true,
        bytesHex: Buffer.from(headerBytes()).toString("hex"),
      },
    });
  });

  test('"the value 1 representing a page size of 65536"', () => {
    const result = parseDatabaseHeader(headerBytes((view) => view.setUint16(16, 1)));
    expect(result.kind === "header" && result.header.pageSizeBytes).toBe(65536);
  });

  test("the page count is valid only when the change counter is that of version-valid-for", () => {
    const older = parseDatabaseHeader(headerBytes((view) => view.setUint32(92, 6)));
    const zero = parseDatabaseHeader(headerBytes((view) => view.setUint32(28, 0)));
    expect(older.kind === "header" && older.header.pageCountValid).toBe(false);
    expect(zero.kind === "header" && zero.header.pageCountValid).toBe(false);
  });

  test("WAL mode needs both format versions", () => {
    for (const offset of [18, 19]) {
      const result = parseDatabaseHeader(headerBytes((view) => view.setUint8(offset, 1)));
      expect(result.kind === "header" && result.header.inWalMode).toBe(false);
    }
  });

  test("nothing, too little, and something else are told apart", () => {
    const text = new TextEncoder().encode("name,value\n".repeat(10));
    expect(parseDatabaseHeader(new Uint8Array(0))).toEqual({ kind: "empty" });
    expect(parseDatabaseHeader(headerBytes().subarray(0, 99))).toEqual({ kind: "tooShort", byteCount: 99 });
    expect(parseDatabaseHeader(text)).toEqual({ kind: "notADatabase" });
    expect(parseDatabaseHeader(headerBytes((view) => view.setUint8(15, 1)))).toEqual({
      kind: "notADatabase",
    });
  });

  test.each([
    ["page size", (view: DataView) => view.setUint16(16, 1000), 1000],
    ["page size", (view: DataView) => view.setUint16(16, 256), 256],
    ["page size", (view: DataView) => view.setUint16(16, 0), 0],
    ["write version", (view: DataView) => view.setUint8(18, 3), 3],
    ["read version", (view: DataView) => view.setUint8(19, 0), 0],
    ["maximum payload fraction", (view: DataView) => view.setUint8(21, 63), 63],
    ["minimum payload fraction", (view: DataView) => view.setUint8(22, 33), 33],
    ["leaf payload fraction", (view: DataView) => view.setUint8(23, 0), 0],
    ["schema format", (view: DataView) => view.setUint32(44, 5), 5],
    ["text encoding", (view: DataView) => view.setUint32(56, 0x80000000), 0x80000000],
  ])("names the field that is not sane: %s (%#)", (field, change, value) => {
    expect(parseDatabaseHeader(headerBytes(change))).toMatchObject({ kind: "malformed", field, value });
  });

  test('"The usable size is not allowed to be less than 480"', () => {
    const small = (reserved: number) =>
      parseDatabaseHeader(
        headerBytes((view) => {
          view.setUint16(16, 512);
          view.setUint8(20, reserved);
        }),
      ).kind;
    expect(small(32)).toBe("header");
    expect(small(33)).toBe("malformed");
  });

  test("no bytes make it throw, and a header is only ever sane", () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.tuple(fc.nat(99), fc.nat(255)), { maxLength: 6 }).map((changes) => {
        const bytes = headerBytes();
        for (const [offset, value] of changes) bytes[offset] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const result = parseDatabaseHeader(bytes);
        if (result.kind !== "header") return;
        expect(Math.log2(result.header.pageSizeBytes) % 1).toBe(0);
        expect(result.header.pageSizeBytes - result.header.reservedBytes).toBeGreaterThanOrEqual(480);
      }),
    );
  });

  test("reads from the middle of a larger buffer", () => {
    const large = new Uint8Array(300);
    large.set(headerBytes(), 77);
    expect(parseDatabaseHeader(large.subarray(77, 177))).toEqual(parseDatabaseHeader(headerBytes()));
  });
});
