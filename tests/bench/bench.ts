/**
 * `npm run bench [-- --quick --only QUESTION,QUESTION --json FILE]`: the daemon side by side with what people use instead.
 * One table for each question, with the bar, the figure, and whether it was reached. Real databases, real processes; cells
 * that are compared take turns, and what counts is the median of the ratios within a round: absolute figures are those
 * of this machine and this hour, ratios are not.
 *
 *   beside      the application keeps its autocheckpoint, the daemon runs beside it
 *   alone       the application leaves checkpoints to the daemon; beside TRUNCATE in a loop and the sqlite3 tool
 *   litestream  the same, and Litestream 0.3.13
 *   wal         largest WAL under a writer that never pauses, without and with readers
 *   holds       how long writers are kept out, with fsync as it is and with a slow one
 *   undeclared  a writer with busy timeout 0 and no declaration
 *   readers     commits beside readers
 *   integrity   integrity_check on 1 GB, eight tables and one, beside the sqlite3 tool
 *   fleet       1,000 databases, 50 active: the longest delay of a due checkpoint
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { type Answer, answerText } from "./answer.ts";
import { makeBaseDatabase } from "./load/baseDatabase.ts";
import type { Bench } from "./load/cell.ts";
import { failureNotes } from "./load/cellTable.ts";
import { type Comparison, type MeasuredCell, measureComparison } from "./load/comparison.ts";
import { whyNoLitestream } from "./load/litestream.ts";
import { SlowDisk, whyNoSlowDisk } from "./load/slowDisk.ts";
import { describeMachine, machineContext } from "./machine.ts";
import { fleet } from "./questions/fleet.ts";
import { holds } from "./questions/holds.ts";
import { integrity } from "./questions/integrity.ts";
import { largestWal } from "./questions/largestWal.ts";
import type { Extent, Question } from "./questions/question.ts";
import { readers } from "./questions/readers.ts";
import { undeclared } from "./questions/undeclared.ts";
import { alone, beside, litestream } from "./questions/unpaused.ts";

const questions: readonly Question[] = [
  beside,
  alone,
  litestream,
  largestWal,
  holds,
  undeclared,
  readers,
  integrity,
  fleet,
];

interface Asked {
  readonly questions: readonly Question[];
  readonly quick: boolean;
  readonly jsonPath: string | undefined;
}

function readArguments(): Asked {
  const { values } = parseArgs({
    options: {
      json: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
    },
  });
  const names = values.only?.split(",");
  const unknown = names?.filter((name) => questions.every((question) => question.name !== name)) ?? [];
  if (unknown.length > 0) {
    const known = questions.map(({ name }) => name).join(", ");
    throw new Error(`--only ${unknown.join(",")}: not a question; there are ${known}`);
  }
  return {
    questions: questions.filter(({ name }) => names === undefined || names.includes(name)),
    quick: values.quick,
    jsonPath: values.json,
  };
}

/** Each comparison once, whichever questions ask for it; comparisons are known by their names. */
async function measureAll(
  bench: Bench,
  comparisons: readonly Comparison[],
  measured: Map<string, readonly MeasuredCell[]>,
): Promise<void> {
  for (const comparison of comparisons) {
    if (measured.has(comparison.name)) continue;
    const cells = await measureComparison(bench, comparison, (progress) => console.error(`  ${progress}`));
    measured.set(comparison.name, cells);
  }
}

/** What goes wrong with one question is said in its place; the others are asked all the same. */
async function answerTo(
  { name, comparisons, answer }: Question,
  bench: Bench,
  extent: Extent,
  measured: Map<string, readonly MeasuredCell[]>,
): Promise<Answer> {
  try {
    const wanted = comparisons(extent);
    await measureAll(bench, wanted, measured);
    const given = await answer(measured, extent);
    const failures = failureNotes(wanted.flatMap((comparison) => measured.get(comparison.name) ?? []));
    return { ...given, notes: [...given.notes, ...failures] };
  } catch (error) {
    process.exitCode = 1;
    const why = error instanceof Error ? error.message : String(error);
    const row = { where: name, what: "this question", bar: "", figure: "not measured", reached: false };
    return { rows: [row], details: null, notes: [why] };
  }
}

async function main(): Promise<void> {
  // What was started ends with this process, and what was written is removed, by its exit and not by a signal.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const asked = readArguments();
  using directory = makeTempDirectory();
  using slowDisk = new SlowDisk();
  const machine = machineContext(directory.path);
  console.log(`${describeMachine(machine)}${asked.quick ? "; quick: too short for a verdict" : ""}\n`);
  const bench: Bench = { basePath: directory.file("base.db"), slowDisk };
  makeBaseDatabase(bench.basePath);
  const extent: Extent = {
    quick: asked.quick,
    whyNoLitestream:
      asked.questions.includes(litestream) || asked.questions.includes(alone) ? whyNoLitestream() : null,
    whyNoSlowDisk: whyNoSlowDisk(),
  };
  const measured = new Map<string, readonly MeasuredCell[]>();
  const answers: (Answer & { readonly name: string; readonly title: string })[] = [];
  const startedAtMs = performance.now();
  for (const question of asked.questions) {
    const { name, title } = question;
    const given = await answerTo(question, bench, extent, measured);
    answers.push({ name, title, ...given });
    console.log(answerText(`${name}: ${title}`, given));
  }
  const rows = answers.flatMap((given) => given.rows.filter(({ reached }) => reached !== null));
  const reachedCount = rows.filter(({ reached }) => reached === true).length;
  const minutes = ((performance.now() - startedAtMs) / 60_000).toFixed(1);
  console.log(`${reachedCount} of ${rows.length} bars reached, in ${minutes} minutes`);
  if (asked.jsonPath === undefined) return;
  const result = { machine, quick: asked.quick, answers, comparisons: Object.fromEntries(measured) };
  writeFileSync(asked.jsonPath, `${JSON.stringify(result, null, 2)}\n`);
}

await main();
