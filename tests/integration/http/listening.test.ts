import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { runCommand } from "../../../src/cli/program.ts";
import { createApp } from "../../../src/http/app.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { withDeadline } from "../../support/waitFor.ts";
import { aCheck, aCheckpoint, anIntegrityCheck, aStatus } from "../../unit/report/statusBuilder.ts";
import { makeView, type TestView } from "./testView.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(view: TestView, token: string | null = null) {
  const directory = makeTempDirectory();
  closing.push(() => directory.remove());
  const socketPath = directory.file("walwarden.sock");
  const trusted = createApp(view, { trusted: true, token: null, allowedHosts: [] });
  const tcp = createApp(view, { trusted: false, token, allowedHosts: [] });
  closing.push(
    () => trusted.close(),
    () => tcp.close(),
  );
  await trusted.listen({ path: socketPath });
  const url = await tcp.listen({ host: "127.0.0.1", port: 0 });
  return { directory, socketPath, url };
}

async function command(
  argv: readonly string[],
  environment: Record<string, string> = {},
  workingDirectory = "/",
) {
  let [stdout, stderr] = ["", ""];
  const exitCode = await runCommand(argv, "1.2.3", {
    environment,
    workingDirectory,
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    isTerminal: false,
  });
  return { exitCode, stdout, stderr };
}

describe("the daemon's listeners", () => {
  test("the Unix socket may act, TCP may not without the token", async () => {
    const view = makeView([aStatus()]);
    const { socketPath, url } = await serve(view, "s3cret");
    const path = "/api/v1/databases/kv/checkpoint";
    const bySocket = await fetch(`http://localhost${path}`, { method: "POST", unix: socketPath });
    expect(bySocket.status).toBe(200);
    expect((await fetch(`${url}${path}`, { method: "POST" })).status).toBe(403);
    const headers = { authorization: "Bearer s3cret" };
    expect((await fetch(`${url}${path}`, { method: "POST", headers })).status).toBe(200);
    expect(view.asked).toHaveLength(2);
  });

  test("closing does not wait for connections that are kept alive", async () => {
    const app = createApp(makeView([]), { trusted: false, token: null, allowedHosts: [] });
    const url = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
    const idle = connect(Number(url.port), url.hostname);
    closing.push(() => idle.destroy());
    await new Promise((resolve) => idle.once("connect", resolve));
    await fetch(`${url.href}livez`);
    await withDeadline("the app to close", app.close(), 2_000);
  });
});

