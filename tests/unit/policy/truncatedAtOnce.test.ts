/** TRUNCATE is asked for only where a file that is shortened cannot be left half there; see policy/fileSystems.ts. */
import { describe, expect, test } from "bun:test";
import { nextCheckpointStep } from "../../../src/policy/checkpoint.ts";
import { beginRun } from "../../../src/policy/checkpointRun.ts";
import { shortensAtOnce } from "../../../src/policy/fileSystems.ts";
import { config, endedState, nowMs, observation, withWal } from "../../support/builders.ts";

/** A complete WAL that nobody is connected to: what a startup recovery finds after its PASSIVE. */
function stepOn(fileSystemType: string) {
  const seen = observation(withWal(10, 10));
  if (seen.mount.kind !== "seen") throw new Error("the builder's mount is seen");
  const looked = { ...seen, mount: { ...seen.mount, fileSystemType } };
  const run = { ...beginRun("startup-recovery", looked), step: "passive", snapshotComplete: true } as const;
  return nextCheckpointStep(run, looked, endedState({}), config({}), nowMs);
}

describe("a WAL that is all copied and that nobody uses", () => {
  for (const fileSystemType of ["ext4", "xfs"]) {
    test(`is truncated on ${fileSystemType}`, () => {
      expect(stepOn(fileSystemType).kind).toBe("truncate");
    });
  }

  for (const fileSystemType of ["btrfs", "overlay", "zfs", "a file system of tomorrow"]) {
    test(`is left as it is on ${fileSystemType}, and the checkpoint is complete`, () => {
      expect(stepOn(fileSystemType)).toMatchObject({ kind: "done", outcome: "complete", caughtUp: true });
      expect(shortensAtOnce(fileSystemType)).toBe(false);
    });
  }

  test("is left as it is where the mount cannot be seen", () => {
    const looked = {
      ...observation(withWal(10, 10)),
      mount: { kind: "unobservable", reason: "no /proc" },
    } as const;
    const run = {
      ...beginRun("startup-recovery", looked),
      step: "passive",
      snapshotComplete: true,
    } as const;
    expect(nextCheckpointStep(run, looked, endedState({}), config({}), nowMs).kind).not.toBe("truncate");
  });
});
