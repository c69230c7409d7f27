import { expect, test } from "bun:test";
import { createApp } from "../../../src/http/app.ts";
import { aCheck, aStatus } from "../../unit/report/statusBuilder.ts";
import { makeView } from "./testView.ts";

const tcp = { trusted: false, token: null, allowedHosts: [] };
const corrupt = aCheck("integrity", "failed", "quick_check: structural: page 7");
const guarded = aCheck("guards", "failed", "not_a_database");

test("live answers 200 whatever the databases are, under both names, also to HEAD", async () => {
  const app = createApp(makeView([aStatus({ checks: [corrupt] })], { shuttingDown: true }), tcp);
  for (const url of ["/health/live", "/livez"]) {
    expect((await app.inject(url)).statusCode).toBe(200);
    const head = await app.inject({ method: "HEAD", url });
    expect(head.statusCode).toBe(200);
    expect(head.body).toBe("");
  }
});

test("ready answers 200 when ready, with every check, its reason and since when", async () => {
  const app = createApp(makeView([aStatus()]), tcp);
  const answer = await app.inject("/health/ready");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(answer.json()).toMatchObject({
    status: "ready",
    databases: [
      { database: "kv", checks: [{ name: "file", state: "ok", since: "2026-01-02T03:04:05.678Z" }, {}] },
    ],
  });
});

test("degraded is ready: 200, and said", async () => {
  const app = createApp(makeView([aStatus({ checks: [aCheck("profile", "degraded", "off")] })]), tcp);
  const answer = await app.inject("/readyz");
  expect(answer.statusCode).toBe(200);
  expect(answer.json().status).toBe("degraded");
});

test("ready answers 503 for a failed check of a required database", async () => {
  const app = createApp(makeView([aStatus({ checks: [corrupt] })]), tcp);
  const answer = await app.inject("/readyz");
  expect(answer.statusCode).toBe(503);
  expect(answer.json().status).toBe("not ready");
});

test("ready answers 503 while the daemon is shutting down, whatever is excluded", async () => {
  const app = createApp(makeView([aStatus()], { shuttingDown: true }), tcp);
  expect((await app.inject("/readyz")).statusCode).toBe(503);
  expect((await app.inject("/readyz?exclude=kv")).statusCode).toBe(503);
  expect((await app.inject("/readyz?verbose")).body).toContain("[-]shutdown failed");
});

test("verbose prints one line per check, and no name or reason can forge one", async () => {
  const checks = [aCheck("file"), aCheck("profile", "degraded", "was\n[+]fake ok"), corrupt];
  const app = createApp(makeView([aStatus({ name: "a/b", checks })]), tcp);
  const answer = await app.inject("/readyz?verbose");
  expect(answer.statusCode).toBe(503);
  expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
  expect(answer.body).toBe(
    [
      "[+]a/b/file ok",
      "[+]a/b/profile ok, degraded: was\\x0a[+]fake ok (since 2026-01-02T03:04:05.678Z)",
      "[-]a/b/integrity failed: quick_check: structural: page 7 (since 2026-01-02T03:04:05.678Z)",
      "not ready",
      "",
    ].join("\n"),
  );
});

test("exclude leaves out one check, that check of every database, or a whole database", async () => {
  const databases = [
    aStatus({ name: "a/b", checks: [guarded] }),
    aStatus({ name: "kv", checks: [guarded, aCheck("file")] }),
  ];
  const app = createApp(makeView(databases), tcp);
  const status = async (query: string) => (await app.inject(`/readyz?${query}`)).statusCode;
  expect(await status("exclude=guards")).toBe(200);
  expect(await status("exclude=kv/guards")).toBe(503);
  expect(await status("exclude=kv/guards&exclude=a/b")).toBe(200);
  expect(await status("exclude=kv&exclude=a%2Fb/guards")).toBe(200);
  expect((await app.inject("/readyz?exclude=guards")).json().excluded).toEqual(["guards"]);
});

test("an exclusion that matches nothing is said, and excludes nothing", async () => {
  const app = createApp(makeView([aStatus({ checks: [guarded] })]), tcp);
  const answer = await app.inject("/readyz?exclude=gaurds");
  expect(answer.statusCode).toBe(503);
  expect(answer.json().warnings).toEqual(['warn: nothing to exclude is called "gaurds"']);
  expect((await app.inject("/readyz?verbose&exclude=gaurds")).body).toContain('"gaurds"');
});

test("startup answers 503 until every sequence has ended, then 200 whatever the verdict", async () => {
  const starting = aStatus({ startup: { stage: "profile", endedAtMs: null, residue: null } });
  const during = await createApp(makeView([starting]), tcp).inject("/health/startup");
  expect(during.statusCode).toBe(503);
  expect(during.json().databases).toEqual([
    { database: "kv", startup: { stage: "profile", endedAt: null, residue: null } },
  ]);
  const after = await createApp(makeView([aStatus({ checks: [corrupt] })]), tcp).inject("/startupz");
  expect(after.statusCode).toBe(200);
});
