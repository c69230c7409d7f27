import { describe, expect, test } from "bun:test";
import type { ExposureLook, FramesLook, PagesLook } from "../../../src/domain/exposure.ts";
import { noteExposure } from "../../../src/policy/exposure.ts";
import type { ExposureState, LookContext } from "../../../src/policy/exposureState.ts";
import { describeExposure } from "../../../src/policy/exposureStatus.ts";
import { decideSync, noteSynced } from "../../../src/policy/exposureSync.ts";
import { config, nowMs } from "../../support/builders.ts";

const secondMs = 1_000;
const frameBytes = 4_120;

/** A database as the looks of a second each see it; `at` counts the looks. */
class World {
  state: ExposureState | null = null;
  at = 0;
  #changeCounter = 0;
  #seenFrame = 0;
  #walIdentity = "";

  look(look: ExposureLook, change: Partial<LookContext> = {}): this {
    const atMs = nowMs + this.at * secondMs;
    const context: LookContext = {
      nowMs: atMs,
      previousAtMs: this.state?.lookedAtMs == null ? null : atMs - secondMs,
      frameBytes,
      checkpointSequence: 0,
      backfilledFrame: 0,
      changes: { changeCounter: this.#changeCounter, connectedPids: [7] },
      databaseModifiedAtMs: 0,
      ...change,
    };
    this.state = noteExposure(this.state, look, context);
    this.at += 1;
    return this;
  }

  /** Each commit is one frame. */
  wal(
    mxFrame: number,
    frames: FramesLook["kind"] | null,
    change: {
      walIdentity?: string;
      database?: PagesLook;
      context?: Partial<LookContext>;
      unseen?: number;
      cleanToFrame?: number;
      followedFrame?: number;
    } = {},
  ): this {
    const { walIdentity = "1 1", database = null, context = {}, unseen = 0, followedFrame = null } = change;
    const continued = walIdentity === this.#walIdentity;
    const newCommitCount = continued ? mxFrame - this.#seenFrame : mxFrame;
    this.#changeCounter += newCommitCount + unseen;
    this.#seenFrame = mxFrame;
    this.#walIdentity = walIdentity;
    const look: FramesLook | null =
      frames === "inFlight"
        ? {
            kind: "inFlight",
            cleanToFrame: change.cleanToFrame ?? Math.min(this.state?.wal?.seenFrame ?? 0, mxFrame - 1),
            commitsBehindCount: 1,
            isRolledBackTail: false,
          }
        : frames === null
          ? null
          : { kind: frames };
    return this.look(
      {
        kind: "wal",
        walIdentity,
        mxFrame,
        newCommitCount,
        recentPages: [2, 3],
        followedFrame,
        frames: look,
        database,
      },
      context,
    );
  }

  get status() {
    return describeExposure(this.state, null);
  }

  get commits(): number | null {
    const { status } = this;
    return status.kind === "known" ? status.unsyncedCommitCount : -1;
  }

  sync(exposureMaxMs = 1_000): this {
    const wanted = decideSync(
      this.state,
      config({ exposureMaxMs }),
      nowMs + this.at * secondMs,
      secondMs,
      false,
    );
    if (wanted === null) throw new Error("no sync was wanted");
    this.state = noteSynced(this.state, wanted);
    return this;
  }
}

/** A world that has been looked at before anything was committed. */
const begun = (): World => new World().look({ kind: "noWal", database: null }).sync();

describe("exposure of the WAL", () => {
  test("commits that are clean at the first look after they appeared were synced by their writer", () => {
    const world = begun().wal(5, "clean");
    expect(world.status).toMatchObject({
      kind: "known",
      unsyncedCommitCount: 0,
      unsyncedBytes: 0,
      sinceMs: null,
    });
    expect(world.state?.wal).toMatchObject({ provenFrame: 5, seenFrame: 5 });
  });

  test("commits that their writer did not sync are exposed, since the look before they appeared", () => {
    const world = begun().wal(5, "unsynced");
    expect(world.status).toMatchObject({
      unsyncedCommitCount: 5,
      unsyncedBytes: 5 * frameBytes,
      sinceMs: nowMs,
      inDatabase: false,
    });
  });

  test("what was exposed does not become proven by turning clean, and what comes after it is exposed too", () => {
    const world = begun().wal(5, "unsynced").wal(9, "clean").wal(9, "clean");
    expect(world.commits).toBe(9);
  });

  test("while the process is connected that did not sync, clean is not believed, not even after a sync of ours", () => {
    const world = begun().wal(5, "unsynced").sync();
    expect(world.commits).toBe(0);
    expect(world.wal(7, "clean").commits).toBe(2);
    const others = { changeCounter: 9, connectedPids: [8] };
    world.sync().wal(9, "clean", { context: { changes: others } });
    expect(world.commits).toBe(0);
  });

  test("a commit in flight is no exposure, while commits go on", () => {
    const world = begun().wal(1, "inFlight").wal(2, "inFlight").wal(3, "inFlight").wal(4, "inFlight");
    expect(world.commits).toBe(0);
    expect(world.wal(5, "clean").state?.wal?.provenFrame).toBe(5);
  });

  test("a writer that never rests, and whose frames never come clean, is not called safe, and the bound syncs for it", () => {
    const busy = { cleanToFrame: 0 };
    const world = begun().wal(1, "inFlight", busy).wal(9, "inFlight", busy).wal(20, "inFlight", busy);
    expect(world.status.kind).toBe("unobservable");
    expect(world.sync().status.kind).toBe("known");
    expect(world.state?.wal?.provenFrame).toBe(20);
  });

  test("after half a minute nobody is suspected for what another process did", () => {
    const world = begun().wal(5, "unsynced").sync();
    expect(world.wal(7, "clean").commits).toBe(2);
    const later = nowMs + 40 * secondMs;
    world.sync().wal(9, "clean", { context: { nowMs: later, previousAtMs: later - secondMs } });
    expect(world.commits).toBe(0);
  });

  test("a commit that stays in flight without an end is said to be exposed, since it was first seen", () => {
    const world = begun().wal(1, "inFlight").wal(1, "inFlight");
    expect(world.commits).toBe(0);
    expect(world.wal(1, "inFlight").status).toMatchObject({ unsyncedCommitCount: 1, sinceMs: nowMs });
  });

  test("a durable commit that shares its page with a transaction that was rolled back is never said to be exposed", () => {
    const world = begun();
    const frames = {
      kind: "inFlight",
      cleanToFrame: 0,
      commitsBehindCount: 1,
      isRolledBackTail: true,
    } as const;
    for (let looks = 0; looks < 5; looks += 1) {
      const newCommitCount = looks === 0 ? 1 : 0;
      world.look({
        kind: "wal",
        walIdentity: "1 1",
        mxFrame: 1,
        newCommitCount,
        recentPages: [],
        followedFrame: null,
        frames,
        database: null,
      });
    }
    expect(world.commits).toBe(0);
  });

  test("clean frames before one in flight are proven", () => {
    const world = begun().look({
      kind: "wal",
      walIdentity: "1 1",
      mxFrame: 9,
      newCommitCount: 9,
      recentPages: [2],
      followedFrame: null,
      frames: { kind: "inFlight", cleanToFrame: 7, commitsBehindCount: 2, isRolledBackTail: false },
      database: null,
    });
    expect(world.state?.wal).toMatchObject({ provenFrame: 7, exposedCommitCount: 2, exposedSinceMs: null });
  });

  test("what was there before the first look is not called safe because it is clean: one sync decides", () => {
    const world = new World().wal(5, "clean", { database: { kind: "clean", isWhole: true } });
    expect(world.status.kind).toBe("unobservable");
    const wanted = decideSync(world.state, config({ exposureMaxMs: 0 }), nowMs, secondMs, false);
    expect(wanted).toMatchObject({ because: "firstLook", wal: { frame: 5 }, database: { exposure: null } });
    expect(world.sync().commits).toBe(0);
  });

  test("what was there before the first look and is dirty is exposed at once", () => {
    const world = new World().wal(5, "unsynced", { database: { kind: "clean", isWhole: true } });
    expect(world.sync(0).status).toMatchObject({ unsyncedCommitCount: 5, sinceMs: nowMs });
  });

  test("a database that is dirty at the first look is synced once, and nobody is blamed for it", () => {
    const world = new World().look({ kind: "noWal", database: { kind: "unsynced", byteCount: 4_096 } });
    expect(world.status.kind).toBe("unobservable");
    expect(world.sync().status).toMatchObject({ kind: "known", unsyncedBytes: 0, inDatabase: false });
  });

  test("after a pause that is long enough for the kernel to write back, clean says nothing either", () => {
    const world = begun()
      .wal(5, "clean")
      .wal(9, "clean", { context: { previousAtMs: null } });
    expect(world.status.kind).toBe("unobservable");
    expect(world.sync().commits).toBe(0);
  });

  test("what cannot be seen is unobservable, and known again at the next look, with all that came meanwhile", () => {
    const world = begun().wal(5, "unsynced").look({ kind: "unobservable", reason: "no cachestat" });
    expect(world.status).toEqual({ kind: "unobservable", reason: "no cachestat" });
    expect(world.wal(8, null).commits).toBe(8);
  });

  test("a WAL that was just written and is not in the page cache is unobservable", () => {
    expect(begun().wal(5, "notCached").status.kind).toBe("unobservable");
  });

  test("commits that are too many to count leave the number unknown, and the bytes known", () => {
    const look = {
      kind: "wal",
      walIdentity: "1 1",
      mxFrame: 9,
      newCommitCount: null,
      recentPages: [],
      followedFrame: null,
    } as const;
    const world = begun().look({ ...look, frames: { kind: "unsynced" }, database: null });
    expect(world.status).toMatchObject({ unsyncedCommitCount: null, unsyncedBytes: 9 * frameBytes });
  });
});

describe("a WAL without a WAL-index that is longer than one look follows", () => {
  const settings = config({ exposureMaxMs: 1_000 });
  const wantedOf = ({ state, at }: World) =>
    decideSync(state, settings, nowMs + at * secondMs, secondMs, false);

  test("is not called safe before a look has come to its end, and what was clean until then is synced once", () => {
    const world = new World().wal(8_190, "clean", {
      followedFrame: 8_192,
      database: { kind: "clean", isWhole: true },
    });
    expect(world.status).toEqual({
      kind: "unobservable",
      reason: "its frames are still being followed: 8192 so far",
    });
    expect(wantedOf(world)?.wal).toBeNull();
    world.wal(16_380, "clean", { followedFrame: 16_384 });
    expect(world.status.kind).toBe("unobservable");
    // Not new since the look before: it was there, and nobody had come so far.
    world.wal(20_000, "clean");
    expect(world.state?.wal).toMatchObject({ undecided: true, provenFrame: 0 });
    expect(world.status.kind).toBe("unobservable");
    expect(wantedOf(world)).toMatchObject({ because: "firstLook", wal: { frame: 20_000 } });
    expect(world.sync().commits).toBe(0);
  });

  test("is exposed where its end is dirty, though its beginning was clean", () => {
    const world = new World()
      .wal(8_190, "clean", { followedFrame: 8_192, database: { kind: "clean", isWhole: true } })
      .sync()
      .wal(9_000, "unsynced");
    expect(world.status).toMatchObject({ kind: "known", unsyncedCommitCount: 9_000 });
  });

  test("is synced within the bound while its end is not known, where its beginning is dirty", () => {
    const world = new World().wal(8_190, "unsynced", {
      followedFrame: 8_192,
      database: { kind: "clean", isWhole: true },
    });
    expect(world.status.kind).toBe("unobservable");
    expect(wantedOf(world)).toMatchObject({ because: "bound", wal: { frame: 8_190 } });
  });

  test("is left to be read from the disk where the page cache has nothing of it", () => {
    const world = new World()
      .wal(8_190, "notCached", { followedFrame: 8_192, database: { kind: "clean", isWhole: true } })
      .wal(9_000, "notCached");
    expect(world.state).toMatchObject({ unobservableReason: "", wal: { seenFrame: 9_000 } });
    expect(world.sync().commits).toBe(0);
  });
});

describe("a sync of ours", () => {
  test("proves what was seen when it was asked for, and leaves what came later exposed since that look", () => {
    const world = begun().wal(5, "unsynced");
    const wanted = decideSync(
      world.state,
      config({ exposureMaxMs: 1_000 }),
      nowMs + secondMs,
      secondMs,
      false,
    );
    world.wal(8, null);
    if (wanted === null) throw new Error("no sync was wanted");
    world.state = noteSynced(world.state, wanted);
    expect(world.status).toMatchObject({ unsyncedCommitCount: 3, sinceMs: nowMs + secondMs });
  });

  test("proves nothing about a WAL that started over while it ran", () => {
    const world = begun().wal(5, "unsynced");
    const wanted = decideSync(
      world.state,
      config({ exposureMaxMs: 1_000 }),
      nowMs + secondMs,
      secondMs,
      false,
    );
    world.wal(2, "unsynced", { walIdentity: "2 9", database: { kind: "clean", isWhole: true } });
    if (wanted === null) throw new Error("no sync was wanted");
    world.state = noteSynced(world.state, wanted);
    expect(world.commits).toBe(2);
  });

  test("is wanted when the bound would be passed before the next look, and never without a bound", () => {
    const { state } = begun().wal(5, "unsynced");
    const wantedAt = (boundMs: number, atMs: number) =>
      decideSync(state, config({ exposureMaxMs: boundMs }), nowMs + atMs, secondMs, false)?.because ?? null;
    expect(wantedAt(5_000, 1_000)).toBeNull();
    expect(wantedAt(5_000, 4_000)).toBeNull();
    expect(wantedAt(5_000, 4_001)).toBe("bound");
    expect(wantedAt(0, 3_600_000)).toBeNull();
  });

  test("follows a checkpoint of ours, so that what it was about is on disk", () => {
    const { state } = begun().wal(5, "unsynced");
    const wanted = decideSync(state, config({ exposureMaxMs: 0 }), nowMs, secondMs, true);
    expect(wanted?.because).toBe("checkpoint");
  });
});

describe("a WAL that ended its life", () => {
  test("takes durable commits with it into a database that was not synced: all of them are exposed", () => {
    const database: PagesLook = { kind: "unsynced", byteCount: 8_192 };
    const world = begun().wal(300, "clean").wal(1, "clean", { walIdentity: "2 9", database });
    expect(world.status).toMatchObject({ unsyncedCommitCount: 300, inDatabase: true, sinceMs: nowMs });
  });

  test("is made sure of by one sync where only some of its pages were asked about, or a doubt has passed", () => {
    const database: PagesLook = { kind: "clean", isWhole: false };
    const { state } = begun().wal(5, "clean").wal(1, "clean", { walIdentity: "2 9", database });
    const wanted = decideSync(state, config({ exposureMaxMs: 0 }), nowMs, secondMs, false);
    expect(wanted).toMatchObject({ because: "verify", wal: null, database: { exposure: null } });
    if (wanted === null) throw new Error("no sync was wanted");
    expect(noteSynced(state, wanted)?.databaseUnverifiedMs).toBeNull();
  });

  test("is not believed to be synced by clean pages where nobody had looked for long", () => {
    const world = begun().wal(5, "clean");
    world.look({ kind: "noWal", database: { kind: "clean", isWhole: true } }, { previousAtMs: null });
    expect(world.status.kind).toBe("unobservable");
    expect(world.sync().commits).toBe(0);
  });

  test("what a second checkpoint leaves in the database while a sync runs stays exposed after it", () => {
    const database: PagesLook = { kind: "unsynced", byteCount: 8_192 };
    const world = begun().wal(20, "clean").wal(1, "clean", { walIdentity: "2 9", database });
    const wanted = decideSync(world.state, config({ exposureMaxMs: 1_000 }), nowMs, secondMs, true);
    if (wanted === null) throw new Error("no sync was wanted");
    world.wal(40, null, { walIdentity: "2 9" }).wal(1, "clean", { walIdentity: "3 9", database });
    world.state = noteSynced(world.state, wanted);
    expect(world.status).toMatchObject({ inDatabase: true, unsyncedCommitCount: 40 });
  });

  test("took nothing with it where the checkpoint synced the database", () => {
    const world = begun()
      .wal(5, "unsynced")
      .wal(2, "unsynced", { walIdentity: "2 9", database: { kind: "clean", isWhole: true } });
    expect(world.status).toMatchObject({ unsyncedCommitCount: 2, inDatabase: false });
    expect(world.look({ kind: "noWal", database: { kind: "clean", isWhole: true } }).commits).toBe(0);
  });

  test("leaves its commits exposed in the database where the checkpoint did not sync (synchronous OFF)", () => {
    const database: PagesLook = { kind: "unsynced", byteCount: 8_192 };
    const world = begun().wal(5, "unsynced").wal(2, "unsynced", { walIdentity: "2 9", database, unseen: 3 });
    expect(world.status).toMatchObject({ unsyncedCommitCount: 5 + 3 + 2, sinceMs: nowMs, inDatabase: true });
    world.wal(4, null, { walIdentity: "2 9" });
    expect(world.commits).toBe(5 + 3 + 4);
  });

  test("in the database too, turning clean proves nothing: only a sync of ours does", () => {
    const database: PagesLook = { kind: "unsynced", byteCount: 8_192 };
    const world = begun()
      .wal(5, "unsynced")
      .look({ kind: "noWal", database })
      .look({ kind: "noWal", database: { kind: "clean", isWhole: true } });
    expect(world.status).toMatchObject({ unsyncedCommitCount: 5, inDatabase: true });
    expect(world.sync().status).toMatchObject({ unsyncedCommitCount: 0, inDatabase: false });
  });

  test("is in doubt while a checkpoint is at work, and of a writer that does not sync the worse is said then", () => {
    const undecided: PagesLook = { kind: "undecided" };
    const life = { walIdentity: "2 9", database: undecided };
    const world = begun().wal(5, "unsynced").wal(2, "clean", life);
    expect(world.commits).toBe(2);
    expect(world.wal(2, null, life).commits).toBe(2);
    expect(world.wal(2, null, life).commits).toBe(5 + 2);
    const synced = begun().wal(5, "clean").wal(2, "clean", life).wal(2, null, life).wal(2, null, life);
    expect(synced.commits).toBe(0);
  });
});
