import { afterEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { createLogger } from "../../../src/report/log.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor, withDeadline } from "../../support/waitFor.ts";

const open: Disposable[] = [];
afterEach(() => {
  for (const resource of open.splice(0).reverse()) resource[Symbol.dispose]();
});

/** A named pipe with both ends open; `writeFlags` decides whether a full pipe blocks or answers EAGAIN. */
function makePipe(writeFlags = constants.O_WRONLY) {
  const directory = makeTempDirectory();
  open.push(directory);
  const path = directory.file("pipe");
  execFileSync("mkfifo", [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, writeFlags);
  const buffer = Buffer.alloc(1 << 20);
  const drain = (): string => {
    try {
      return buffer.toString("utf8", 0, readSync(readEnd, buffer));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return "";
      throw error;
    }
  };
  return { readEnd, writeEnd, drain };
}

const long = "x".repeat(1000);

describe("log destination", () => {
  test("flush waits until every line is written, whole and in order", async () => {
    using directory = makeTempDirectory();
    const fd = openSync(directory.file("log"), "w");
    const logger = createLogger({ destination: fd });
    for (let index = 0; index < 2_000; index++) logger.log("info", "line", { index });
    expect(await logger.flush(5_000)).toEqual({ complete: true, droppedLineCount: 0 });
    closeSync(fd);
    const lines = readFileSync(directory.file("log"), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).index)).toEqual([...Array(2_000).keys()]);
  });

  test.each([
    ["blocks", constants.O_WRONLY],
    ["answers EAGAIN", constants.O_WRONLY | constants.O_NONBLOCK],
  ])("a full pipe that %s never blocks the event loop, and what was dropped is said", async (_how, flags) => {
    const pipe = makePipe(flags);
    const logger = createLogger({ destination: pipe.writeEnd, queueBytesMax: 64 * 1024 });
    const startMs = performance.now();
    for (let index = 0; index < 500; index++) logger.log("info", "line", { index, long });
    expect(performance.now() - startMs).toBeLessThan(1_000);
    const stalled = await withDeadline("flush at its deadline", logger.flush(50));
    expect(stalled.complete).toBe(false);
    expect(stalled.droppedLineCount).toBeGreaterThan(300);

    let text = "";
    await waitFor("the report of dropped lines", () => {
      text += pipe.drain();
      return text.includes("log lines dropped");
    });
    await withDeadline("flush", logger.flush(5_000));
    text += pipe.drain();
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const report = lines.find((line) => line.msg === "log lines dropped");
    const written = lines.filter((line) => line.msg === "line").length;
    expect(report.droppedLineCount + written).toBe(500);
    closeSync(pipe.readEnd);
    closeSync(pipe.writeEnd);
  });

  test("a reader that went away neither ends the daemon nor holds its exit up", async () => {
    const pipe = makePipe();
    const logger = createLogger({ destination: pipe.writeEnd });
    closeSync(pipe.readEnd);
    logger.log("info", "first");
    await withDeadline("flush", logger.flush(5_000));
    logger.log("info", "second");
    const result = await withDeadline("flush", logger.flush(5_000));
    expect(result).toEqual({ complete: false, droppedLineCount: 2 });
    closeSync(pipe.writeEnd);
  });
});
