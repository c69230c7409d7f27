/** strace before a command, where tracing is allowed. What it writes is read by systemCalls.ts. */

/** Without `-D` strace is the command's parent. */
function strace(options: readonly string[], calls: string, tracePath: string): readonly string[] {
  return ["strace", ...options, "-f", "-y", "-s", "500", "--seccomp-bpf", "-e", calls, "-o", tracePath];
}

/** Who opened which file, with which locks, and closed it; strace is a detached grandchild, so the command keeps its pid. */
export function traceLocksInto(tracePath: string): readonly string[] {
  return strace(["-D"], "trace=execve,clone,clone3,fork,vfork,openat,fcntl,close", tracePath);
}

/** All that is done with files and descriptors. */
export function traceFilesInto(tracePath: string): readonly string[] {
  return strace([], "trace=%file,%desc", tracePath);
}

/** Where tracing is forbidden, as in many containers, there is nothing to install: skipped there, CI too. */
export function whyNotTrace(traceInto: (tracePath: string) => readonly string[]): string | null {
  if (Bun.which("strace") === null) return "strace not found in PATH";
  const tried = Bun.spawnSync([...traceInto("/dev/null"), "true"]);
  return tried.exitCode === 0 && tried.stderr.length === 0
    ? null
    : `no tracing: ${tried.stderr.toString().trim()}`;
}
