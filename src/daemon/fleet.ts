/** All databases under watch: which there are, whose turn it is, who is whose duplicate. */
import { isDeepStrictEqual } from "node:util";
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import { DatabaseWatch } from "./databaseWatch.ts";
import type { WatchContext } from "./watchContext.ts";

export interface FleetChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface FleetOptions {
  readonly contextFor: (name: string) => WatchContext;
  readonly onAdded: (name: string) => void;
  readonly onRemoved: (name: string) => void;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #watches = new Map<string, DatabaseWatch>();
  /** The same until one is added or taken out: every heartbeat asks for it. Null: to be made anew. */
  #list: readonly DatabaseWatch[] | null = null;
  /** Watches that were taken out and are ending; one of the same name may have begun already. */
  readonly #ending = new Set<Promise<void>>();
  /** Who was seen with a file, and may have another one by now. */
  readonly #namesByIdentity = new Map<string, Set<string>>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get watches(): readonly DatabaseWatch[] {
    this.#list ??= [...this.#watches.values()];
    return this.#list;
  }

  watch(name: string): DatabaseWatch | null {
    return this.#watches.get(name) ?? null;
  }

  get startupEnded(): boolean {
    return this.watches.every((watch) => watch.startupEnded);
  }

  /** The watch that comes first with the same file. */
  duplicateOf(name: string, identity: string): string | null {
    if (this.#namesWith(identity, name).size <= 1) return null;
    for (const watch of this.#watches.values()) {
      if (watch.name === name) return null;
      if (watch.identity === identity) return watch.name;
    }
    return null;
  }

  /** Every watch asks about itself as soon as it has seen another file, so all that have this one are known. */
  #namesWith(identity: string, name: string): ReadonlySet<string> {
    const known = this.#namesByIdentity;
    if (known.size > 2 * this.#watches.size + 100)
      for (const [other, names] of known)
        if (![...names].some((of) => this.#has(of, other))) known.delete(other);
    const names = known.get(identity) ?? new Set();
    for (const other of names) if (!this.#has(other, identity)) names.delete(other);
    known.set(identity, names.add(name));
    return names;
  }

  #has(name: string, identity: string): boolean {
    return this.#watches.get(name)?.identity === identity;
  }

  /** Brings the watches in line with the configuration: new ones begin, others change or end. */
  reconcile(databases: readonly DatabaseConfig[], endBoundMs: number): FleetChange {
    const wanted = new Map(databases.map((database) => [database.name, database]));
    const removed = [...this.#watches.keys()].filter((name) => !wanted.has(name));
    for (const name of removed) this.#remove(name, endBoundMs);
    const added: string[] = [];
    const changed: string[] = [];
    for (const [name, database] of wanted) {
      const watch = this.#watches.get(name);
      if (watch === undefined) {
        added.push(name);
        this.#add(database);
      } else if (!isDeepStrictEqual(watch.config, database)) {
        changed.push(name);
        this.#change(watch, database, endBoundMs);
      }
    }
    return { added, removed, changed };
  }

  /** Ends every watch, with its last checkpoint; all of them side by side. */
  async finish(boundMs: number): Promise<void> {
    const watches = this.watches.map((watch) => watch.finish(boundMs));
    await Promise.all([...watches, ...this.#ending]);
  }

  #add(database: DatabaseConfig): void {
    const { contextFor, onAdded } = this.#options;
    onAdded(database.name);
    this.#watches.set(database.name, new DatabaseWatch(contextFor(database.name), database));
    this.#list = null;
  }

  #remove(name: string, endBoundMs: number): void {
    const watch = this.#watches.get(name);
    if (watch === undefined) return;
    this.#watches.delete(name);
    this.#list = null;
    this.#options.onRemoved(name);
    const ending: Promise<void> = watch.finish(endBoundMs).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Another file is another watch; new settings of the same file are taken over. */
  #change(watch: DatabaseWatch, database: DatabaseConfig, endBoundMs: number): void {
    if (watch.config.path === database.path) {
      watch.reconfigure(database);
      return;
    }
    this.#remove(watch.name, endBoundMs);
    this.#add(database);
  }
}
