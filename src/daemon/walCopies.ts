/**
 * Copies of damaged WALs in the state directory, each with its WAL-index: `residue/NAME.DATE.wal` and `.shm`. Of one database
 * there are three at most; an older one goes only when a newer one is on disk. A WAL that was kept before is not copied
 * again: a daemon that is killed between copy and recovery finds it once more. What cannot be done is a result.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Observation } from "../domain/observation.ts";
import type { NotKeptWal, WalCopy } from "../domain/walDamage.ts";
import type { Clock } from "../host/clock.ts";
import { copyDurably, type DurableCopy, syncDirectory } from "../host/durableCopy.ts";
import { errnoOf } from "../host/errno.ts";
import { readFreeBytes } from "../host/freeSpace.ts";
import type { Os } from "../host/os.ts";
import { sameBytes } from "../host/sameBytes.ts";
import { whyNoRoom } from "../policy/walDamage.ts";
import { residueDirectory, residueFileStem } from "./residueReports.ts";

export interface WalCopiesHost {
  readonly os: Os;
  readonly clock: Clock;
}

const copyCountMax = 3;
const copyMode = 0o600;
const dateAndWal = /^\d{8}T\d{9}Z\.wal$/;
const unfinished = /^\d{8}T\d{9}Z\.(wal|shm)\.new$/;

export class WalCopies {
  readonly #host: WalCopiesHost;
  readonly #directory: string;

  constructor(host: WalCopiesHost, stateDirectory: string) {
    this.#host = host;
    this.#directory = residueDirectory(stateDirectory);
  }

  /**
   * Must not run twice at a time for one database.
   * @param observation whose -wal is to be copied; another one that lies there meanwhile never is.
   */
  async keep(database: string, observation: Observation): Promise<WalCopy> {
    const prefix = `${residueFileStem(database)}.`;
    try {
      await this.#makeDirectory();
      const before = await this.#copies(prefix);
      const copy = (await this.#earlierCopy(before, observation)) ?? (await this.#copy(prefix, observation));
      if (copy.kind === "failed" || copy.wasThere) return copy;
      return { ...copy, removedPaths: await this.#remove(before.slice(0, 1 - copyCountMax)) };
    } catch (error) {
      return failure(`${this.#directory} cannot be used: ${errnoOf(error)}`);
    }
  }

  async #makeDirectory(): Promise<void> {
    const made = await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(dirname(made));
  }

  /** Paths, the oldest first. What an attempt left that was cut short is removed. */
  async #copies(prefix: string): Promise<readonly string[]> {
    const names = await readdir(this.#directory);
    const endings = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    const pathOf = (ending: string) => join(this.#directory, prefix + ending);
    for (const ending of endings.filter((one) => unfinished.test(one)))
      await rm(pathOf(ending), { force: true });
    return endings
      .filter((ending) => dateAndWal.test(ending))
      .sort()
      .map(pathOf);
  }

  async #earlierCopy(
    copies: readonly string[],
    { wal, shm, resolvedPath }: Observation,
  ): Promise<WalCopy | null> {
    if (wal.kind !== "regular") return null;
    for (const walPath of copies) {
      const source = { path: `${resolvedPath}-wal`, identity: wal.identity };
      if (!(await sameBytes(this.#host, source, walPath))) continue;
      const shmPath = shm.kind === "regular" ? shmPathOf(walPath) : null;
      return { kind: "kept", walPath, shmPath, sizeBytes: wal.sizeBytes, wasThere: true, removedPaths: [] };
    }
    return null;
  }

  async #copy(prefix: string, { wal, shm, resolvedPath }: Observation): Promise<WalCopy> {
    const { os, clock } = this.#host;
    if (wal.kind !== "regular" || resolvedPath === null) return failure("there is no -wal any more");
    const shmBytes = shm.kind === "regular" ? shm.sizeBytes : 0;
    const noRoom = whyNoRoom(wal.sizeBytes + shmBytes, readFreeBytes(os, this.#directory), this.#directory);
    if (noRoom !== null) return failure(noRoom);
    const walPath = join(this.#directory, `${prefix}${dateInName(clock.nowMs())}.wal`);
    const shmPath = shm.kind === "regular" ? shmPathOf(walPath) : null;
    // The WAL-index first: where the WAL is, all of it is there.
    if (shm.kind === "regular" && shmPath !== null) {
      const source = { path: `${resolvedPath}-shm`, identity: shm.identity };
      const copied = await copyDurably(os, source, shmPath, copyMode);
      if (copied.kind !== "copied") return failure(inWords(copied, source.path));
    }
    const source = { path: `${resolvedPath}-wal`, identity: wal.identity };
    const copied = await copyDurably(os, source, walPath, copyMode);
    if (copied.kind === "copied")
      return {
        kind: "kept",
        walPath,
        shmPath,
        sizeBytes: copied.sizeBytes,
        wasThere: false,
        removedPaths: [],
      };
    if (shmPath !== null) await rm(shmPath, { force: true });
    return failure(inWords(copied, source.path));
  }

  async #remove(walPaths: readonly string[]): Promise<readonly string[]> {
    for (const walPath of walPaths) {
      await rm(walPath, { force: true });
      await rm(shmPathOf(walPath), { force: true });
    }
    return walPaths;
  }
}

function shmPathOf(walPath: string): string {
  return `${walPath.slice(0, -".wal".length)}.shm`;
}

/** "20261121T101530123Z": in the order of time. */
function dateInName(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(/[-:.]/g, "");
}

function failure(reason: string): NotKeptWal {
  return { kind: "failed", reason };
}

function inWords(copied: Exclude<DurableCopy, { readonly kind: "copied" }>, sourcePath: string): string {
  return copied.kind === "changed"
    ? `${sourcePath} was written or replaced while it was copied`
    : `${copied.operation} of ${copied.path} failed: ${copied.code}`;
}
