/**
 * Asks which SQLite the processes run that are connected to a database, and how many connections each has. Many
 * databases are often open in one process: its files are searched once in its life, its descriptors once for all that
 * ask within two seconds (600 descriptors take some milliseconds).
 */
import type { LockHolder, Observation } from "../domain/observation.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import { breather } from "../host/breather.ts";
import type { Clock } from "../host/clock.ts";
import type { Os } from "../host/os.ts";
import { descriptorIdentity, listDescriptors } from "../host/processDescriptors.ts";
import { processLife } from "../host/processImages.ts";
import { SqliteTextScan } from "../host/sqliteTextScan.ts";
import { lookAtSqliteBuilds, type SqliteBuildLook } from "../observe/sqliteVersions.ts";
import { sqliteProcessOf } from "../policy/sqliteProcess.ts";

/** How many descriptors a process has of each file, by "device:inode"; null: they may not be seen. */
type FileCounts = ReadonlyMap<string, number> | null;

interface KnownProcess {
  readonly life: string;
  /** Null: not looked at yet, or what was seen then need not last. */
  look: Promise<SqliteBuildLook> | null;
  counts: { readonly atMs: number; readonly counting: Promise<FileCounts> } | null;
  /** The most connections at a time, by the identity of the WAL. */
  readonly most: Map<string, number>;
  askedAtMs: number;
}

const countsKeptMs = 2_000;
const forgottenAfterMs = 60_000;

export class SqliteVersions {
  readonly #os: Os;
  readonly #clock: Clock;
  readonly #scan = new SqliteTextScan();
  readonly #processes = new Map<number, KnownProcess>();

  constructor(host: { readonly os: Os; readonly clock: Clock }) {
    this.#os = host.os;
    this.#clock = host.clock;
  }

  /** Of every process that is seen connected, in their order. */
  async look({ locks, wal }: Pick<Observation, "locks" | "wal">): Promise<readonly SqliteProcess[]> {
    if (locks.kind !== "seen") return [];
    this.#forget();
    const walIdentity = wal.kind === "regular" ? wal.identity : null;
    const processes: SqliteProcess[] = [];
    for (const holder of locks.connected) processes.push(await this.#lookAt(holder, walIdentity));
    return processes;
  }

  async #lookAt(holder: LockHolder, walIdentity: string | null): Promise<SqliteProcess> {
    const life = processLife(this.#os, holder.pid);
    if (life === null) return sqliteProcessOf(holder, { builds: [], reason: "it has ended" }, null);
    const nowMs = this.#clock.monotonicMs();
    let known = this.#processes.get(holder.pid);
    if (known?.life !== life) {
      known = { life, look: null, counts: null, most: new Map(), askedAtMs: nowMs };
      this.#processes.set(holder.pid, known);
    }
    known.askedAtMs = nowMs;
    known.look ??= lookAtSqliteBuilds(this.#os, this.#scan, holder.pid);
    const look = await known.look;
    // It may map its library later, or be allowed to be looked at.
    if (look.reason !== "" || look.builds.length === 0) known.look = null;
    const process = sqliteProcessOf(holder, look, null);
    if (process.affected === false) return process;
    return { ...process, connectionCount: await this.#connectionCount(known, holder.pid, walIdentity) };
  }

  async #connectionCount(
    known: KnownProcess,
    pid: number,
    walIdentity: string | null,
  ): Promise<number | null> {
    if (walIdentity === null) return null;
    const nowMs = this.#clock.monotonicMs();
    if (known.counts === null || nowMs - known.counts.atMs >= countsKeptMs)
      known.counts = { atMs: nowMs, counting: this.#countFiles(pid) };
    const counts = await known.counts.counting;
    if (counts === null) return null;
    const most = Math.max(known.most.get(walIdentity) ?? 0, counts.get(walIdentity) ?? 0);
    known.most.set(walIdentity, most);
    // Connected, and no descriptor of the WAL that is there: it has another one, or has just opened it.
    return most === 0 ? null : most;
  }

  async #countFiles(pid: number): Promise<FileCounts> {
    const descriptors = listDescriptors(this.#os, pid);
    if (descriptors === "hidden" || descriptors === "gone") return null;
    const breathe = breather(this.#clock);
    const counts = new Map<string, number>();
    for (const descriptor of descriptors) {
      const identity = descriptorIdentity(this.#os, pid, descriptor);
      if (identity !== null) counts.set(identity, (counts.get(identity) ?? 0) + 1);
      const pause = breathe();
      if (pause !== null) await pause;
    }
    return counts;
  }

  #forget(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [pid, { askedAtMs }] of this.#processes)
      if (nowMs - askedAtMs >= forgottenAfterMs) this.#processes.delete(pid);
  }
}
