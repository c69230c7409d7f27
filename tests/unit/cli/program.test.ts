import { describe, expect, test } from "bun:test";
import { runCommand } from "../../../src/cli/program.ts";
import { moduleGraph } from "../../support/moduleGraph.ts";

async function run(...argv: readonly string[]) {
  let [stdout, stderr] = ["", ""];
  const exitCode = await runCommand(argv, "1.2.3", {
    environment: {},
    workingDirectory: "/nonexistent",
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

describe("command line", () => {
  test("--help and --version are answers: exit 0, on standard output", async () => {
    const help = await run("--help");
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    for (const command of ["run", "status", "checkpoint", "integrity-check", "check-config"]) {
      expect(help.stdout).toContain(`\n  ${command} `);
    }
    expect(help.stdout).toContain("69 daemon not reachable");
    expect(await run("--version")).toEqual({ exitCode: 0, stdout: "1.2.3\n", stderr: "" });
    expect((await run("status", "--help")).exitCode).toBe(0);
  });

  test.each([
    [["frobnicate"]],
    [["status", "--frobnicate"]],
    [["checkpoint"]],
    [["status", "a", "b"]],
    [["status", "--socket"]],
    [["status", "--socket", "/s", "--url", "http://localhost"]],
    [["status", "--url", "ftp://localhost"]],
    [["status", "--url", "http://localhost/path"]],
    [[]],
  ])("wrong usage %j exits 64 and says why on standard error", async (argv) => {
    const { exitCode, stdout, stderr } = await run(...argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).not.toBe("");
  });

  test("a configuration that is wrong exits 78 and names the problem", async () => {
    const { exitCode, stderr } = await run("status", "--config", "/nonexistent/walwarden.yml");
    expect(exitCode).toBe(78);
    expect(stderr).toContain("/nonexistent/walwarden.yml");
  });
});

test("asking a daemon loads no web server, no metrics and no logger", async () => {
  const files = new Map<string, string>();
  const top = new URL("../../../", import.meta.url).pathname;
  for await (const path of new Bun.Glob("src/**/*.ts").scan({ cwd: top })) {
    files.set(path, await Bun.file(`${top}${path}`).text());
  }
  const edges = moduleGraph(files).filter((edge) => !edge.typeOnly && !edge.dynamic);
  const reached = new Set(["src/cli/status.ts", "src/cli/checkpoint.ts", "src/cli/integrityCheck.ts"]);
  for (const path of reached) for (const edge of edges) if (edge.from === path) reached.add(edge.to);
  expect(reached.size).toBeGreaterThan(5);
  for (const module of ["fastify", "prom-client", "pino", "bun:sqlite", "bun:ffi"]) {
    expect(reached.has(module)).toBe(false);
  }
});
