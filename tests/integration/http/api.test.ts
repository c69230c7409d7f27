import { describe, expect, test } from "bun:test";
import { isAllowedHost } from "../../../src/http/access.ts";
import { createApp } from "../../../src/http/app.ts";
import { createLogger } from "../../../src/report/log.ts";
import { aStatus } from "../../unit/report/statusBuilder.ts";
import { makeView } from "./testView.ts";

const socket = { trusted: true, token: null, allowedHosts: [] };
const tcp = { trusted: false, token: "s3cret", allowedHosts: ["monitor.example", "fd00::1"] };
const acts = "/api/v1/databases/kv/checkpoint";

describe("databases", () => {
  test.each(["a/b", "a%2Fb", "ü ?#&=", "%", "日本", 'quo"te', "x".repeat(4096)])(
    "a database called %j is found by its encoded name, and can be acted on",
    async (name) => {
      const view = makeView([aStatus({ name })]);
      const app = createApp(view, socket);
      const url = `/api/v1/databases/${encodeURIComponent(name)}`;
      expect((await app.inject(url)).json().name).toBe(name);
      expect((await app.inject({ method: "POST", url: `${url}/checkpoint` })).statusCode).toBe(200);
      expect(view.asked).toEqual([`checkpoint ${name}`]);
    },
  );

  test("the list says version, overall status and every database with ISO times", async () => {
    const body = (await createApp(makeView([aStatus()]), socket).inject("/api/v1/databases")).json();
    expect(body).toMatchObject({ version: "1.2.3", status: "ready", shuttingDown: false });
    expect(body.databases[0].observedAt).toBe("2026-01-02T03:04:05.678Z");
  });

  test("an unknown database is a 404 in JSON", async () => {
    const answer = await createApp(makeView([]), socket).inject("/api/v1/databases/nope");
    expect(answer.statusCode).toBe(404);
    expect(answer.json().message).toContain('"nope"');
  });
});

describe("acting", () => {
  test("quick and full choose the check, anything else is refused", async () => {
    const view = makeView([aStatus()]);
    const app = createApp(view, socket);
    const ask = (query: string) =>
      app.inject({ method: "POST", url: `/api/v1/databases/kv/integrity-check${query}` });
    expect((await ask("")).json().check).toBe("quick_check");
    expect((await ask("?check=full")).json().check).toBe("integrity_check");
    expect((await ask("?check=both")).statusCode).toBe(400);
    expect(view.asked).toEqual(["quick_check kv", "integrity_check kv"]);
  });

  test.each([
    ["notFound", 404],
    ["refused", 409],
    ["stopping", 503],
  ] as const)("a result that is %s answers %d with its message", async (reason, statusCode) => {
    const requestCheckpoint = async () => ({ ok: false, reason, message: "because" }) as const;
    const app = createApp(makeView([aStatus()], { requestCheckpoint }), socket);
    const answer = await app.inject({ method: "POST", url: acts });
    expect(answer.statusCode).toBe(statusCode);
    expect(answer.json().message).toBe("because");
  });

  test("over TCP nothing is done without the right bearer token, and the answer says how", async () => {
    const view = makeView([aStatus()]);
    const app = createApp(view, tcp);
    const ask = (headers: Record<string, string>) => app.inject({ method: "POST", url: acts, headers });
    for (const authorization of [
      "",
      "Bearer",
      "Bearer wrong",
      "Basic s3cret",
      "Bearer s3cre",
      "Bearer s3cretx",
    ]) {
      const answer = await ask({ authorization });
      expect(answer.statusCode).toBe(403);
      expect(answer.json().message).toContain("token");
    }
    expect(view.asked).toEqual([]);
    expect((await ask({ authorization: "Bearer s3cret" })).statusCode).toBe(200);
  });

  test("over TCP without a configured token nothing is done, not even with an empty one", async () => {
    for (const token of [null, ""]) {
      const app = createApp(makeView([aStatus()]), { ...tcp, token });
      const answer = await app.inject({ method: "POST", url: acts, headers: { authorization: "Bearer " } });
      expect(answer.statusCode).toBe(403);
      expect(answer.json().message).toContain("Unix socket");
    }
  });

  test("a body is refused, and nothing is done", async () => {
    const view = makeView([aStatus()]);
    const app = createApp(view, socket);
    const answer = await app.inject({ method: "POST", url: acts, payload: { force: true } });
    expect(answer.statusCode).toBe(413);
    expect(view.asked).toEqual([]);
  });
});

describe("every answer", () => {
  test("errors are JSON: unknown path, wrong method, malformed path", async () => {
    const app = createApp(makeView([aStatus()]), socket);
    const missing = await app.inject("/nope");
    expect([missing.statusCode, missing.json().error]).toEqual([404, "Not Found"]);
    const method = await app.inject({ method: "DELETE", url: "/api/v1/databases/kv" });
    expect([method.statusCode, method.headers.allow]).toEqual([405, "GET, HEAD"]);
    const acting = await app.inject({ method: "GET", url: acts });
    expect([acting.statusCode, acting.headers.allow]).toEqual([405, "POST"]);
    const malformed = await app.inject("/api/v1/databases/%zz");
    expect([malformed.statusCode, malformed.json().error]).toEqual([400, "Bad Request"]);
  });

  test("a failure inside is a 500 that shows nothing of it, and the log has the stack", async () => {
    const lines: string[] = [];
    const logger = createLogger({ destination: { write: (line: string) => void lines.push(line) } });
    const metricsText = () => Promise.reject(new Error("very private"));
    const app = createApp(makeView([], { metricsText }), { ...tcp, logger });
    const answer = await app.inject("/metrics");
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain("private");
    expect(lines.join("")).toContain("very private");
  });

  test("metrics have the content type of the Prometheus text format", async () => {
    const answer = await createApp(makeView([]), tcp).inject("/metrics");
    expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  test("page and API answer only to known hosts, metrics and health to any", async () => {
    const app = createApp(makeView([aStatus()]), tcp);
    const status = async (url: string, host: string) =>
      (await app.inject({ url, headers: { host } })).statusCode;
    for (const host of ["localhost:9925", "127.0.0.1", "[::1]:9925", "Monitor.example.", "[fd00::1]:1"]) {
      expect(await status("/api/v1/databases", host)).toBe(200);
    }
    for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "x@localhost"]) {
      for (const url of ["/", "/api/v1/databases", "/nope"]) expect(await status(url, host)).toBe(403);
      for (const url of ["/metrics", "/livez", "/health/ready?verbose"])
        expect(await status(url, host)).toBe(200);
    }
  });

  test("a request without a host is not one from a known host", () => {
    expect(isAllowedHost(undefined, [])).toBe(false);
    expect(isAllowedHost("", [])).toBe(false);
  });
});
