/**
 * Which file systems SQLite's locks and syncs can be trusted on. Names as /proc/self/mountinfo gives them.
 * Source: sqlite.org/howtocorrupt.html, section 2.1; file systems not in either list are unknown.
 */
const trusted = new Set([
  "ext2",
  "ext3",
  "ext4",
  "xfs",
  "btrfs",
  "f2fs",
  "zfs",
  "bcachefs",
  "jfs",
  "nilfs2",
  "tmpfs",
  "ramfs",
  "overlay",
]);

const network = new Set([
  "nfs",
  "nfs4",
  "cifs",
  "smb3",
  "smbfs",
  "9p",
  "virtiofs",
  "ceph",
  "afs",
  "lustre",
  "gpfs",
  "ocfs2",
  "gfs2",
]);

export type FileSystemVerdict = "trusted" | "network" | "unknown";

export function judgeFileSystem(fileSystemType: string): FileSystemVerdict {
  if (trusted.has(fileSystemType)) return "trusted";
  if (network.has(fileSystemType)) return "network";
  return "unknown";
}
