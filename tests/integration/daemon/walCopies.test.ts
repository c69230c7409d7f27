/** How many copies of damaged WALs are kept, and which. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { WalCopies } from "../../../src/daemon/walCopies.ts";
import type { WalCopy } from "../../../src/domain/walDamage.ts";
import { realClock } from "../../../src/host/clock.ts";
import { lookAtFile } from "../../../src/host/fileLook.ts";
import { realOs } from "../../../src/host/os.ts";
import { observation } from "../../support/builders.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

function keptPaths(copy: WalCopy): { readonly walPath: string; readonly removedPaths: readonly string[] } {
  if (copy.kind === "failed") throw new Error(copy.reason);
  return copy;
}

test("of one database there are three, the oldest goes, and those of others stay", async () => {
  using directory = makeTempDirectory();
  const state = directory.file("state");
  const path = directory.file("kv.db");
  let timeMs = 1_800_000_000_000;
  const copies = new WalCopies({ os: realOs, clock: { ...realClock, nowMs: () => (timeMs += 1) } }, state);
  const keep = (database: string, bytes: string) => {
    writeFileSync(`${path}-wal`, bytes);
    writeFileSync(`${path}-shm`, `index of ${bytes}`);
    const look = (suffix: string) => lookAtFile(realOs, path + suffix, { followLinks: false });
    return copies
      .keep(database, observation({ resolvedPath: path, wal: look("-wal"), shm: look("-shm") }))
      .then(keptPaths);
  };
  mkdirSync(`${state}/residue`, { recursive: true });
  const unfinished = `${state}/residue/kv.20200101T000000000Z.wal.new`;
  writeFileSync(unfinished, "");
  // The names begin alike; neither is the other's.
  const other = await keep("kv.20200101T000000000Z", "other");
  const kept = [];
  for (const bytes of ["first", "second", "third"]) kept.push(await keep("kv", bytes));
  expect(kept.flatMap(({ removedPaths }) => removedPaths)).toEqual([]);
  expect(await keep("kv", "second")).toMatchObject({ walPath: kept[1]?.walPath, wasThere: true });
  const fourth = await keep("kv", "fourth");
  expect(fourth.removedPaths).toEqual([kept[0]?.walPath ?? ""]);
  const left = [other, ...kept.slice(1), fourth].map(({ walPath }) => readFileSync(walPath, "utf8"));
  expect(left).toEqual(["other", "second", "third", "fourth"]);
  expect(readFileSync(fourth.walPath.replace(/wal$/, "shm"), "utf8")).toBe("index of fourth");
  expect(readdirSync(`${state}/residue`)).toHaveLength(8);
  expect(existsSync(unfinished)).toBe(false);
});
