/**
 * Which check last called which database ok, and how it looked then: `checks.json` in the state directory. It is a
 * convenience: where it cannot be read or written every check is done.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeDurably } from "../host/durableWrite.ts";
import { type CheckRecord, withRecord } from "../policy/unchangedDatabase.ts";

const fileSchema = z.record(
  z.string(),
  z.array(
    z.object({
      check: z.enum(["quick_check", "integrity_check"]),
      fingerprint: z.string(),
      endedAtMs: z.number(),
      durationMs: z.number(),
    }),
  ),
);

const fileMode = 0o640;

export class CheckRecords {
  readonly #path: string;
  /** By database name. */
  readonly #records = new Map<string, readonly CheckRecord[]>();
  #writing: Promise<void> | null = null;
  #isDirty = false;

  constructor(stateDirectory: string) {
    this.#path = join(stateDirectory, "checks.json");
  }

  readEarlier(): void {
    try {
      const parsed = fileSchema.safeParse(JSON.parse(readFileSync(this.#path, "utf8")));
      for (const [name, records] of Object.entries(parsed.data ?? {})) this.#records.set(name, records);
    } catch {
      // Absent, unreadable or not JSON: nothing to rest on.
    }
  }

  of(database: string): readonly CheckRecord[] {
    return this.#records.get(database) ?? [];
  }

  note(database: string, record: CheckRecord): void {
    this.#records.set(database, withRecord(this.of(database), record));
    this.#isDirty = true;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when what was noted is on disk, or could not be written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      await writeDurably(this.#path, JSON.stringify(Object.fromEntries(this.#records)), fileMode);
    }
  }
}
