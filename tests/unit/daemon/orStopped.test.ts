import { expect, test } from "bun:test";
import { orStopped } from "../../../src/daemon/orStopped.ts";

const path = "/data/kv.db";

test("a sync that ends in time is the answer", async () => {
  const done = { ok: true, durationMs: 3 } as const;
  expect(await orStopped(Promise.resolve(done), path, new AbortController().signal)).toEqual(done);
});

test("a disk that never answers does not hold up a shutdown whose bound has passed", async () => {
  const abort = new AbortController();
  const never = Promise.withResolvers<never>().promise;
  const waiting = orStopped(never, path, abort.signal);
  abort.abort();
  expect(await waiting).toMatchObject({ ok: false, reason: "stopped", path });
  expect(await orStopped(never, path, abort.signal)).toMatchObject({ ok: false, reason: "stopped" });
});
