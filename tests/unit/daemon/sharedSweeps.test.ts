import { describe, expect, test } from "bun:test";
import { SharedSweeps } from "../../../src/daemon/sharedSweeps.ts";
import type { Sweep } from "../../../src/observe/observer.ts";
import { glanceAboveCount } from "../../../src/policy/glance.ts";
import { observation } from "../../support/builders.ts";

function sweepsOf(databaseCount: number) {
  const gathered: Sweep[] = [];
  const gather = (): Promise<Sweep> => {
    const sweep: Sweep = { observe: () => observation(), glance: () => ({ kind: "changed" }) };
    gathered.push(sweep);
    return Promise.resolve(sweep);
  };
  return { sweeps: new SharedSweeps({ gather, databaseCount: () => databaseCount }), gathered };
}

describe("the locks are gathered", () => {
  test("once for all of a fleet that ask in the same moment", async () => {
    const { sweeps, gathered } = sweepsOf(glanceAboveCount + 1);
    const [one, other] = await Promise.all([sweeps.sweep(), sweeps.sweep()]);
    expect(one).toBe(other);
    expect(gathered).toHaveLength(1);
  });

  test("anew for whoever asks when the gathering has begun: no lock is older than the question", async () => {
    const { sweeps, gathered } = sweepsOf(glanceAboveCount + 1);
    const first = await sweeps.sweep();
    expect(await sweeps.sweep()).not.toBe(first);
    expect(gathered).toHaveLength(2);
  });

  test("at once and for each by itself where there are few databases", () => {
    const { sweeps, gathered } = sweepsOf(glanceAboveCount);
    void sweeps.sweep();
    void sweeps.sweep();
    expect(gathered).toHaveLength(2);
  });
});
