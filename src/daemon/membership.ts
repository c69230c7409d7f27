/**
 * Which databases are watched: those that are named and those that the patterns match, now and again later.
 * Expansions run one after the other, and one that was overtaken by a reload or by the end changes nothing.
 */
import type { Config } from "../config/config.ts";
import { expandGlobs, type RefusedMatch } from "../config/expandGlob.ts";
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Events } from "../report/events.ts";
import type { Fleet, FleetChange } from "./fleet.ts";

const noChange: FleetChange = { added: [], removed: [], changed: [] };

export class Membership {
  readonly #fleet: Fleet;
  readonly #events: Events;
  #config: Config;
  #ended = false;
  #reconciling: Promise<FleetChange> = Promise.resolve(noChange);
  #refusedPaths: ReadonlySet<string> = new Set();
  #emptyPatterns: ReadonlySet<string> = new Set();

  constructor(fleet: Fleet, events: Events, config: Config) {
    this.#fleet = fleet;
    this.#events = events;
    this.#config = config;
  }

  /** The configuration in force; what only a restart takes over is not in force. */
  get config(): Config {
    return this.#config;
  }

  reload(config: Config): Promise<FleetChange> {
    this.#config = config;
    return this.reconcile();
  }

  end(): void {
    this.#ended = true;
  }

  reconcile(): Promise<FleetChange> {
    this.#reconciling = this.#reconciling.then(() => this.#expandAndReconcile());
    return this.#reconciling;
  }

  async #expandAndReconcile(): Promise<FleetChange> {
    const config = this.#config;
    const present = this.#fleet.watches.map((watch) => watch.config);
    const { databases, refused } = await expandGlobs(config.globs, config.databases, present);
    if (config !== this.#config || this.#ended) return noChange;
    this.#sayRefusals(refused);
    this.#sayEmptyPatterns(databases);
    return this.#fleet.reconcile([...config.databases, ...databases], config.shutdownTimeoutMs);
  }

  #sayRefusals(refused: readonly RefusedMatch[]): void {
    for (const { path, reason } of refused) {
      if (!this.#refusedPaths.has(path)) this.#events.globMatchRefused({ path, reason });
    }
    this.#refusedPaths = new Set(refused.map(({ path }) => path));
  }

  /** A pattern without a match may be a slip in a path: nothing would be watched, and nobody would know. */
  #sayEmptyPatterns(databases: readonly DatabaseConfig[]): void {
    const patterns = this.#config.globs.map(({ pattern }) => pattern);
    const empty = patterns.filter((pattern) => databases.every(({ glob }) => glob !== pattern));
    for (const pattern of empty)
      if (!this.#emptyPatterns.has(pattern)) this.#events.globMatchesNothing({ pattern });
    this.#emptyPatterns = new Set(empty);
  }
}
