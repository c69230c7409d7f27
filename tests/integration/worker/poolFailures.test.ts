/** Workers that cannot be started, die at once, or talk nonsense: real processes, only not ours. */
import { expect, test } from "bun:test";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { expectFailure, expectOk, makePool, profile, short, workerCommand } from "./harness.ts";

const passive = { kind: "passiveCheckpoint", profile } as const;
const nowhere = { path: "/nowhere.db", identity: "1:1" };
const shell = (script: string) => ["/bin/sh", "-c", script, "sh"];

test("a program that is not there fails the request as spawn", async () => {
  await using test = makePool({ command: ["/nowhere/walwarden", "sql-worker"] });
  const failure = expectFailure(await test.pool.run(passive, nowhere, short));
  expect(failure).toMatchObject({ reason: "spawn", retryable: true, path: "/nowhere.db" });
  expect(failure.message).toContain("ENOENT");
  expect(test.failures).toMatchObject([{ reason: "spawn", pid: null, operation: "passiveCheckpoint" }]);
  expect(expectFailure(await test.pool.sqliteVersion()).reason).toBe("spawn");
});

test("a worker that dies at once is a crash with its exit code and last words", async () => {
  await using test = makePool({ command: shell("echo out of memory >&2; exit 3") });
  const { reason, message } = expectFailure(await test.pool.run(passive, nowhere, short));
  expect(reason).toBe("crash");
  expect(message).toContain("exit code 3");
  expect(message).toContain("out of memory");
});

for (const [name, script] of [
  ["says no hello but something else", "echo good morning; cat"],
  [
    "answers with nonsense",
    'echo \'{"hello":true,"pid":1,"sqliteVersion":"3","sourceId":""}\'; read x; echo huh; cat',
  ],
  [
    "speaks without being asked",
    'echo \'{"hello":true,"pid":1,"sqliteVersion":"3","sourceId":""}\'; echo "{}"; cat',
  ],
] as const) {
  test(`a worker that ${name} is killed as a protocol failure`, async () => {
    await using test = makePool({ command: shell(script) });
    await test.pool.sqliteVersion();
    const outcome = await test.pool.run(passive, nowhere, short);
    expect(["protocol", "crash"]).toContain(expectFailure(outcome).reason);
    expect(test.failures[0]?.reason).toBe("protocol");
  });
}

test("after failures the next start waits longer each time, and a request never longer than its deadline", async () => {
  await using test = makePool({ command: ["/nowhere/walwarden"] });
  const startedAtMs = performance.now();
  const runs = [1, 2, 3, 4].map(() => test.pool.run(passive, nowhere, { lane: "short", deadlineMs: 250 }));
  const outcomes = await Promise.all(runs);
  const elapsedMs = performance.now() - startedAtMs;
  for (const outcome of outcomes) expect(expectFailure(outcome).reason).toBe("spawn");
  // Starts at 0 and 100 ms; the third would be at 300 ms, past what the others may wait.
  expect(test.failures).toHaveLength(2);
  expect(elapsedMs).toBeGreaterThanOrEqual(95);
  expect(elapsedMs).toBeLessThan(1_000);
});

test("a lane that failed serves again as soon as workers start", async () => {
  using directory = makeTempDirectory();
  const flag = directory.file("broken");
  await Bun.write(flag, "");
  const command = ["/bin/sh", "-c", `[ -e '${flag}' ] && exit 1; exec "$@"`, "sh", ...workerCommand];
  await using test = makePool({ command });
  expect(expectFailure(await test.pool.run(passive, nowhere, short)).reason).toBe("crash");
  await Bun.file(flag).delete();
  expect(expectFailure(await test.pool.run(passive, nowhere, short)).reason).toBe("identity");
  expect(expectOk(await test.pool.sqliteVersion()).version).toMatch(/^3\./);
});
