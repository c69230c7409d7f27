/** Copies of files: whole and private, or not there. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { realClock } from "../../../src/host/clock.ts";
import { copyDurably } from "../../../src/host/durableCopy.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { sameBytes } from "../../../src/host/sameBytes.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

function sourceAt(path: string) {
  return { path, identity: realOs.lstat(path)?.identity ?? "" };
}

test("every byte is there, and only its owner may read it, whatever the source's rights are", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("source");
  const bytes = crypto.getRandomValues(new Uint8Array(60_001));
  writeFileSync(path, bytes);
  chmodSync(path, 0o666);
  const target = directory.file("target");
  const copied = await copyDurably(realOs, sourceAt(path), target, 0o600);
  expect(copied).toEqual({ kind: "copied", sizeBytes: 60_001 });
  expect(readFileSync(target).equals(Buffer.from(bytes))).toBe(true);
  expect(statSync(target).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory.path).sort()).toEqual(["source", "target"]);
});

test("a file that is written meanwhile, or replaced by a link, leaves nothing", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("source");
  writeFileSync(path, "before");
  const source = sourceAt(path);
  let looks = 0;
  const os: Os = {
    ...realOs,
    fstat(descriptor) {
      looks += 1;
      // openSeen and the beginning look first; this is the look after the copy.
      if (looks === 3) appendFileSync(path, " and after");
      return realOs.fstat(descriptor);
    },
  };
  expect(await copyDurably(os, source, directory.file("target"), 0o600)).toEqual({ kind: "changed" });
  symlinkSync(path, directory.file("link"));
  const link = { path: directory.file("link"), identity: source.identity };
  expect(await copyDurably(realOs, link, directory.file("target"), 0o600)).toEqual({ kind: "changed" });
  expect(readdirSync(directory.path).sort()).toEqual(["link", "source"]);
});

test("a target that cannot be written is a result with operation and code", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("source");
  writeFileSync(path, "bytes");
  const target = `${directory.file("nowhere")}/target`;
  const copied = await copyDurably(realOs, sourceAt(path), target, 0o600);
  expect(copied).toEqual({ kind: "failed", operation: "copy", path: target, code: "ENOENT" });
});

test("files are the same byte by byte, or not the same", async () => {
  using directory = makeTempDirectory();
  const host = { os: realOs, clock: realClock };
  const write = (name: string, bytes: Uint8Array) => {
    writeFileSync(directory.file(name), bytes);
    return directory.file(name);
  };
  const bytes = new Uint8Array(600_000).fill(7);
  const source = sourceAt(write("source", bytes));
  expect(await sameBytes(host, source, write("same", bytes))).toBe(true);
  expect(await sameBytes(host, source, write("longer", new Uint8Array(600_001).fill(7)))).toBe(false);
  bytes[599_999] = 8;
  expect(await sameBytes(host, source, write("other", bytes))).toBe(false);
  expect(await sameBytes(host, source, directory.file("absent"))).toBe(false);
});
