/**
 * Standard input and output, synchronous: what was written has left the process before the next statement
 * runs. A worker's supervisor so knows of a lock before the call that blocks, and a command that exits right
 * after it printed loses nothing on a slow pipe (process.stdout.write does).
 *
 * The descriptors may be non-blocking sockets, depending on who made them: EAGAIN is waited out.
 */
import { readSync, writeSync } from "node:fs";
import { waitMs } from "./preciseWait.ts";

const inputDescriptor = 0;
const outputDescriptor = 1;
const againMs = 1;
const chunkBytes = 64 * 1024;
const newline = 0x0a;

/** Interrupted by a signal, or not ready: neither is an error. Rethrows everything else. */
function waitOutIfTransient(error: unknown): void {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EAGAIN") waitMs(againMs);
  else if (code !== "EINTR") throw error;
}

/** One message as a line of JSON on standard output. */
export function writeLine(message: object): void {
  writeWhole(outputDescriptor, `${JSON.stringify(message)}\n`);
}

export function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written, bytes.length - written);
    } catch (error) {
      waitOutIfTransient(error);
    }
  }
}

/** Blocks until there is something; ends with the input. A last line without its newline is not a line. */
export function* readLines(): Generator<string> {
  const chunk = Buffer.alloc(chunkBytes);
  let pending = Buffer.alloc(0);
  for (;;) {
    const count = readChunk(chunk);
    if (count === 0) return;
    pending = Buffer.concat([pending, chunk.subarray(0, count)]);
    for (let end = pending.indexOf(newline); end !== -1; end = pending.indexOf(newline)) {
      yield pending.toString("utf8", 0, end);
      pending = pending.subarray(end + 1);
    }
  }
}

function readChunk(chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(inputDescriptor, chunk, 0, chunk.length, null);
    } catch (error) {
      waitOutIfTransient(error);
    }
  }
}
