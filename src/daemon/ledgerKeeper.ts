/**
 * Keeps the ledger: one file for all databases in the state directory, written durably at most every few seconds and only
 * when something has changed; sooner after a verdict and after a startup sequence, so that a daemon that is killed right
 * then has seen the database, and what its recovery did.
 * Reading and serializing touch only what changed; writing is off the event loop.
 *
 * Invariants: what is noted of a database is replaced only after the verdict by it was given (`judged`). A ledger that
 * cannot be read is set aside before another one is written. A write that fails is said once and tried again; a database
 * is never kept waiting for it.
 */
import { renameSync } from "node:fs";
import { join } from "node:path";
import type { LedgerEntry } from "../domain/ledger.ts";
import type { Clock } from "../host/clock.ts";
import type { DurableWrite } from "../host/durableWrite.ts";
import { writeDurably } from "../host/durableWrite.ts";
import { errnoOf } from "../host/errno.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { readPrefix } from "../host/rawRead.ts";
import { type LedgerSeen, ledgerEntryOf } from "../policy/ledgerEntry.ts";
import { ledgerLine, ledgerText, parseLedger } from "../policy/ledgerFile.ts";
import { isSameRefusal } from "../policy/refusedWal.ts";
import type { Events } from "../report/events.ts";

/** What one watch has seen last. */
export type LedgerSource = () => Omit<LedgerSeen, "bootId" | "inheritsExposedPages"> | null;

export interface LedgerKeeperOptions {
  readonly stateDirectory: string;
  readonly os: Os;
  readonly clock: Clock;
  readonly events: Pick<Events, "ledgerUnreadable" | "ledgerWriteFailed" | "ledgerWrittenAgain">;
  readonly bootId: string | null;
  readonly sources: () => Iterable<LedgerSource>;
  /** How many sources there are, without making them. */
  readonly sourceCount: () => number;
}

/** Between two writes. */
export const ledgerIntervalMs = 5_000;
/** What happens within this time shares one write. */
const soonMs = 50;
/** Between two such writes, for each database and at most: a fleet is judged one by one, and no judgement is a write of its own. */
const soonApartMs = 5;
const soonApartMaxMs = 500;
/** Databases that are watched no more are forgotten after this long. */
const unwatchedKeptMs = 30 * 24 * 3_600_000;
const fileMode = 0o600;
/** Far more than any fleet needs. */
const fileBytesMax = 256 * 1024 * 1024;

interface Slot {
  /** As it is, or will be, in the file. */
  entry: LedgerEntry | null;
  /** Null: the entry has changed since it was serialized. */
  line: string | null;
  /** What the next entry takes along; undefined: not judged yet in this life. */
  earlier: LedgerEntry | null | undefined;
  inheritsExposedPages: boolean;
  /** What the entry was made from. */
  seen: ReturnType<LedgerSource>;
}

export class LedgerKeeper {
  readonly #options: LedgerKeeperOptions;
  readonly #path: string;
  readonly #slots = new Map<string, Slot>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #soonTimer: ReturnType<typeof setTimeout> | null = null;
  #soonWrittenAtMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<DurableWrite> | null = null;
  #dirty = false;
  #stopped = false;
  #mayWrite = true;
  #trouble = "";

  constructor(options: LedgerKeeperOptions) {
    this.#options = options;
    this.#path = join(options.stateDirectory, "ledger.json");
  }

  /** Empty: it can be kept. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Before the first look at a database. */
  readEarlier(): void {
    const text = this.#readText();
    if (text === null) return;
    const reading = parseLedger(text);
    if (reading.kind === "unreadable") {
      this.#setAside(reading.reason);
      return;
    }
    const oldestMs = this.#options.clock.nowMs() - unwatchedKeptMs;
    for (const entry of reading.entries) {
      const slot = { entry, line: null, earlier: undefined, inheritsExposedPages: false, seen: null };
      if (entry.writtenAtMs >= oldestMs) this.#slots.set(entry.path, slot);
    }
  }

