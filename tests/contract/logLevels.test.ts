/**
 * Each phrase of the log is logged at the levels that its entry says, which README.md repeats: those written beside the
 * phrase in the source are read there, those that an event chooses are seen by logging every case of it.
 */
import { describe, expect, test } from "bun:test";
import type { RestartVerdict } from "../../src/domain/ledger.ts";
import type {
  CheckpointOutcomeName,
  CheckpointTrigger,
  IntegrityStatus,
  WalVerdictKind,
} from "../../src/domain/status.ts";
import { createEvents } from "../../src/report/events.ts";
import type { Logger, LogLevel } from "../../src/report/log.ts";
import { logPhrases, phraseGroups } from "../../src/report/logPhrases.ts";
import type { PhraseEntries } from "../../src/report/phraseEntry.ts";
import { checkpointStatus, failure, firstSeen, integrityStatus, nowMs } from "../support/builders.ts";
import { withoutComments } from "../support/moduleGraph.ts";
import { readSourceFiles } from "../support/sourceFiles.ts";

/** A union as a list: a member that is added does not compile until it is listed. */
function all<Member extends string>(members: Readonly<Record<Member, true>>): readonly Member[] {
  return Object.keys(members) as Member[];
}

const triggers = all<CheckpointTrigger>({
  "startup-recovery": true,
  periodic: true,
  demand: true,
  shutdown: true,
});
const outcomes = all<CheckpointOutcomeName>({
  reset: true,
  truncated: true,
  complete: true,
  incomplete: true,
  failed: true,
  skipped: true,
});
const checkTriggers = all<IntegrityStatus["trigger"]>({
  evidence: true,
  startup: true,
  schedule: true,
  demand: true,
});
const checks = all<IntegrityStatus["check"]>({ quick_check: true, integrity_check: true });
const checkVerdicts = all<IntegrityStatus["verdict"]>({
  ok: true,
  structural: true,
  content: true,
  foreign_keys: true,
  undecidable: true,
  unknown: true,
});
const restartKinds = all<RestartVerdict["kind"]>({
  "first-seen": true,
  intact: true,
  restored: true,
  undecidable: true,
  replaced: true,
  "rolled-back": true,
  "exposed-lost": true,
  "proven-lost": true,
});
const walKinds = all<WalVerdictKind>({
  healthy: true,
  plateau: true,
  unknown: true,
  pinned: true,
  starved: true,
  "write-storm": true,
  exclusive: true,
});

type Seen = Map<string, Set<string>>;

function note(seen: Seen, phrase: string, level: string): void {
  seen.set(phrase, (seen.get(phrase) ?? new Set()).add(level));
}

/** Calls of `log` in the source: the level as it stands there, and what is logged. */
function loggedInSource(): readonly { readonly level: string; readonly what: string }[] {
  const call = /\blog\(\s*([^,]+?),\s*(?:\{[^}]*\},\s*)?([\w.]+)\s*[,)]/g;
  const sinkCall = /\bsink\.(\w+)\(\{[^}]*\},\s*([\w.]+)\)/g;
  return [...readSourceFiles("src").values()]
    .map(withoutComments)
    .flatMap((text) => [
      ...[...text.matchAll(call)].map(([, level = "", what = ""]) => ({ level, what })),
      ...[...text.matchAll(sinkCall)].map(([, level = "", what = ""]) => ({ level: `"${level}"`, what })),
    ]);
}

function logEveryCase(seen: Seen): void {
  const logger: Logger = {
    log: (level, phrase) => note(seen, phrase, level),
    flush: () => Promise.resolve({ complete: true, droppedLineCount: 0 }),
  };
  const events = createEvents(logger);
  const noFrames = { walFrameCount: 0, backfilledFrameCount: 0, walFileBytes: 0, copiedFrameCount: 0 };
  for (const trigger of triggers)
    for (const outcome of outcomes)
      for (const caughtUp of [true, false])
        events.checkpointEnded("kv", checkpointStatus({ trigger, outcome, caughtUp }), noFrames);
  for (const trigger of checkTriggers)
    for (const check of checks)
      for (const verdict of checkVerdicts)
        events.integrityCheckEnded("kv", integrityStatus({ trigger, check, verdict }));
  for (const retryable of [true, false]) events.operationFailed("kv", failure({ retryable }));
  for (const state of ["ok", "degraded", "failed"])
    events.readinessChanged("kv", { check: "file", state, reason: "", sinceMs: nowMs });
  for (const ready of [true, false]) {
    const missing = { path: "", whenMissing: "wait", ready, holders: [], advice: "" };
    events.databaseMissing("kv", missing);
    events.guardRefused("kv", { guard: "hard_link", reason: "", ready, mode: "observe" });
  }
  for (const kind of restartKinds) events.restartJudged("kv", { ...firstSeen, kind }, null, null);
  for (const kind of walKinds)
    events.walVerdictChanged("kv", null, { kind, reason: "", holders: [], sinceMs: nowMs });
}

const entries = Object.values<PhraseEntries>(phraseGroups).flatMap((group) => Object.values(group));
const levelOrder: readonly LogLevel[] = ["debug", "info", "warn", "error"];

describe("the phrases of the log", () => {
  test("are logged at the levels that their entries say, each of them and no other", () => {
    const seen: Seen = new Map();
    logEveryCase(seen);
    const phrases = new Map<string, string>(Object.entries(logPhrases));
    for (const { level, what } of loggedInSource()) {
      const phrase = phrases.get(what.replace("logPhrases.", ""));
      if (level.startsWith('"') && phrase !== undefined) note(seen, phrase, level.replaceAll('"', ""));
    }
    const said = Object.fromEntries(entries.map(({ phrase, levels }) => [phrase, [...levels]]));
    const logged = Object.fromEntries(
      entries.map(({ phrase }) => [phrase, levelOrder.filter((level) => seen.get(phrase)?.has(level))]),
    );
    expect(logged).toEqual(said);
  });

  test("have a level of their own choice only in the events of which every case is logged above", () => {
    const chosen = loggedInSource().filter(({ level }) => !level.startsWith('"'));
    expect(chosen.map(({ what }) => what).sort()).toEqual([
      "logPhrases.databaseMissing",
      "logPhrases.guardRefused",
      "logPhrases.operationFailed",
      "logPhrases.readinessChanged",
      "logPhrases.restartJudged",
      "logPhrases.walVerdictChanged",
      "phrase",
      "phrase",
    ]);
  });

  test("are each written once", () => {
    expect(new Set(entries.map(({ phrase }) => phrase)).size).toBe(entries.length);
    expect(entries.length).toBe(Object.keys(logPhrases).length);
  });
});
