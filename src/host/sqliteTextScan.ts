/**
 * Looks for the texts of SQLite in a file, chunk by chunk: an executable may have more than a hundred megabytes.
 * Reading is done off the event loop, and every chunk is searched in a turn of its own.
 *
 * Only regular files are read: what a process has mapped may be a device, and its path may lead to anything by now.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { findSqliteTexts, type SqliteTexts, sqliteTextMaxBytes } from "../format/sqliteVersionText.ts";
import { errnoOf } from "./errno.ts";
import type { ProcessImage } from "./processImages.ts";

export type FileTexts =
  | { readonly kind: "read"; readonly texts: SqliteTexts }
  | { readonly kind: "unreadable"; readonly reason: string };

const chunkBytes = 512 * 1024;
const fileMaxBytes = 1024 * 1024 * 1024;
/** Files are few on a machine; what is over is forgotten, the oldest first. */
const rememberedMax = 256;

/** Reads every file once, as long as it stays as it is. */
export class SqliteTextScan {
  readonly #known = new Map<string, Promise<FileTexts>>();

  async textsOf(image: ProcessImage): Promise<FileTexts> {
    let reason = "it is not there any more";
    for (const path of image.openPaths) {
      const opened = await openImage(path, image.inode);
      if (opened.kind === "unreadable") {
        reason = opened.reason;
        continue;
      }
      try {
        return await this.#remembered(opened.identity, opened.handle);
      } finally {
        await opened.handle.close();
      }
    }
    return { kind: "unreadable", reason };
  }

  #remembered(identity: string, handle: FileHandle): Promise<FileTexts> {
    const known = this.#known.get(identity);
    if (known !== undefined) return known;
    const reading = readTexts(handle);
    this.#known.set(identity, reading);
    // A read that failed may go through next time.
    void reading.then((texts) => {
      if (texts.kind === "unreadable") this.#known.delete(identity);
    });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= rememberedMax) break;
      this.#known.delete(oldest);
    }
    return reading;
  }
}

type Opened =
  | { readonly kind: "opened"; readonly handle: FileHandle; readonly identity: string }
  | { readonly kind: "unreadable"; readonly reason: string };

async function openImage(path: string, inode: string | null): Promise<Opened> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const look = await handle.stat({ bigint: true });
    const refusal = !look.isFile()
      ? "it is no regular file"
      : inode !== null && String(look.ino) !== inode
        ? "another file has its path now"
        : look.size > fileMaxBytes
          ? "it is too large to be searched"
          : null;
    if (refusal !== null) {
      await handle.close();
      return { kind: "unreadable", reason: refusal };
    }
    return {
      kind: "opened",
      handle,
      identity: `${look.dev}:${look.ino}:${look.size}:${look.mtimeNs}`,
    };
  } catch (error) {
    return { kind: "unreadable", reason: `it cannot be opened: ${errnoOf(error)}` };
  }
}

async function readTexts(handle: FileHandle): Promise<FileTexts> {
  const buffer = Buffer.alloc(chunkBytes + sqliteTextMaxBytes);
  const sourceIds = new Set<string>();
  const versions = new Set<string>();
  let carriedBytes = 0;
  try {
    for (let positionBytes = 0; positionBytes < fileMaxBytes; ) {
      const { bytesRead } = await handle.read(buffer, carriedBytes, chunkBytes, positionBytes);
      if (bytesRead === 0) break;
      positionBytes += bytesRead;
      const filledBytes = carriedBytes + bytesRead;
      const found = findSqliteTexts(buffer.toString("latin1", 0, filledBytes));
      for (const id of found.sourceIds) sourceIds.add(id);
      for (const version of found.versions) versions.add(version);
      // A text that lies across two chunks is found with the second; half a hash is not taken for a whole one.
      carriedBytes = Math.min(sqliteTextMaxBytes, filledBytes);
      buffer.copyWithin(0, filledBytes - carriedBytes, filledBytes);
    }
  } catch (error) {
    return { kind: "unreadable", reason: `it cannot be read: ${errnoOf(error)}` };
  }
  return { kind: "read", texts: { sourceIds: longest(sourceIds), versions: [...versions] } };
}

/** At the end of a chunk 64 digits may have been cut to 40: the next chunk had all of them. */
function longest(ids: ReadonlySet<string>): readonly string[] {
  return [...ids].filter((id) => ![...ids].some((other) => other !== id && other.startsWith(id)));
}
