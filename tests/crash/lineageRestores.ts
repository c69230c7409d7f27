/**
 * Restores over a database whose WAL stayed behind, in every combination that an operator may meet: which backup, how it
 * was made, how its size compares, what is in the WAL, and how many connections wrote in between.
 */
import { Database } from "bun:sqlite";
import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";

export const sources = ["cp", ".backup", "VACUUM INTO"] as const;
/** Against the database that the WAL was begun beside. */
export const ages = ["older", "of the WAL's own life", "newer"] as const;
export const sizes = ["the same size", "smaller", "larger"] as const;
export const walContents = ["1 frame", "1 frame of page 1", "many frames", "many frames and page 1"] as const;
/** One connection puts the same change counter into each page 1 that it writes. */
export const writers = ["one connection", "many connections"] as const;

/** Does the WAL's file still hold frames of the round before? */
export const walFiles = ["written over", "begun anew"] as const;

export interface Restore {
  readonly source: (typeof sources)[number];
  readonly age: (typeof ages)[number];
  /** Of the backup. */
  readonly size: (typeof sizes)[number];
  readonly walContent: (typeof walContents)[number];
  readonly writer: (typeof writers)[number];
  readonly walFile: (typeof walFiles)[number];
}

export function allRestores(): readonly Restore[] {
  const found: Restore[] = [];
  for (const source of sources)
    for (const age of ages)
      for (const size of age === "of the WAL's own life" ? (["the same size"] as const) : sizes)
        for (const walContent of walContents)
          for (const writer of writers)
            for (const walFile of walFiles) found.push({ source, age, size, walContent, writer, walFile });
  return found;
}

export function nameOf({ source, age, size, walContent, writer, walFile }: Restore): string {
  return `${source}, ${age}, ${size}, WAL ${walFile} of ${walContent}, ${writer}`;
}

export interface Made {
  /** As the crash left it: the database, and its WAL at `-wal`. */
  readonly killed: string;
  readonly backup: string;
}

/** Files at `place` and beside it. */
export function makeRestore(place: string, restore: Restore): Made {
  const work = new Work(`${place}.work`, restore.writer);
  const made = { killed: `${place}.killed`, backup: `${place}.backup` };
  const takeBackup = () => work.backUp(made.backup, restore.source);
  work.run("PRAGMA page_size = 4096");
  work.run("PRAGMA journal_mode = WAL");
  work.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
  work.run(
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO t SELECT i, randomblob(1500) FROM n",
  );
  work.startOver();
  if (restore.age === "older") {
    takeBackup();
    // A smaller backup is one that the database has outgrown.
    work.change(restore.size === "smaller" ? "grow" : restore.size === "larger" ? "shrink" : "keep");
  } else work.change("keep");
  work.startOver(restore.walFile);
  if (restore.age === "of the WAL's own life") work.run("UPDATE t SET v = randomblob(1500) WHERE id = 50");
  if (restore.age === "of the WAL's own life") takeBackup();
  work.fillWal(restore.walContent);
  work.copyTo(made.killed);
  if (restore.age === "newer") {
    work.change(restore.size === "smaller" ? "shrink" : restore.size === "larger" ? "grow" : "keep");
    work.startOver();
    takeBackup();
  }
  work.end();
  return made;
}

const changes = {
  keep: ["UPDATE t SET v = randomblob(1500) WHERE id % 2 = 0", "PRAGMA user_version = 7"],
  grow: ["INSERT INTO t(v) SELECT randomblob(1500) FROM t LIMIT 20"],
  shrink: ["DELETE FROM t WHERE id > 45", "VACUUM"],
} as const;

class Work {
  readonly #path: string;
  readonly #isOne: boolean;
  #database: Database;
  readonly #keeper: Database;

  constructor(path: string, writer: Restore["writer"]) {
    this.#path = path;
    this.#isOne = writer === "one connection";
    this.#database = this.#open();
    // It never writes, and keeps the WAL there when another connection closes.
    this.#keeper = this.#open();
  }

  #open(): Database {
    const database = new Database(this.#path, { readwrite: true, create: true });
    database.exec("PRAGMA wal_autocheckpoint = 0");
    return database;
  }

  run(sql: string): void {
    if (!this.#isOne) {
      this.#database.close(true);
      this.#database = this.#open();
    }
    this.#database.exec(sql);
  }

  change(how: keyof typeof changes): void {
    for (const sql of changes[how]) this.run(sql);
  }

  /** All is in the database; the next commit begins another life of the WAL. */
  startOver(walFile: Restore["walFile"] = "written over"): void {
    this.#keeper.exec(`PRAGMA wal_checkpoint(${walFile === "begun anew" ? "TRUNCATE" : "RESTART"})`);
  }

  fillWal(content: Restore["walContent"]): void {
    if (content === "1 frame of page 1") this.run("PRAGMA user_version = 9");
    if (content === "1 frame") this.run("UPDATE t SET v = randomblob(1500) WHERE id = 3");
    if (!content.startsWith("many")) return;
    for (let id = 3; id <= 30; id += 3) this.run(`UPDATE t SET v = randomblob(1500) WHERE id = ${id}`);
    if (content.endsWith("page 1")) this.run("PRAGMA user_version = 11");
  }

  copyTo(path: string): void {
    for (const suffix of ["", "-wal"]) copyFileSync(this.#path + suffix, path + suffix);
  }

  backUp(path: string, source: Restore["source"]): void {
    if (source === "cp") copyFileSync(this.#path, path);
    // The pages of a snapshot, one by one, as the backup API copies them.
    if (source === ".backup") writeFileSync(path, this.#keeper.serialize());
    if (source === "VACUUM INTO") {
      this.#keeper.exec(`VACUUM INTO '${path}'`);
      // The restored database is used in WAL mode again; the copy of a WAL database is not in it.
      const copy = new Database(path, { readwrite: true });
      copy.exec("PRAGMA journal_mode = WAL");
      copy.close(true);
    }
  }

  end(): void {
    this.#database.close(true);
    this.#keeper.close(true);
    removeDatabase(this.#path);
  }
}

/** `cp` and `rsync --inplace` both write into the inode that is there. */
export const placings = ["cp", "mv"] as const;

export function place(made: Made, placing: (typeof placings)[number]): void {
  if (placing === "mv") renameSync(made.backup, made.killed);
  else copyFileSync(made.backup, made.killed);
}

export function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) if (existsSync(path + suffix)) rmSync(path + suffix);
}

export interface Content {
  readonly isSound: boolean;
  readonly rows: string;
}

/** What an application finds that opens copies of the files. */
export function contentOf(path: string, scratch: string): Content {
  for (const suffix of ["", "-wal"])
    if (existsSync(path + suffix)) copyFileSync(path + suffix, scratch + suffix);
  let content: Content = { isSound: false, rows: "" };
  try {
    const database = new Database(scratch, { readwrite: true });
    const messages = database.query("PRAGMA integrity_check").values().flat();
    const rows = database.query("SELECT id, hex(v) FROM t ORDER BY id").values();
    content = { isSound: messages.join() === "ok", rows: Bun.hash(JSON.stringify(rows)).toString() };
    database.close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  removeDatabase(scratch);
  return content;
}
