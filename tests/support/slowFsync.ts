/** A disk with slow syncs, by a small library that is preloaded into a writer and delays fsync and fdatasync. */
import { writeFileSync } from "node:fs";
import type { TempDirectory } from "./tempDirectory.ts";

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <errno.h>

static void wait_first(void) {
  const char *text = getenv("SLOW_FSYNC_MS");
  long delay_ms = text ? atol(text) : DELAY_MS;
  struct timespec rest = { delay_ms / 1000, (delay_ms % 1000) * 1000000L };
  while (nanosleep(&rest, &rest) == -1 && errno == EINTR) {}
}
int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  wait_first();
  return real(fd);
}
int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  wait_first();
  return real(fd);
}
`;

/**
 * Compiles the library into the directory and returns the environment that slows a process down. Needs gcc:
 * ask `requireTool("gcc")` first.
 */
export function slowFsyncEnvironment(
  directory: TempDirectory,
  delayMs: number,
): { readonly LD_PRELOAD: string; readonly SLOW_FSYNC_MS: string } {
  const sourcePath = directory.file("slowFsync.c");
  const libraryPath = directory.file("slowFsync.so");
  writeFileSync(sourcePath, source);
  // Compiled in as well: the daemon's workers get LD_PRELOAD from it, and no variable that they do not know.
  const delay = `-DDELAY_MS=${delayMs}`;
  const compiled = Bun.spawnSync([
    "gcc",
    "-O1",
    "-shared",
    "-fPIC",
    delay,
    "-o",
    libraryPath,
    sourcePath,
    "-ldl",
  ]);
  if (compiled.exitCode !== 0) throw new Error(`gcc: ${compiled.stderr.toString()}`);
  return { LD_PRELOAD: libraryPath, SLOW_FSYNC_MS: String(delayMs) };
}
