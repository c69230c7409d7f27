/**
 * Drives the sqlite3 command line tool as a writer: one insert a transaction, and after it a read of that
 * row, whose answer is the acknowledgement (a failed insert is followed by no row). The tool does not stop at
 * errors; they are collected, and the row is tried again.
 */
import { spawnProcess, type TestProcess } from "../childProcess.ts";
import { waitFor, withDeadline } from "../waitFor.ts";
import { type Writer, type WriterError, waitForRows } from "./writer.ts";
import { createTableSql, pragmaStatements, type WriterOptions, writerDefaults } from "./writerOptions.ts";

/** Primary result codes that the tool prints in parentheses; sqlite.org/rescode.html. */
const codeNames: Readonly<Record<string, string>> = {
  "5": "SQLITE_BUSY",
  "6": "SQLITE_LOCKED",
  "8": "SQLITE_READONLY",
  "10": "SQLITE_IOERR",
  "11": "SQLITE_CORRUPT",
  "13": "SQLITE_FULL",
  "14": "SQLITE_CANTOPEN",
  "19": "SQLITE_CONSTRAINT",
  "26": "SQLITE_NOTADB",
};

function parseErrors(stderr: string): WriterError[] {
  return stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const number = /\((\d+)\)$/.exec(line)?.[1] ?? "";
      return { code: codeNames[number] ?? `SQLITE_${number || "UNKNOWN"}`, message: line };
    });
}

export async function startCliWriter(
  options: Partial<WriterOptions> & { readonly path: string },
  environment: Readonly<Record<string, string>> = {},
): Promise<Writer> {
  const complete: WriterOptions = { ...writerDefaults, ...options };
  const acknowledged: number[] = [];
  let doneCount = 0;
  const child = spawnProcess({
    command: ["sqlite3", "-batch", ...(complete.vfs === null ? [] : ["-vfs", complete.vfs]), complete.path],
    environment: { ...process.env, ...environment },
    onLine: (line) => {
      if (line.startsWith("row ")) acknowledged.push(Number(line.slice(4)));
      if (line === "done") doneCount += 1;
    },
  });
  let stopping = false;

  async function run(script: string): Promise<void> {
    const wanted = doneCount + 1;
    child.send(`${script}\n.print done\n`);
    await waitFor("sqlite3 to answer", () => doneCount >= wanted || child.exitCode() !== null, {
      deadlineMs: 60_000,
      intervalMs: 1,
    });
  }

  async function pump(): Promise<void> {
    for (let count = 0; complete.rowCount === 0 || count < complete.rowCount; count += 1) {
      const row = complete.firstRow + count;
      const insert = `INSERT INTO written VALUES (${row}, randomblob(${complete.rowBytes}));`;
      while (!stopping && acknowledged.at(-1) !== row && child.exitCode() === null) {
        await run(`${insert}\nSELECT 'row ' || id FROM written WHERE id = ${row};`);
      }
      if (stopping || child.exitCode() !== null) return;
      if (complete.pauseMs > 0) await Bun.sleep(complete.pauseMs);
    }
  }

  await run([...pragmaStatements(complete), createTableSql].map((sql) => `${sql};`).join("\n"));
  const hold = complete.mode === "holdReader" ? "BEGIN;\nSELECT count(*) FROM written;" : "BEGIN IMMEDIATE;";
  const pumping = complete.mode === "write" ? pump() : run(hold);
  if (complete.mode !== "write") await pumping;
  return {
    pid: child.pid,
    process: child,
    acknowledged,
    get errors() {
      return parseErrors(child.stderr());
    },
    waitForRows: (count, deadlineMs) => waitForRows(child, acknowledged, count, deadlineMs),
    waitForMoreRows: (count, deadlineMs) =>
      waitForRows(child, acknowledged, acknowledged.length + count, deadlineMs),
    release: () => run("ROLLBACK;"),
    stop: () =>
      stopTool(child, pumping, () => {
        stopping = true;
      }),
    kill: async () => {
      stopping = true;
      await child.kill();
      await pumping;
    },
    [Symbol.asyncDispose]: async () => {
      stopping = true;
      await child[Symbol.asyncDispose]();
      await pumping;
    },
  };
}

async function stopTool(child: TestProcess, pumping: Promise<void>, requestStop: () => void): Promise<void> {
  requestStop();
  await pumping;
  if (child.exitCode() !== null) return;
  child.endInput();
  // The tool exits 1 when any statement failed; that is in `errors` already.
  await withDeadline("sqlite3 to exit", child.exited, 15_000);
}