  start(): void {
    this.#timer = setTimeout(() => {
      void this.write().finally(() => {
        if (!this.#stopped) this.start();
      });
    }, ledgerIntervalMs);
  }

  /** The last write, when nothing more happens to the databases. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of [this.#timer, this.#soonTimer]) if (timer !== null) clearTimeout(timer);
    await this.write();
  }

  /** Of now; null: it could not be read. */
  get bootId(): string | null {
    return this.#options.bootId;
  }

  entryOf(path: string): LedgerEntry | null {
    return this.#slots.get(path)?.entry ?? null;
  }

  /** The verdict was given: from now on what is seen of this database is noted. */
  judged(path: string, earlier: LedgerEntry | null, inheritsExposedPages: boolean): void {
    const entry = this.entryOf(path);
    this.#slots.set(path, { entry, line: null, earlier, inheritsExposedPages, seen: null });
    this.writeSoon();
  }

  /** Ahead of the usual time, together with whatever else asks for it. */
  writeSoon(): void {
    if (this.#soonTimer !== null || this.#stopped) return;
    const { clock, sourceCount } = this.#options;
    const apartMs = Math.min(soonApartMaxMs, soonApartMs * sourceCount());
    const waitMs = Math.max(soonMs, this.#soonWrittenAtMs + apartMs - clock.monotonicMs());
    this.#soonTimer = setTimeout(() => {
      this.#soonTimer = null;
      this.#soonWrittenAtMs = clock.monotonicMs();
      void this.write();
    }, waitMs);
  }

  /** Resolves when it is on disk, so that whoever restores may begin. */
  async announceRestore(path: string, windowEndsAtMs: number): Promise<DurableWrite | "unknown"> {
    this.#note();
    const slot = this.#slots.get(path);
    if (slot === undefined || slot.entry === null) return "unknown";
    const announced = { restoreWindowEndsAtMs: windowEndsAtMs };
    slot.entry = { ...slot.entry, ...announced };
    slot.line = null;
    if (slot.earlier !== undefined) slot.earlier = { ...(slot.earlier ?? slot.entry), ...announced };
    this.#dirty = true;
    return this.write();
  }

  /** Notes what has changed, and writes if anything has. One write at a time: who comes during one waits for it. */
  async write(): Promise<DurableWrite> {
    while (this.#writing !== null) await this.#writing;
    this.#note();
    if (!this.#dirty) return { ok: true };
    if (!this.#mayWrite) return { ok: false, operation: "rename", path: this.#path, code: this.#trouble };
    this.#dirty = false;
    this.#writing = writeDurably(this.#path, this.#text(), fileMode);
    const written = await this.#writing;
    this.#writing = null;
    this.#ended(written);
    return written;
  }

  #note(): void {
    const { sources, bootId } = this.#options;
    for (const source of sources()) {
      const seen = source();
      const path = seen?.observation.resolvedPath ?? null;
      if (seen === null || path === null) continue;
      const slot = this.#slots.get(path);
      if (slot === undefined || slot.earlier === undefined || isSameSeen(slot.seen, seen)) continue;
      slot.seen = seen;
      // What this life has seen exposed itself is proven when it is exposed no more.
      if (seen.exposure !== null && seen.exposure.database !== null) slot.inheritsExposedPages = false;
      const { inheritsExposedPages } = slot;
      const entry = ledgerEntryOf({ ...seen, bootId, inheritsExposedPages }, slot.earlier);
      if (entry === null || entry === slot.entry) continue;
      slot.entry = entry;
      slot.earlier = entry;
      slot.line = null;
      this.#dirty = true;
    }
  }

  #text(): string {
    const lines: string[] = [];
    for (const slot of this.#slots.values()) {
      if (slot.entry === null) continue;
      slot.line ??= ledgerLine(slot.entry);
      lines.push(slot.line);
    }
    return ledgerText(lines);
  }

  #ended(written: DurableWrite): void {
    const { events } = this.#options;
    if (written.ok) {
      if (this.#trouble !== "") events.ledgerWrittenAgain({ path: this.#path });
      this.#trouble = "";
      return;
    }
    this.#dirty = true;
    const trouble = `${written.operation} of ${this.#path}: ${written.code}`;
    if (trouble !== this.#trouble) events.ledgerWriteFailed({ ...written, path: this.#path });
    this.#trouble = trouble;
  }

  /** Null: there is none yet, or none that can be read. */
  #readText(): string | null {
    const { os } = this.#options;
    const look = lookAtFile(os, this.#path, { followLinks: false });
    if (look.kind === "absent") return null;
    const problem = (reason: string): null => {
      this.#setAside(reason);
      return null;
    };
    if (look.kind === "unreadable") return problem(`${look.operation}: ${look.code}`);
    if (look.kind === "other") return problem(`it is a ${look.what}`);
    if (look.sizeBytes > fileBytesMax) return problem(`it has ${look.sizeBytes} bytes`);
    const read = readPrefix(os, this.#path, look.identity, look.sizeBytes);
    if (read.kind === "bytes") return new TextDecoder().decode(read.bytes);
    return problem(read.kind === "changed" ? "it was exchanged" : `${read.operation}: ${read.code}`);
  }

  /** What it may still tell a person must not be overwritten. */
  #setAside(reason: string): void {
    const { events } = this.#options;
    const asidePath = `${this.#path}.unreadable`;
    try {
      renameSync(this.#path, asidePath);
      events.ledgerUnreadable({ path: this.#path, reason, asidePath });
    } catch (error) {
      this.#mayWrite = false;
      this.#trouble = `the unreadable ${this.#path} cannot be set aside: ${errnoOf(error)}`;
      events.ledgerUnreadable({ path: this.#path, reason, asidePath: null });
    }
  }
}

/** Looks share what has not changed, so nothing needs to be compared by value. */
function isSameSeen(before: ReturnType<LedgerSource>, now: NonNullable<ReturnType<LedgerSource>>): boolean {
  if (before === null) return false;
  const { observation: left } = before;
  const { observation: right } = now;
  return (
    before.exposure === now.exposure &&
    before.fsyncError === now.fsyncError &&
    isSameRefusal(before.refusedWal, now.refusedWal) &&
    left.database === right.database &&
    left.header === right.header &&
    left.wal === right.wal &&
    left.walHeader === right.walHeader &&
    left.walIndex === right.walIndex &&
    left.locks === right.locks
  );
}
