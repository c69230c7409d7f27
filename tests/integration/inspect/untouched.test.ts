/** Inspecting changes nothing: by what the process asked the kernel for, by the bytes, and by what a writer felt. */
import { expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { fileBytes } from "../daemon/fileBytes.ts";
import { traceFilesInto, whyNotTrace } from "../daemon/tracing.ts";
import { dataPath, makeDatabaseWithResidue, testTimeoutMs } from "../daemon/watched.ts";
import { inspect, inspectDatabase } from "./inspectCommand.ts";

const traceSkip = whyNotTrace(traceFilesInto);

function modificationTimes(directory: string): Readonly<Record<string, bigint>> {
  const times = readdirSync(directory).map((name): [string, bigint] => [
    name,
    lstatSync(join(directory, name), { bigint: true }).mtimeNs,
  ]);
  return Object.fromEntries(times);
}

/** Calls of the trace on files below the directory, by name. */
function callsOn(
  trace: string,
  directory: string,
): readonly { readonly name: string; readonly text: string }[] {
  return (
    trace
      .split("\n")
      .filter((line) => line.includes(directory))
      .map((line) => /^\d+\s+(?:<\.\.\. )?(\w+)(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map((match) => ({ name: match[1] ?? "", text: match[2] ?? "" }))
      // The answer that goes to the standard output names the files too.
      .filter(
        ({ name, text }) => name !== "write" || /^\(\d+<([^>]*)>/.exec(text)?.[1]?.startsWith(directory),
      )
  );
}

const harmless = new Set([
  ...["openat", "read", "pread64", "close", "fstat", "newfstatat", "statx", "lstat", "stat", "fcntl"],
  ...[
    "readlink",
    "readlinkat",
    "access",
    "faccessat",
    "faccessat2",
    "statfs",
    "cachestat",
    "execve",
    "lseek",
  ],
  ...["getcwd", "ioctl", "epoll_ctl"],
]);

test.concurrent.skipIf(traceSkip !== null)(
  testName("by strace: files are opened for reading only, and no lock is asked for", traceSkip),
  async () => {
    using directory = makeTempDirectory();
    const tracePath = directory.file("trace");
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({ path, autocheckpoint: 0, pauseMs: 2, synchronous: "NORMAL" });
    await writer.waitForRows(30);
    const residue = dataPath(directory, "residue.db");
    makeDatabaseWithResidue(residue);
    for (const inspected of [path, residue]) {
      const { exitCode, stderr } = await inspect([inspected], { commandPrefix: traceFilesInto(tracePath) });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const calls = callsOn(readFileSync(tracePath, "utf8"), directory.file("data"));
      const opens = calls.filter(({ name }) => name === "openat" || name === "open");
      expect(opens.length).toBeGreaterThan(3);
      for (const { text } of opens) {
        expect(text).toContain("O_RDONLY");
        // Bun resolves a path by a descriptor that can neither read nor write (O_PATH).
        expect(text).toMatch(/O_NOFOLLOW|O_PATH/);
        expect(text).not.toMatch(/O_CREAT|O_TRUNC|O_WRONLY|O_RDWR/);
      }
      // F_GETLK asks who holds a lock, and takes none.
      const fcntls = calls.filter(({ name }) => name === "fcntl");
      expect(fcntls.filter(({ text }) => /SETLK|SETLEASE|F_SETFL\b/.test(text))).toEqual([]);
      expect(calls.filter(({ name }) => !harmless.has(name)).map(({ name }) => name)).toEqual([]);
    }
    await writer.stop();
    expect(writer.errors).toEqual([]);
  },
  testTimeoutMs,
);

test.concurrent(
  "no byte, no name and no time of change is another afterwards",
  async () => {
    using directory = makeTempDirectory();
    makeDatabaseWithResidue(dataPath(directory, "kv.db"));
    const data = directory.file("data");
    const before = { bytes: fileBytes(data), times: modificationTimes(data) };
    for (const name of ["kv.db", "kv.db-wal"]) expect((await inspect([join(data, name)])).exitCode).toBe(0);
    expect({ bytes: fileBytes(data), times: modificationTimes(data) }).toEqual(before);
    expect(Object.keys(before.bytes).sort()).toEqual(["kv.db", "kv.db-wal"]);
  },
  testTimeoutMs,
);

test.concurrent(
  "beside a writer that never pauses it tells what is committed, the writer sees no error and loses no row",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({ path });
    await writer.waitForRows(200);
    for (let round = 0; round < 4; round += 1) {
      const rowCount = writer.acknowledged.length;
      const { wal, walIndex, processes, exitCode } = await inspectDatabase(path);
      expect(exitCode).toBe(0);
      expect(walIndex).toMatchObject({ trusted: true });
      expect(processes.connected?.map(({ pid }) => pid)).toEqual([writer.pid]);
      expect(wal?.by).toBe("index");
      // One row a commit: the WAL holds them all until it starts over, which it does at 1,000 pages.
      if (wal?.checkpointSequence === 0) expect(wal.commitCount ?? 0).toBeGreaterThanOrEqual(rowCount);
      await writer.waitForMoreRows(300);
    }
    await writer.stop();
    expect(writer.errors).toEqual([]);
    expect(missingRows(writer.acknowledged, await verifyRows(path))).toEqual([]);
  },
  testTimeoutMs,
);