describe("commands against a running daemon", () => {
  test("status prints a table and exits 0 when ready, 1 when not", async () => {
    const ready = await serve(makeView([aStatus()]));
    const fine = await command(["status", "--socket", ready.socketPath]);
    expect(fine).toMatchObject({ exitCode: 0, stderr: "" });
    expect(fine.stdout).toContain("kv");
    const broken = aStatus({ name: "a/b", checks: [aCheck("integrity", "failed", "page 7")] });
    const failing = await serve(makeView([broken]));
    const all = await command(["status", "--url", failing.url]);
    expect(all.exitCode).toBe(1);
    expect(all.stdout).toContain("integrity failed: page 7");
    const one = await command(["status", "a/b", "--socket", failing.socketPath]);
    expect(one.exitCode).toBe(1);
    expect(one.stdout).toContain("/var/lib/app/kv.db");
  });

  test("--json prints what the API answered", async () => {
    const { socketPath, url } = await serve(makeView([aStatus()]));
    const { stdout } = await command(["status", "--json", "--socket", socketPath]);
    expect(JSON.parse(stdout)).toEqual(await (await fetch(`${url}/api/v1/databases`)).json());
  });

  test("checkpoint and integrity-check act over the socket, and their exit status is the answer", async () => {
    const view = makeView([aStatus()]);
    const { socketPath } = await serve(view);
    const flags = ["--socket", socketPath];
    expect((await command(["checkpoint", "kv", ...flags])).exitCode).toBe(0);
    expect((await command(["integrity-check", "kv", "--full", ...flags])).exitCode).toBe(0);
    expect(view.asked).toEqual(["checkpoint kv", "integrity_check kv"]);
    const unlucky = await serve(
      makeView([aStatus()], {
        requestCheckpoint: async () => ({
          ok: true,
          value: aCheckpoint({ outcome: "incomplete", reason: "readers" }),
        }),
        requestIntegrityCheck: async () => ({
          ok: true,
          value: anIntegrityCheck({ verdict: "structural", findings: ["page 7 is never used"] }),
        }),
      }),
    );
    const checkpoint = await command(["checkpoint", "kv", "--socket", unlucky.socketPath]);
    expect(checkpoint.exitCode).toBe(1);
    expect(checkpoint.stdout).toContain("incomplete: readers");
    const check = await command(["integrity-check", "kv", "--socket", unlucky.socketPath]);
    expect(check.exitCode).toBe(1);
    expect(check.stdout).toContain("page 7 is never used");
  });

  test("an unknown database is a usage error, a refusal over TCP says how to act", async () => {
    const { socketPath, url } = await serve(makeView([aStatus()]));
    const unknown = await command(["status", "nope", "--socket", socketPath]);
    expect(unknown.exitCode).toBe(64);
    expect(unknown.stderr).toContain('"nope"');
    const refused = await command(["checkpoint", "kv", "--url", url]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("Unix socket");
  });

  test("the daemon is found through the environment that it reads itself, and the token with it", async () => {
    const view = makeView([aStatus()]);
    const { directory, url } = await serve(view, "s3cret");
    const byDirectory = await command(["status"], { RUNTIME_DIRECTORY: directory.path }, directory.path);
    expect(byDirectory).toMatchObject({ exitCode: 0, stderr: "" });
    await Bun.write(directory.file("token"), "s3cret\n");
    const config = `tokenFile: ${directory.file("token")}\ndatabases:\n  - name: kv\n    path: ./kv.db\n`;
    await Bun.write(directory.file("walwarden.yml"), config);
    const acted = await command([
      "checkpoint",
      "kv",
      "--url",
      url,
      "--config",
      directory.file("walwarden.yml"),
    ]);
    expect(acted).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("no daemon: exit 69, with everything that was tried and what to do", async () => {
    using directory = makeTempDirectory();
    const environment = { RUNTIME_DIRECTORY: directory.path, WALWARDEN_LISTEN: "127.0.0.1:1" };
    const result = await command(["status"], environment, directory.path);
    expect(result.exitCode).toBe(69);
    expect(result.stderr).toContain(`${directory.file("walwarden.sock")}: no such socket`);
    expect(result.stderr).toContain("127.0.0.1:1: nothing listens there");
    expect(result.stderr).toContain("--socket PATH");
  });

  test("something else at the address is not taken for a daemon", async () => {
    const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("<html>") });
    closing.push(() => other.stop(true));
    expect((await command(["status", "--url", other.url.href])).exitCode).toBe(69);
  });

  test("a proxy of the environment is never asked, nor given the token", async () => {
    const proxied: string[] = [];
    const proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        proxied.push(request.url);
        return new Response("{}");
      },
    });
    closing.push(() => proxy.stop(true));
    const { url } = await serve(makeView([aStatus()]));
    const script = `import { sendRequest } from "./src/cli/httpRequest.ts";
      const { hostname: host, port } = new URL(${JSON.stringify(url)});
      const address = { host, port: Number(port) };
      const result = await sendRequest({ method: "GET", address, path: "/livez", token: "t", silenceMaxMs: 5000 });
      process.exit(result.ok && result.statusCode === 200 ? 0 : 1);`;
    const child = Bun.spawn([process.execPath, "--no-env-file", "-e", script], {
      cwd: new URL("../../..", import.meta.url).pathname,
      env: { ...process.env, HTTP_PROXY: proxy.url.href, http_proxy: proxy.url.href },
    });
    expect(await withDeadline("the request", child.exited, 10_000)).toBe(0);
    expect(proxied).toEqual([]);
  });
});
