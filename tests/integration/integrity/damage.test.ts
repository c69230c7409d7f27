/** Every kind of damage is found by the check that claims to find it, in parts, undivided and by the command line tool. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { findingsOf } from "../../../src/policy/integrityVerdict.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { expectOk, makePool } from "../worker/harness.ts";
import { commandLineVerdict, divided, notingParts, undivided, verdictOrFailure } from "./checkTwice.ts";
import { damageFile, makeDatabase } from "./damagedFile.ts";
import { damageKinds, schema } from "./damageKinds.ts";

/** On a machine that has other things to do. */
setDefaultTimeout(60_000);

const made = makeTempDirectory();
const undamagedPath = made.file("undamaged.db");
const workers = makePool({ longWorkerCount: 2 });
beforeAll(() => makeDatabase(undamagedPath, schema));
afterAll(async () => {
  await workers[Symbol.asyncDispose]();
  made[Symbol.dispose]();
});

test("an undamaged file passes in parts of every kind", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  makeDatabase(
    path,
    schema.replace("/*REFERENCES p(id)*/", "REFERENCES p(id)").replace("WHERE id <> 77", ""),
  );
  const noting = notingParts(workers.pool);
  const result = expectOk(await divided(workers.pool, path, { run: noting.run }));
  expect(findingsOf(result)).toEqual([]);
  const kinds = new Set(noting.parts.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["foreignKeys", "rows", "structure", "tables"]);
  const rowParts = noting.parts.filter((part) => part.kind === "rows" && part.table === "t");
  expect(rowParts.length).toBeGreaterThan(1);
});

describe("damage to", () => {
  test.each(damageKinds.map((kind) => [kind.name, kind] as const))("%s", async (_name, kind) => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    if (kind.pragma === undefined) copyFileSync(undamagedPath, path);
    else makeDatabase(path, kind.pragma + schema);
    damageFile(path, kind.damage);
    const inParts = await divided(workers.pool, path);
    const whole = await undivided(workers.pool, path);
    const quick = await divided(workers.pool, path, { check: "quick_check" });
    expect(workers.failures).toEqual([]);
    expect({
      inParts: verdictOrFailure(inParts),
      whole: verdictOrFailure(whole),
      quick: verdictOrFailure(quick),
    }).toEqual({ inParts: kind.full, whole: kind.full, quick: kind.quick });
    // Not one finding less than undivided: SQLite may give up in the middle, and the parts know more then.
    expect(findingsOf(expectOk(inParts))).toEqual(expect.arrayContaining([...findingsOf(expectOk(whole))]));
    for (const [check, verdict] of [
      ["integrity_check", kind.full],
      ["quick_check", kind.quick],
    ] as const)
      if (kind.newSince340?.includes(check) !== true)
        expect(commandLineVerdict(path, check) ?? verdict).toBe(verdict);
  });
});
