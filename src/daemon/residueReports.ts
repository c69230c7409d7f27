/**
 * Writes the residue reports into the state directory, durably, one file for each database. Reports of one database
 * are written one after the other. A report that cannot be written is a result, never an obstacle.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ResidueReport } from "../domain/residueReport.ts";
import { type DurableWrite, writeDurably } from "../host/durableWrite.ts";
import { errnoOf } from "../host/errno.ts";
import { residueReportText } from "../report/residueJson.ts";

/** Names are at most 255 bytes long on the usual file systems, and another suffix is put to them while writing. */
const nameBytesMax = 200;

/** A database's name may hold slashes: each name has a file of its own, below one directory. */
export function residueFileName(database: string): string {
  return `${residueFileStem(database)}.json`;
}

/** Without a dot in it: what follows the first dot of a name tells what kind of file it is. */
export function residueFileStem(database: string): string {
  const encoded = encodeURIComponent(database).replaceAll(".", "%2E");
  if (encoded.length <= nameBytesMax) return encoded;
  const digest = new Bun.CryptoHasher("sha256").update(database).digest("hex");
  return `${encoded.slice(0, nameBytesMax - 33)}-${digest.slice(0, 32)}`;
}

export function residueDirectory(stateDirectory: string): string {
  return join(stateDirectory, "residue");
}

export class ResidueReports {
  readonly #directory: string;
  readonly #writing = new Map<string, Promise<DurableWrite>>();

  constructor(stateDirectory: string) {
    this.#directory = residueDirectory(stateDirectory);
  }

  write(report: ResidueReport): Promise<DurableWrite> {
    const path = join(this.#directory, residueFileName(report.database));
    const before = this.#writing.get(path) ?? Promise.resolve();
    const writing = before.then(() => this.#write(path, report));
    this.#writing.set(path, writing);
    return writing.finally(() => {
      if (this.#writing.get(path) === writing) this.#writing.delete(path);
    });
  }

  async #write(path: string, report: ResidueReport): Promise<DurableWrite> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      return { ok: false, operation: "openDirectory", path: this.#directory, code: errnoOf(error) };
    }
    return writeDurably(path, residueReportText(report), 0o600);
  }
}
