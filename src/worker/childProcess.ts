/**
 * One child process whose stdout is lines: starting, writing, killing, and the one moment at which it has
 * ended. Knows nothing of what the lines mean.
 *
 * Invariant: `ended` resolves once, after the last line was delivered and the process is reaped.
 */

/** A line longer than this is not one of ours. */
const lineBytesMax = 16 * 1024 * 1024;
const stderrCharsMax = 2048;

export interface ChildEnd {
  /** "signal SIGKILL" or "exit code 1". */
  readonly how: string;
  /** The last 2 kB of its stderr. */
  readonly stderr: string;
}

export interface ChildProcess {
  readonly pid: number;
  /** A failed write is not reported here: the process is ending, and `ended` will say how. */
  readonly writeLine: (line: string) => void;
  /** No more input: it ends when it has done what it was asked. */
  readonly closeInput: () => void;
  readonly kill: () => void;
  readonly ended: Promise<ChildEnd>;
}

export type ChildStart =
  | { readonly ok: true; readonly child: ChildProcess }
  | { readonly ok: false; readonly message: string };

export function startChild(
  command: readonly string[],
  environment: Record<string, string>,
  onLine: (line: string) => void,
): ChildStart {
  const spawned = spawn(command, environment);
  if (!spawned.ok) return spawned;
  const { subprocess } = spawned;
  const kill = () => subprocess.kill("SIGKILL");
  const write = async (line: string) => {
    subprocess.stdin.write(line);
    await subprocess.stdin.flush();
  };
  const child: ChildProcess = {
    pid: subprocess.pid,
    writeLine: (line) => {
      // EPIPE: it is gone, or about to be. Either way it cannot serve any more.
      write(`${line}\n`).then(undefined, kill);
    },
    closeInput: () => {
      Promise.resolve(subprocess.stdin.end()).then(undefined, kill);
    },
    kill,
    ended: end(subprocess, onLine, kill),
  };
  return { ok: true, child };
}

type Subprocess = Bun.Subprocess<"pipe", "pipe", "pipe">;

function spawn(
  command: readonly string[],
  env: Record<string, string>,
): { readonly ok: true; readonly subprocess: Subprocess } | { readonly ok: false; readonly message: string } {
  try {
    const subprocess = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "pipe", env });
    return { ok: true, subprocess };
  } catch (error) {
    // ENOENT, EACCES, EMFILE, EAGAIN, ENOMEM. Anything without an error number is a programmer error.
    if (!(error instanceof Error) || !("code" in error)) throw error;
    return { ok: false, message: error.message };
  }
}

async function end(
  subprocess: Subprocess,
  onLine: (line: string) => void,
  kill: () => void,
): Promise<ChildEnd> {
  const [, stderr, exitCode] = await Promise.all([
    deliverLines(subprocess.stdout, onLine, kill),
    tailOf(subprocess.stderr),
    subprocess.exited,
  ]);
  const how = subprocess.signalCode === null ? `exit code ${exitCode}` : `signal ${subprocess.signalCode}`;
  return { how, stderr };
}

async function deliverLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
  kill: () => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of stream) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) onLine(line);
    if (pending.length <= lineBytesMax) continue;
    pending = "";
    kill();
  }
}

async function tailOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of stream) {
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-stderrCharsMax);
  }
  return tail.trim();
}
