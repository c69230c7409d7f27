/** Bytes and bits changed anywhere in a file: a check in parts says what an undivided one says. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { findingsOf } from "../../../src/policy/integrityVerdict.ts";
import { seededRandom } from "../../crash/seededRandom.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { makePool } from "../worker/harness.ts";
import { divided, undivided, verdictOrFailure } from "./checkTwice.ts";
import { makeDatabase } from "./damagedFile.ts";
import { schema } from "./damageKinds.ts";

/** On a machine that has other things to do. */
setDefaultTimeout(60_000);

/** Of one that failed: printed with the failure, and set by RANDOM_DAMAGE_SEED. */
const seed = Number(process.env.RANDOM_DAMAGE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const fileCount = Number(process.env.RANDOM_DAMAGE_FILES ?? 60);
console.log(`RANDOM_DAMAGE_SEED=${seed}`);

test("verdicts are the same, and no finding is left out", async () => {
  using directory = makeTempDirectory();
  await using pool = makePool({ longWorkerCount: 2 });
  const random = seededRandom(seed);
  const sound = directory.file("sound.db");
  makeDatabase(sound, `${seed % 2 === 0 ? "PRAGMA auto_vacuum = FULL;" : ""}${schema}`);
  const pristine = readFileSync(sound);
  const verdicts = new Set<string>();
  for (let file = 0; file < fileCount; file += 1) {
    const bytes = Buffer.from(pristine);
    const places = Array.from({ length: random.integer(1, 2) }, () => {
      const at = random.integer(0, bytes.length - 1);
      bytes[at] = random.choice(random.integer(0, 255), (bytes[at] ?? 0) ^ (1 << random.integer(0, 7)));
      return at;
    });
    const path = directory.file("damaged.db");
    copyFileSync(sound, path);
    writeFileSync(path, bytes);
    const inParts = await divided(pool.pool, path);
    const whole = await undivided(pool.pool, path);
    const told = { places, verdict: verdictOrFailure(inParts) };
    expect(told).toEqual({ places, verdict: verdictOrFailure(whole) });
    verdicts.add(told.verdict);
    if (inParts.ok && whole.ok)
      expect(findingsOf(inParts)).toEqual(expect.arrayContaining([...findingsOf(whole)]));
  }
  expect(verdicts.size).toBeGreaterThan(1);
}, 60_000);
