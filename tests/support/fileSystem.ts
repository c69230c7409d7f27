/** Which file system a test's files are on: what the page cache says is believed on some only. */
import { tmpdir } from "node:os";

/** As stat(1) calls it: "ext2/ext3", "xfs", "btrfs", "tmpfs", "overlayfs". */
export function fileSystemOf(path: string): string {
  return Bun.spawnSync(["stat", "-f", "-c", "%T", path]).stdout.toString().trim();
}

/** Why exposure is not measured in temporary directories; null: it is. A file system cannot be installed. */
export function whyExposureUnmeasured(): string | null {
  const type = fileSystemOf(tmpdir());
  return ["ext2/ext3", "xfs", "btrfs"].includes(type) ? null : `${tmpdir()} is on ${type}`;
}
