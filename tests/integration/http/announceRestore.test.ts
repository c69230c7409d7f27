/** Announcing a restore takes the same permission as any other act, and says until when it holds. */
import { expect, test } from "bun:test";
import { createApp } from "../../../src/http/app.ts";
import { aStatus } from "../../unit/report/statusBuilder.ts";
import { makeView } from "./testView.ts";

const url = "/api/v1/databases/kv/announce-restore";
const tcp = { trusted: false, token: "s3cret", allowedHosts: [] };

test("over the Unix socket: the answer names the end of the window", async () => {
  const view = makeView([aStatus()]);
  const app = createApp(view, { trusted: true, token: null, allowedHosts: [] });
  const answer = await app.inject({ method: "POST", url });
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ database: "kv", windowEndsAt: "2026-01-15T13:00:00.000Z" });
  expect(view.asked).toEqual(["announce-restore kv"]);
  expect((await app.inject(url)).statusCode).toBe(405);
});

test("over TCP only with the token", async () => {
  const view = makeView([aStatus()]);
  const app = createApp(view, tcp);
  const host = "localhost";
  expect((await app.inject({ method: "POST", url, headers: { host } })).statusCode).toBe(403);
  expect(view.asked).toEqual([]);
  const headers = { host, authorization: "Bearer s3cret" };
  expect((await app.inject({ method: "POST", url, headers })).statusCode).toBe(200);
});
