/** A file system of a few bytes, for what must hold when there is no more room: a tmpfs, which needs root. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireTool, unavailable } from "./requirements.ts";

/** Why none can be mounted here; null: one can. */
export const noMount =
  requireTool("mount", "umount") ?? (process.geteuid?.() === 0 ? null : unavailable("mounting needs root"));

export interface SmallFileSystem extends Disposable {
  /** Until it has no page left. */
  fill(): void;
  /** What filled it is gone. */
  empty(): void;
  resize(size: string): void;
}

const chunkBytes = 4096;

/**
 * @param path of the mount point, which is made.
 * @param size as mount's option has it: "4m".
 */
export function mountSmallFileSystem(path: string, size: string): SmallFileSystem {
  mkdirSync(path);
  run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path);
  const filling = join(path, "filling");
  return {
    fill: () => appendUntilFull(filling),
    empty: () => rmSync(filling),
    resize: (to) => run("mount", "-o", `remount,size=${to}`, path),
    [Symbol.dispose]: () => run("umount", path),
  };
}

function appendUntilFull(path: string): void {
  for (;;) {
    try {
      writeFileSync(path, "x".repeat(chunkBytes), { flag: "a" });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOSPC") return;
      throw error;
    }
  }
}

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}
