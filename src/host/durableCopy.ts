/**
 * A copy of a regular file that is whole after any crash, or is not there: written under another name, fsync'ed, renamed,
 * and the directory fsync'ed. Off the event loop. Where the file system can share the bytes of two files nothing is
 * copied (FICLONE), and where it can copy by itself they never come here (copy_file_range).
 *
 * The source is opened as it was seen (host/openSeen.ts) and copied by its descriptor, so what is put in its place
 * meanwhile is never read. It is copied from /proc/self/fd because that is how node:fs copies a descriptor.
 *
 * Sources: ioctl_ficlonerange(2), copy_file_range(2), proc_pid_fd(5); rename(2), fsync(2).
 */
import { constants } from "node:fs";
import { copyFile, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { temporaryPathOf } from "./durableWrite.ts";
import { errnoOf } from "./errno.ts";
import { openSeen } from "./openSeen.ts";
import type { Os } from "./os.ts";

export interface CopySource {
  readonly path: string;
  /** "device:inode" of the regular file that was seen there. */
  readonly identity: string;
}

export type DurableCopy =
  | { readonly kind: "copied"; readonly sizeBytes: number }
  /** Another file is there, or it was written while it was copied. Nothing is left. */
  | { readonly kind: "changed" }
  /** Nothing is left, unless `operation` is that of the directory. */
  | { readonly kind: "failed"; readonly operation: string; readonly path: string; readonly code: string };

/** @param mode permission bits of the copy, whatever the umask and the source's are: 0o600. */
export async function copyDurably(
  os: Os,
  source: CopySource,
  targetPath: string,
  mode: number,
): Promise<DurableCopy> {
  const opened = openSeen(os, source.path, source.identity);
  if (opened.kind === "changed") return opened;
  if (opened.kind === "unreadable")
    return { kind: "failed", operation: opened.operation, path: source.path, code: opened.code };
  try {
    return await copyDescriptor(os, opened.descriptor, targetPath, mode);
  } finally {
    os.close(opened.descriptor);
  }
}

async function copyDescriptor(
  os: Os,
  descriptor: number,
  targetPath: string,
  mode: number,
): Promise<DurableCopy> {
  const temporaryPath = temporaryPathOf(targetPath);
  const discard = () => rm(temporaryPath, { force: true }).catch(errnoOf);
  let operation = "fstat";
  try {
    const before = os.fstat(descriptor);
    operation = "copy";
    await copyFile(
      `/proc/self/fd/${descriptor}`,
      temporaryPath,
      constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE,
    );
    operation = "fsync";
    const copiedBytes = await settle(temporaryPath, mode);
    const after = os.fstat(descriptor);
    const isSame = after.modifiedAtMs === before.modifiedAtMs && after.sizeBytes === before.sizeBytes;
    if (!isSame || copiedBytes !== before.sizeBytes) {
      await discard();
      return { kind: "changed" };
    }
    operation = "rename";
    await rename(temporaryPath, targetPath);
    operation = "fsyncDirectory";
    await syncDirectory(dirname(targetPath));
    return { kind: "copied", sizeBytes: copiedBytes };
  } catch (error) {
    const code = errnoOf(error);
    // On a full disk what was written so far must not stay. Whether that works changes nothing about the failure.
    await discard();
    return { kind: "failed", operation, path: targetPath, code };
  }
}

/** @returns its size, when it is on disk. */
async function settle(path: string, mode: number): Promise<number> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    await file.chmod(mode);
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** Names in it are on disk then. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
