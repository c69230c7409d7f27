/**
 * One database under watch: observe, decide, act, report; once around, again and again. Two lanes: the short one (startup,
 * profile, checkpoints) goes on until nothing is left to do, integrity checks run beside it. `policy/` decides.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { RestoreAnnouncement } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import type {
  CheckpointStatus,
  CheckpointTrigger,
  DatabaseStatus,
  IntegrityStatus,
} from "../domain/status.ts";
import type { Sweep } from "../observe/observer.ts";
import { shiftTimes } from "../policy/clockJump.ts";
import { type Decision, decide, decideCheck, whyNotCheck, whyNotCheckpoint } from "../policy/decide.ts";
import { queueCheck } from "../policy/dueWork.ts";
import { noteOpeners } from "../policy/noteObservation.ts";
import { withNewSettings } from "../policy/state.ts";
import { aborted } from "./aborted.ts";
import { AffectedSqlite } from "./affectedSqlite.ts";
import { evidenceCheck, pendingCheck, startupCheck } from "./checkActs.ts";
import { beginCheckpoint, takeStep } from "./checkpointActs.ts";
import { dismissObstructed } from "./dismissObstructed.ts";
import { ExposureWatch } from "./exposureWatch.ts";
import type { LedgerSource } from "./ledgerKeeper.ts";
import { Memory } from "./memory.ts";
import { Quietness } from "./quietness.ts";
import { Requests } from "./requests.ts";
import { scanResidue } from "./residueActs.ts";
import { judgeRestart, ledgerSeenOf } from "./restartActs.ts";
import { announceRestore } from "./restoreAnnouncement.ts";
import { type Act, advance, applyProfile, create, startOver, stopStartup } from "./startupActs.ts";
import { takeIn } from "./takeIn.ts";
import { type WalReading, WalSampling } from "./walSampling.ts";
import type { WatchContext } from "./watchContext.ts";
import { WatchReport } from "./watchReport.ts";
import { statusOf } from "./watchStatus.ts";

/** More than a sequence or a checkpoint needs, each checkpoint counted anew: no end is a programmer's error. */
const roundsMax = 100;

export class DatabaseWatch {
  readonly #context: WatchContext;
  readonly #memory: Memory;
  readonly #affectedSqlite = new AffectedSqlite();
  readonly #report: WatchReport;
  readonly #exposure: ExposureWatch;
  readonly #quietness: Quietness;
  readonly #sampling = new WalSampling();
  readonly #shortAbort = new AbortController();
  readonly #checkAbort = new AbortController();
  #config: DatabaseConfig;
  #driving: Promise<void> | null = null;
  #checking: Promise<void> | null = null;
  #phase: "running" | "ending" | "lastCheckpoint" | "ended" = "running";
  readonly #requests = new Requests();

  constructor(context: WatchContext, config: DatabaseConfig) {
    this.#context = context;
    this.#config = config;
    this.#memory = new Memory(context.clock.nowMs());
    this.#report = new WatchReport(context, config);
    this.#exposure = new ExposureWatch(context, this.#memory);
    this.#quietness = new Quietness(context);
  }

  get name(): string {
    return this.#config.name;
  }

  get config(): DatabaseConfig {
    return this.#config;
  }

  get identity(): string | null {
    const database = this.#memory.observation?.database;
    return database?.kind === "regular" ? database.identity : null;
  }

  get startupEnded(): boolean {
    return this.#memory.state.startupEndedAtMs !== null;
  }

