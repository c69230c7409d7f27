import { expect, test } from "bun:test";
import { readinessChecks } from "../../../src/policy/readiness.ts";
import { whoIsLockedOut } from "../../../src/policy/sidecarOwners.ts";
import { config, endedState, observation, type RegularFile, regularFile } from "../../support/builders.ts";

function seen(database: Partial<RegularFile>, wal: Partial<RegularFile>) {
  return observation({ database: regularFile(database), wal: regularFile({ identity: "1:11", ...wal }) });
}

const owned = { uid: 1000, gid: 1000, permissions: 0o644 };
const shared = { uid: 1000, gid: 50, permissions: 0o660 };

test("a sidecar of root's that only root may write keeps the database's owner out, and is said with what mends it", () => {
  const reason = whoIsLockedOut(seen(owned, { uid: 0, gid: 0, permissions: 0o644 }));
  expect(reason).toContain("/data/kv.db-wal (user 0, group 0, mode 644)");
  expect(reason).toEndWith("chown 1000:1000 /data/kv.db-wal && chmod 644 /data/kv.db-wal");
  const degraded = readinessChecks(seen(owned, { uid: 0, gid: 0 }), endedState(), config());
  expect(degraded.find(({ name }) => name === "sidecars")?.state).toBe("degraded");
});

test("a sidecar that its owner may not write keeps him out", () => {
  expect(whoIsLockedOut(seen(owned, { ...owned, permissions: 0o444 }))).not.toBeNull();
});

test("a database that a group shares needs sidecars that the group shares", () => {
  expect(whoIsLockedOut(seen(shared, { ...shared, uid: 1001 }))).toBeNull();
  expect(whoIsLockedOut(seen(shared, { ...shared, permissions: 0o640 }))).not.toBeNull();
  expect(whoIsLockedOut(seen(shared, { ...shared, gid: 51 }))).not.toBeNull();
});

test("nobody is kept out where owner and mode are the same, root owns the database, or all may write", () => {
  expect(whoIsLockedOut(seen(owned, owned))).toBeNull();
  expect(whoIsLockedOut(seen({ uid: 0, gid: 0 }, { uid: 1000, permissions: 0o600 }))).toBeNull();
  expect(whoIsLockedOut(seen(owned, { uid: 0, gid: 0, permissions: 0o666 }))).toBeNull();
  expect(whoIsLockedOut(observation())).toBeNull();
  const checks = readinessChecks(observation(), endedState(), config());
  expect(checks.find(({ name }) => name === "sidecars")?.state).toBe("ok");
});
