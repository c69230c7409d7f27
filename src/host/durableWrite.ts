/**
 * A file that is whole after any crash, the old one or the new one: a temporary file beside it is written,
 * fsync'ed and renamed over it, and the directory is fsync'ed, each of them checked. Off the event loop.
 *
 * Only for files of the daemon's own. Two writes of one path must not overlap: the temporary name is always the
 * same, so that a crash leaves no more than one behind, and the next write takes it.
 *
 * Sources: rename(2), fsync(2) ("a rename is durable only when the directory was synced"). A failed fsync is never
 * tried again on the same descriptor: the next call begins with a new file.
 */
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "./errno.ts";

export type DurableWriteOperation =
  | "open"
  | "chmod"
  | "write"
  | "fsync"
  | "close"
  | "rename"
  | "openDirectory"
  | "fsyncDirectory";

export type DurableWrite =
  | { readonly ok: true }
  /**
   * Up to `rename` the earlier file is untouched. After it the new one stands there, but a power cut may bring the
   * earlier one back.
   */
  | {
      readonly ok: false;
      readonly operation: DurableWriteOperation;
      readonly path: string;
      readonly code: string;
    };

/** Called before each operation; a test makes one of them fail by throwing an error with an errno. */
export type BeforeOperation = (operation: DurableWriteOperation) => void;

const writeFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** The name that is written first; a crash may leave it behind. */
export function temporaryPathOf(path: string): string {
  return `${path}.new`;
}

/** @param mode permission bits of the file, whatever the umask is: 0o600. */
export async function writeDurably(
  path: string,
  content: Uint8Array | string,
  mode: number,
  before: BeforeOperation = () => {},
): Promise<DurableWrite> {
  const temporaryPath = temporaryPathOf(path);
  let operation: DurableWriteOperation = "open";
  const begin = (next: DurableWriteOperation): void => {
    operation = next;
    before(next);
  };
  try {
    begin("open");
    const file = await open(temporaryPath, writeFlags, mode);
    await closing(file, async () => {
      begin("chmod");
      await file.chmod(mode);
      begin("write");
      await file.writeFile(content);
      begin("fsync");
      await file.sync();
      begin("close");
    });
    begin("rename");
    await rename(temporaryPath, path);
    begin("openDirectory");
    const directory = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    await closing(directory, async () => {
      begin("fsyncDirectory");
      await directory.sync();
    });
    return { ok: true };
  } catch (error) {
    const failure: DurableWrite = { ok: false, operation, path, code: errnoOf(error) };
    // On a full disk what was written so far must not stay. Whether that works changes nothing about the failure.
    await rm(temporaryPath, { force: true }).catch(errnoOf);
    return failure;
  }
}

/** The error of the work comes before one of closing. */
async function closing(file: FileHandle, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await file.close().catch(errnoOf);
    throw error;
  }
  await file.close();
}
