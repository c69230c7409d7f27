/**
 * Child processes for tests: output line by line, input, and a guaranteed end. A child that a test forgot,
 * or that a failing test left behind, is killed by its pid at the end of the block or of the test process.
 */
import { waitFor, withDeadline } from "./waitFor.ts";

const living = new Set<TestProcess>();
let exitHookInstalled = false;

export interface SpawnOptions {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory?: string;
  /** Called with each line of stdout as it arrives, before it is kept. */
  readonly onLine?: (line: string) => void;
}

export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  /** Complete lines of stdout so far. */
  readonly lines: readonly string[];
  /** Everything on stderr so far. */
  stderr(): string;
  /** Null while it runs; the exit code, or 128 plus the signal's number as a shell says it. */
  exitCode(): number | null;
  readonly exited: Promise<number>;
  send(text: string): void;
  endInput(): void;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<number>;
  /** The first line from `fromIndex` on that matches. */
  waitForLine(what: string | RegExp, options?: { deadlineMs?: number; fromIndex?: number }): Promise<string>;
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) onLine(line);
  }
  if (rest !== "") onLine(rest);
}

function killLivingAtExit(): void {
  if (exitHookInstalled) return;
  exitHookInstalled = true;
  process.on("exit", () => {
    for (const child of living) child.signal("SIGKILL");
  });
}

export function spawnProcess(options: SpawnOptions): TestProcess {
  killLivingAtExit();
  const child = Bun.spawn([...options.command], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    ...(options.environment ? { env: { ...options.environment } } : {}),
    ...(options.workingDirectory ? { cwd: options.workingDirectory } : {}),
  });
  const lines: string[] = [];
  let stderr = "";
  const stdoutEnd = readLines(child.stdout, (line) => {
    options.onLine?.(line);
    lines.push(line);
  });
  const stderrEnd = readLines(child.stderr, (line) => {
    stderr += `${line}\n`;
  });
  let code: number | null = null;
  const exited = Promise.all([child.exited, stdoutEnd, stderrEnd]).then(([exitCode]) => {
    code = exitCode;
    living.delete(testProcess);
    return exitCode;
  });
  const kill = () => {
    child.kill("SIGKILL");
    return withDeadline(`the end of process ${child.pid}`, exited);
  };
  const testProcess: TestProcess = {
    pid: child.pid,
    lines,
    stderr: () => stderr,
    exitCode: () => code,
    exited,
    send: (text) => {
      child.stdin.write(text);
      child.stdin.flush();
    },
    endInput: () => {
      child.stdin.end();
    },
    signal: (name) => child.kill(name),
    kill,
    waitForLine: async (what, { deadlineMs = 10_000, fromIndex = 0 } = {}) => {
      const matches = (line: string) => (typeof what === "string" ? line.includes(what) : what.test(line));
      const label = `a line with ${String(what)} from: ${options.command.join(" ")}`;
      const find = () => lines.slice(fromIndex).find(matches);
      return await waitFor(
        label,
        () => {
          const line = find();
          if (line === undefined && code !== null) {
            throw new Error(`${label}: it ended with ${code}\n${lines.slice(-5).join("\n")}\n${stderr}`);
          }
          return line;
        },
        { deadlineMs, intervalMs: 5 },
      );
    },
    [Symbol.asyncDispose]: async () => {
      if (code === null) await kill();
    },
  };
  living.add(testProcess);
  return testProcess;
}
