/**
 * Looks which SQLite the connected processes run, and names each one that is affected once for a database. A tool that
 * runs anew for every row is another process each time: the same program is not named again within a minute.
 */
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import { noteSqliteProcesses } from "../policy/noteObservation.ts";
import type { Act } from "./startupActs.ts";

const sameProgramAgainMs = 60_000;

export class AffectedSqlite {
  #named: ReadonlySet<number> = new Set();
  readonly #programs = new Map<string, number>();

  async look({ context, config, memory, observation }: Act): Promise<void> {
    const processes = await context.lookAtSqlite(observation);
    const nowMs = context.clock.nowMs();
    memory.update((state) => noteSqliteProcesses(state, processes, nowMs));
    for (const process of this.#news(processes, nowMs)) context.events.affectedSqlite(config.name, process);
  }

  /** Those that are to be named now. */
  #news(processes: readonly SqliteProcess[], nowMs: number): readonly SqliteProcess[] {
    const affected = processes.filter((process) => process.affected === true);
    const fresh = affected.filter(({ pid }) => !this.#named.has(pid));
    this.#named = new Set(affected.map(({ pid }) => pid));
    for (const [program, atMs] of this.#programs)
      if (Math.abs(nowMs - atMs) >= sameProgramAgainMs) this.#programs.delete(program);
    const isNews = (process: SqliteProcess) => !this.#programs.has(programOf(process));
    const news = fresh.filter(isNews);
    for (const process of news) this.#programs.set(programOf(process), nowMs);
    return news;
  }
}

function programOf({ comm, version, file }: SqliteProcess): string {
  return `${comm} ${version} ${file}`;
}
