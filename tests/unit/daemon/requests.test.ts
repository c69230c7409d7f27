import { expect, test } from "bun:test";
import { Requests } from "../../../src/daemon/requests.ts";
import type { CheckpointStatus, IntegrityStatus } from "../../../src/domain/status.ts";

const checkpoint: CheckpointStatus = {
  trigger: "demand",
  outcome: "complete",
  reason: "",
  endedAtMs: 1,
  durationMs: 1,
  heldMs: 0,
  longestHoldMs: 0,
  caughtUp: true,
  holders: [],
};
const check: IntegrityStatus = {
  check: "quick_check",
  verdict: "ok",
  trigger: "demand",
  findings: [],
  findingDetails: [],
  findingsTruncated: false,
  restsOn: null,
  endedAtMs: 1,
  durationMs: 1,
};

test("a checkpoint answers who asked before it began, and not who asked while it ran", async () => {
  const requests = new Requests();
  const answers: string[] = [];
  requests.checkpoint("demand").then(() => answers.push("early"));
  requests.checkpointBegins("demand");
  const late = requests.checkpoint("demand").then(() => answers.push("late"));
  requests.answerCheckpoint(checkpoint);
  await Promise.resolve();
  expect(answers).toEqual(["early"]);
  requests.checkpointBegins("demand");
  requests.answerCheckpoint(checkpoint);
  await late;
  expect(answers).toEqual(["early", "late"]);
});

test("a check answers who asked before it began; who is left is told why there is no answer", async () => {
  const requests = new Requests();
  const early = requests.check("quick_check");
  requests.checkBegins("quick_check");
  const late = requests.check("quick_check");
  const other = requests.check("integrity_check");
  requests.answerCheck(check);
  expect(await early).toEqual(check);
  expect(requests.hasChecks).toBe(true);
  requests.dismissAll("the daemon is stopping");
  expect(await late).toBe("the daemon is stopping");
  expect(await other).toBe("the daemon is stopping");
  expect(requests.hasChecks).toBe(false);
});