  /** Takes one look into account and starts what it asks for; never waits. */
  tick(observation: Observation): void {
    this.#exposure.look(observation, this.#config);
    const nowMs = this.#context.clock.nowMs();
    if (this.#isFree() && this.#quietness.takesIn(observation, this.#memory, this.#config, nowMs)) return;
    const decision = this.#round(observation);
    if (decision.kind === "rest" && this.#isFree())
      this.#quietness.rested(observation, this.#memory.state, this.#config, nowMs);
    else this.#quietness.disturbed();
    if (decision.kind !== "rest") this.drive();
  }

  /**
   * @param nowMs a moment before the glance: nothing is known of later ones.
   * @returns whether it was enough, in place of a look. It is none: when the file was last observed stays as it is.
   */
  glance(sweep: Sweep, nowMs: number): boolean {
    if (!this.#isFree() || !this.#quietness.mayBeGlancedAt(this.#memory, this.#config, nowMs)) return false;
    const glance = sweep.glance(this.#config.path);
    if (glance.kind === "connected") this.#exposure.nothingCommitted(nowMs);
    if (glance.kind === "changed") return false;
    if (glance.kind !== "committed") return this.#quietness.passesDueTime(this.#memory, this.#config, nowMs);
    this.#exposure.look(glance.observation, this.#config);
    return this.#quietness.takesInCommits(glance.observation, this.#memory, this.#config, nowMs);
  }

  /** @returns when the next sample is wanted, wall clock. */
  sampleWal(read: (path: string) => WalReading, nowMs: number, databaseCount: number): number {
    const terms = { nowMs, databaseCount, isAtWork: this.#driving !== null || this.#phase !== "running" };
    return this.#sampling.take(read, this.#memory.state, this.#config, terms, this.lookNow);
  }

  /** Neither lane is at work, and the end has not begun. */
  #isFree(): boolean {
    return this.#driving === null && this.#checking === null && this.#phase === "running";
  }

  /** Goes on until nothing is left to do now. */
  drive(): void {
    if (this.#driving !== null || !this.#mayAct()) return;
    this.#driving = this.#context.startupConnection.during(this.#driveToRest).finally(() => {
      this.#driving = null;
    });
  }

  status(): DatabaseStatus {
    return statusOf(this.#context, this.#memory, this.#config);
  }

  ledgerSeen(): ReturnType<LedgerSource> {
    return ledgerSeenOf(this.#memory.observation, this.#memory.state);
  }

  /** What replaces or changes the file within the next while is a restore; resolves when that is on disk. */
  announceRestore(): Promise<RestoreAnnouncement | string> {
    return announceRestore(this.#context, this.name, this.#memory.lastPath ?? this.#config.path);
  }

  /** A look ahead of its time. */
  lookNow = async (): Promise<void> => this.tick(await this.#context.observe(this.#config.path));

  /** Asks for a checkpoint; resolves when it has ended, or with the reason why it cannot run now. */
  requestCheckpoint(trigger: CheckpointTrigger): Promise<CheckpointStatus | string> {
    const obstacle = whyNotCheckpoint(this.#memory.observation, this.#memory.state, this.#config);
    if (obstacle !== "") return Promise.resolve(obstacle);
    const answer = this.#requests.checkpoint(trigger);
    this.#memory.update((present) => ({ ...present, pendingCheckpoint: trigger }));
    this.drive();
    return answer;
  }

  /** Asks for a check; resolves when it has ended, with `unknown` when it was cut short. */
  requestCheck(check: IntegrityStatus["check"]): Promise<IntegrityStatus | string> {
    const obstacle = whyNotCheck(this.#memory.observation, this.#memory.state, this.#config);
    if (obstacle !== "") return Promise.resolve(obstacle);
    const answer = this.#requests.check(check);
    this.#memory.update((present) => queueCheck(present, { check, trigger: "demand" }));
    this.drive();
    return answer;
  }

  /** New settings for the same file. What depends on them is applied again. */
  reconfigure(config: DatabaseConfig): void {
    this.#config = config;
    void this.#context.startupConnection.end();
    this.#report.reconfigure(config);
    const nowMs = this.#context.clock.nowMs();
    this.#memory.update((state) => withNewSettings(state, nowMs));
    this.drive();
  }

  clockJumped(jumpMs: number): void {
    this.#memory.update((state) => shiftTimes(state, jumpMs));
    this.#exposure.clockJumped(jumpMs);
  }

  /** The end: a check is cut short at once, the running operation may end within the bound, then the last checkpoint. */
  async finish(boundMs: number): Promise<void> {
    this.#phase = "ending";
    this.#checkAbort.abort();
    const timer = setTimeout(() => this.#shortAbort.abort(), boundMs);
    await Promise.all([this.#driving, this.#checking]);
    void this.#context.startupConnection.end();
    this.#phase = "lastCheckpoint";
    await Promise.race([this.requestCheckpoint("shutdown"), aborted(this.#shortAbort.signal)]);
    clearTimeout(timer);
    this.#phase = "ended";
    await this.#driving;
    void this.#context.startupConnection.end();
    this.#requests.dismissAll("the daemon is stopping");
  }

  #mayAct(): boolean {
    return this.#phase === "running" || this.#phase === "lastCheckpoint";
  }

  #driveToRest = async (): Promise<void> => {
    let observation: Observation | null = null;
    for (let rounds = 1; this.#mayAct(); rounds += 1) {
      observation ??= await this.#context.observe(this.#config.path);
      const decision = this.#round(observation);
      if (decision.kind === "rest") return;
      if (decision.kind === "beginCheckpoint") rounds = 1;
      else if (rounds > roundsMax)
        throw new Error(`database ${this.name}: ${roundsMax} rounds without a rest`);
      await this.#carryOut(decision, this.#act(observation));
      // A step of memory alone has changed nothing out there, so what was seen still holds.
      if (decision.kind !== "advance" && decision.kind !== "beginCheckpoint") observation = null;
    }
  };

  /** Observe and decide, and say what was seen. */
  #round(observation: Observation): Decision {
    const config = this.#config;
    this.#memory.noteObservation(observation);
    const { identity } = this;
    // A watch that is ending was there first, whatever a new configuration leads to the same file.
    const isEnding = this.#phase !== "running";
    const duplicateOf =
      identity === null || isEnding ? null : this.#context.duplicateOf(config.name, identity);
    const nowMs = this.#context.clock.nowMs();
    takeIn(this.#memory, this.#context, observation, { config, duplicateOf }, nowMs);
    dismissObstructed(this.#requests, this.#memory, observation, config, this.#checking !== null);
    this.#startCheck(observation);
    this.#report.observed(this.status(), this.#memory.state, observation);
    this.#context.onRound();
    return decide(observation, this.#memory.state, config, nowMs);
  }

  #startCheck(observation: Observation): void {
    if (this.#checking !== null || this.#checkAbort.signal.aborted) return;
    const pending = decideCheck(observation, this.#memory.state, this.#config);
    if (pending === null) return;
    this.#requests.checkBegins(pending.check);
    this.#checking = pendingCheck(this.#act(observation), pending)
      .then((status) => this.#requests.answerCheck(status))
      .finally(() => {
        this.#checking = null;
      });
  }

  #act(observation: Observation): Act {
    return {
      context: this.#context,
      config: this.#config,
      memory: this.#memory,
      observation,
      signal: this.#shortAbort.signal,
      checkSignal: this.#checkAbort.signal,
      isReady: () => this.status().readiness.ready,
    };
  }

  async #carryOut(decision: Exclude<Decision, { readonly kind: "rest" }>, act: Act): Promise<void> {
    switch (decision.kind) {
      case "scanOpeners": {
        const openers = await this.#context.scanOpeners(act.observation);
        const nowMs = this.#context.clock.nowMs();
        this.#memory.update((state) => noteOpeners(state, openers, nowMs));
        return;
      }
      case "judgeRestart":
        return judgeRestart(act);
      case "scanResidue":
        return scanResidue(act, null);
      case "lookAtSqlite":
        return this.#affectedSqlite.look(act);
      case "startOver":
        this.#requests.dismissAll("the file was replaced or has vanished");
        this.#report.startOver();
        this.#exposure.startOver();
        return startOver(act, decision.because);
      case "advance":
        return advance(act, decision.to);
      case "stopStartup":
        return stopStartup(act);
      case "create":
        return create(act);
      case "evidenceCheck":
        return evidenceCheck(act);
      case "applyProfile":
        return applyProfile(act, decision.setJournalMode);
      case "startupCheck":
        return startupCheck(act, decision.check);
      case "beginCheckpoint":
        this.#requests.checkpointBegins(decision.trigger);
        return beginCheckpoint(act, decision.trigger);
      case "checkpointStep": {
        const status = await takeStep(act, decision.step);
        if (status !== null) this.#requests.answerCheckpoint(status);
        return;
      }
    }
  }
}
