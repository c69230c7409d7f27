/**
 * What the power-cut laboratory needs: root, loop devices, the tools and the kernel's drivers of the file systems
 * that it cuts. Missing it skips the tests with the reason, and fails them in CI.
 */
import { existsSync, readFileSync } from "node:fs";
import { requireTool, unavailable } from "../../support/requirements.ts";

const tools = [
  "losetup",
  "mount",
  "umount",
  "findmnt",
  "sync",
  "mkfs.xfs",
  "mkfs.ext4",
  "mkfs.btrfs",
] as const;

/** Null when a laboratory can be opened here, else why not. Throws in CI. */
export function requireLaboratory(): string | null {
  if (process.getuid?.() !== 0) return unavailable("not root");
  if (!existsSync("/dev/loop-control")) return unavailable("no loop devices");
  return requireTool(...tools) ?? requireFileSystems("xfs", "ext4", "btrfs");
}

/** Drivers that the kernel has, or that can be loaded. */
export function requireFileSystems(...names: readonly string[]): string | null {
  const missing = names.filter((name) => !isKnown(name) && !isLoaded(name));
  return missing.length === 0 ? null : unavailable(`the kernel does not know ${missing.join(", ")}`);
}

function isKnown(name: string): boolean {
  return readFileSync("/proc/filesystems", "utf8")
    .split("\n")
    .some((line) => line.trim().split(/\s+/).at(-1) === name);
}

function isLoaded(name: string): boolean {
  const modprobe = Bun.which("modprobe");
  if (modprobe === null) return false;
  return Bun.spawnSync([modprobe, name], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
}
