/**
 * Whether a look at one database needs no round, because the rounds before have shown that nothing comes of it. What may be
 * skipped, and until when, is for `policy/quiet.ts` to judge.
 */
import { isDeepStrictEqual } from "node:util";
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { noteDueTime } from "../policy/dueWork.ts";
import { glanceUntilMs } from "../policy/glance.ts";
import {
  changeBetween,
  noteCommits,
  notedApart,
  notedAtDueTimes,
  onlyDueTimesPassed,
  quietMaxMs,
  quietUntilMs,
  restsNow,
} from "../policy/quiet.ts";
import type { DatabaseState } from "../policy/state.ts";
import type { Memory } from "./memory.ts";
import type { WatchContext } from "./watchContext.ts";

interface Rested {
  readonly observation: Observation;
  readonly state: DatabaseState;
  readonly config: DatabaseConfig;
}

type QuietContext = Pick<WatchContext, "lookIntervalMs" | "databaseCount" | "nextDue">;

export class Quietness {
  readonly #context: QuietContext;
  #rested: Rested | null = null;
  #sinceMs = 0;
  #untilMs = 0;
  #glancesUntilMs = 0;
  #filesSeenAtMs = 0;

  constructor(context: QuietContext) {
    this.#context = context;
  }

  /** After a round that decided to rest. */
  rested(observation: Observation, state: DatabaseState, config: DatabaseConfig, nowMs: number): void {
    const before = this.#rested;
    this.#sinceMs = nowMs;
    const isRepetition =
      before !== null &&
      before.config === config &&
      changeBetween(before.observation, observation) !== "more" &&
      remembersTheSame(before.state, state, isDeepStrictEqual, onlyDueTimesPassed(before.state, state));
    const maxMs = quietMaxMs(this.#context.databaseCount());
    this.#untilMs = isRepetition ? quietUntilMs(observation, state, config, nowMs, maxMs) : nowMs;
    this.#filesSeenAtMs = observation.observedAtMs;
    this.#rest(observation, state, config);
  }

  /** Whether a glance does in place of a look, if it shows no change. */
  mayBeGlancedAt(memory: Memory, config: DatabaseConfig, nowMs: number): boolean {
    const rested = this.#rested;
    if (rested === null || rested.state !== memory.state || rested.config !== config) return false;
    return nowMs >= rested.observation.observedAtMs && nowMs < this.#glancesUntilMs;
  }

  /**
   * After a glance that saw no change, so that what was seen at the last look still holds.
   *
   * @returns false: a checkpoint is due, and there is something to do.
   */
  passesDueTime(memory: Memory, config: DatabaseConfig, nowMs: number): boolean {
    const rested = this.#rested;
    if (rested === null) return false;
    const state = noteDueTime(memory.state, rested.observation, config, nowMs, this.#context.nextDue);
    if (state === null) return false;
    // At nearly every glance of a fleet.
    if (state === memory.state) return true;
    memory.update(() => state);
    this.#rested = { ...rested, state };
    return true;
  }

  #rest(observation: Observation, state: DatabaseState, config: DatabaseConfig): void {
    this.#rested = { observation, state, config };
    const filesSeenAtMs = this.#filesSeenAtMs;
    const times = {
      quietUntilMs: this.#untilMs,
      filesSeenAtMs,
      sweepIntervalMs: this.#context.lookIntervalMs,
    };
    this.#glancesUntilMs = glanceUntilMs(observation, state, times);
  }

  disturbed(): void {
    this.#rested = null;
  }

  /** @returns whether the look is taken in by this alone; otherwise nothing was done, and a round has to be gone through. */
  takesIn(observation: Observation, memory: Memory, config: DatabaseConfig, nowMs: number): boolean {
    this.#filesSeenAtMs = observation.observedAtMs;
    return this.takesInCommits(observation, memory, config, nowMs);
  }

  /** The same for what a glance saw, which looked at the WAL alone. */
  takesInCommits(observation: Observation, memory: Memory, config: DatabaseConfig, nowMs: number): boolean {
    const rested = this.#rested;
    if (rested === null || nowMs >= this.#untilMs || nowMs < this.#sinceMs || rested.config !== config)
      return false;
    if (!remembersTheSame(rested.state, memory.state, Object.is)) return false;
    const change = changeBetween(rested.observation, observation);
    if (change === "more" || !restsNow(observation, memory.state, config, nowMs)) return false;
    const passed = noteDueTime(memory.state, observation, config, nowMs, this.#context.nextDue);
    if (passed === null) return false;
    const noted = change === "none" ? passed : noteCommits(passed, observation, config);
    if (noted === null) return false;
    memory.noteObservation(observation);
    memory.update(() => noted);
    this.#rest(observation, memory.state, config);
    return true;
  }
}

function remembersTheSame(
  before: DatabaseState,
  now: DatabaseState,
  isSame: (one: unknown, other: unknown) => boolean,
  dueTimesPassed = false,
): boolean {
  if (before === now) return true;
  for (const field in now) {
    if (notedApart.has(field) || (dueTimesPassed && notedAtDueTimes.has(field))) continue;
    const one: unknown = Reflect.get(before, field);
    const other: unknown = Reflect.get(now, field);
    if (one !== other && !isSame(one, other)) return false;
  }
  return true;
}
