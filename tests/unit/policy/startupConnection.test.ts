import { expect, test } from "bun:test";
import { mayKeepConnected } from "../../../src/policy/startupConnection.ts";
import { config, databaseHeader, locks, observation, regularFile, withWal } from "../../support/builders.ts";

const left = observation({ ...withWal(10, 0), locks: locks(), journal: { kind: "absent" } });
const residue = { walResidue: true };

test("a database is kept connected where a WAL is left to be recovered, and nothing else is to be decided first", () => {
  expect(mayKeepConnected(left, residue, config())).toBe(true);
  expect(mayKeepConnected(left, { walResidue: false }, config())).toBe(false);
});

test("in rollback mode, beside a journal, or with a journal mode to be changed it is not kept", () => {
  const rollback = observation({ ...left, header: databaseHeader({ inWalMode: false, readVersion: 1 }) });
  expect(mayKeepConnected(rollback, residue, config())).toBe(false);
  expect(mayKeepConnected(observation({ ...left, journal: regularFile() }), residue, config())).toBe(false);
  const { profile } = config();
  expect(mayKeepConnected(left, residue, { profile: { ...profile, journalMode: "DELETE" } })).toBe(false);
});

test("where the WAL is not truncated it is not kept: that would leave it complete for whoever connects", () => {
  const { mount } = left;
  if (mount.kind !== "seen") throw new Error("the builder gives a mount");
  const onBtrfs = observation({ ...left, mount: { ...mount, fileSystemType: "btrfs" } });
  expect(mayKeepConnected(onBtrfs, residue, config())).toBe(false);
});

test("where locks are hidden it is not kept: our own would hide that nobody else is connected", () => {
  const hidden = observation({ ...left, locks: locks({ viewIsComplete: false }) });
  expect(mayKeepConnected(hidden, residue, config())).toBe(false);
  const unseen = observation({ ...left, locks: { kind: "unobservable", reason: "EACCES" } });
  expect(mayKeepConnected(unseen, residue, config())).toBe(false);
});
