import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../../src/config/load.ts";
import { filePath, loaded, messagesOf, problemsOf } from "./loading.ts";

const sources = (file: string) =>
  problemsOf({ file }).map(({ source }) => source.replace(`${filePath}:`, ""));

describe("every key is read", () => {
  test("the daemon's keys", () => {
    const file = `
listen: "[::1]:0"
socket: /run/w.sock
tokenFile: /etc/token
allowedHosts: [Monitor.example.com, "::1", 10.0.0.1]
stateDirectory: /var/lib/w
observeInterval: 500ms
globInterval: 1m
shutdownTimeout: 1m30s
workers: { short: 3, long: 2 }
`;
    expect(loaded({ file }).config).toMatchObject({
      listen: { host: "::1", port: 0 },
      socketPath: "/run/w.sock",
      tokenFile: "/etc/token",
      allowedHosts: ["monitor.example.com", "::1", "10.0.0.1"],
      stateDirectory: "/var/lib/w",
      observeIntervalMs: 500,
      globIntervalMs: 60_000,
      shutdownTimeoutMs: 90_000,
      shortWorkerCount: 3,
      longWorkerCount: 2,
    });
  });

  test("the settings of a database", () => {
    const file = `
databases:
  - name: a name/with slash
    path: a.db
    mode: Observe
    whenMissing: pass
    required: off
    trustFileSystem: true
    journalMode: persist
    synchronous: full
    busyTimeout: 5s
    foreignKeys: 0
    exposureMax: off
    checkpoint:
      schedule: "*/5 * * * *"
      sizeTarget: 1GB
      acquireBudget: 0
      holdBudget: 5ms
      holdBudgetMax: 1s
      deadline: 10m
    integrity:
      startup: FULL
      quickSchedule: 1h
      fullSchedule: "0 3 * * sun"
      deadline: 2h
      findingsMax: 7
`;
    expect(loaded({ file }).config.databases).toEqual([
      {
        name: "a name/with slash",
        path: "/etc/walwarden/a.db",
        glob: null,
        mode: "observe",
        profile: { journalMode: "PERSIST", synchronous: "FULL", busyTimeoutMs: 5000, foreignKeys: false },
        busyTimeoutDeclared: true,
        whenMissing: "pass",
        required: false,
        trustFileSystem: true,
        checkpoint: {
          schedule: { kind: "cron", expression: "*/5 * * * *" },
          sizeTargetBytes: 1e9,
          acquireBudgetMs: 0,
          holdBudgetMs: 5,
          holdBudgetMaxMs: 1000,
          deadlineMs: 600_000,
        },
        integrity: {
          startup: "FULL",
          quickSchedule: { kind: "interval", intervalMs: 3_600_000 },
          fullSchedule: { kind: "cron", expression: "0 3 * * sun" },
          deadlineMs: 7_200_000,
          findingsMax: 7,
          walMaxBytes: 256 * 1024 * 1024,
          unchangedMaxMs: 0,
        },
        exposureMaxMs: 0,
      },
    ]);
  });

  test("anchors and aliases work", () => {
    const file =
      "databases:\n  - {path: a.db, checkpoint: &c {holdBudget: 20ms}}\n  - {path: b.db, checkpoint: *c}\n";
    expect(loaded({ file }).config.databases.map(({ checkpoint }) => checkpoint.holdBudgetMs)).toEqual([
      20, 20,
    ]);
  });
});

describe("a malformed value is named with its line, column and key", () => {
  const cases = [
    ["listen: 9925", "1:1 listen"],
    ["listen: [::1, 9925]", "1:1 listen"],
    ["socket: true", "1:1 socket"],
    ["socket: ''", "1:1 socket"],
    ["tokenFile:", "1:1 tokenFile"],
    ["allowedHosts: example.com", "1:1 allowedHosts"],
    ["allowedHosts:\n  - a\n  - 'b:80'", "3:5 allowedHosts[1]"],
    ["observeInterval: 5", "1:1 observeInterval"],
    ["observeInterval: 1ms", "1:1 observeInterval"],
    ["observeInterval: 0", "1:1 observeInterval"],
    ["globInterval: 30d", "1:1 globInterval"],
    ["shutdownTimeout: off", "1:1 shutdownTimeout"],
    ["workers: 2", "1:1 workers"],
    ["workers:\n  short: 1.5", "2:3 workers.short"],
    ["workers: {long: 65}", "1:11 workers.long"],
    ["defaults:", "1:1 defaults"],
    ["defaults: {checkpoint: {schedule: 60}}", "1:25 defaults.checkpoint.schedule"],
    ["defaults: {checkpoint: {schedule: '61 * * * *'}}", "1:25 defaults.checkpoint.schedule"],
    ["defaults: {checkpoint: {sizeTarget: 64Mb}}", "1:25 defaults.checkpoint.sizeTarget"],
    ["defaults: {checkpoint: {sizeTarget: -1}}", "1:25 defaults.checkpoint.sizeTarget"],
    ["defaults: {checkpoint: {holdBudget: 0}}", "1:25 defaults.checkpoint.holdBudget"],
    ["defaults: {integrity: {findingsMax: 0}}", "1:24 defaults.integrity.findingsMax"],
    ["defaults: {integrity: {startup: false}}", "1:24 defaults.integrity.startup"],
    ["defaults: {required: maybe}", "1:12 defaults.required"],
    ["defaults: {busyTimeout: 5000}", "1:12 defaults.busyTimeout"],
    ["databases: kv.db", "1:1 databases"],
    ["databases: []", "1:1 databases"],
    ["databases:\n  - kv.db", "2:5 databases[0]"],
    ["databases:\n  - path: data/", "2:5 databases[0].path"],
    ["databases:\n  - {path: a, name: '..'}", "2:15 databases[0].name"],
    ["databases:\n  - {path: a, name: ' a'}", "2:15 databases[0].name"],
    ['databases:\n  - {path: a, name: "a\\nb"}', "2:15 databases[0].name"],
    ['databases:\n  - {path: "a\\0b"}', "2:6 databases[0].path"],
  ] as const;
  for (const [file, source] of cases) {
    test(JSON.stringify(file), () => expect(sources(file)).toEqual([source]));
  }
});

describe("unknown keys", () => {
  const cases = [
    ["listn: 127.0.0.1:1", "did you mean listen?"],
    ["defaults: {syncronous: FULL}", "did you mean synchronous?"],
    ["databases: [{path: a, checkpoint: {sizeTargetBytes: 1}}]", "did you mean sizeTarget?"],
    ["synchronous: FULL", "it belongs under defaults or in an entry of databases"],
  ] as const;
  for (const [file, hint] of cases) {
    test(`${file}: ${hint}`, () => {
      const messages = messagesOf({ file });
      expect(messages).toHaveLength(1);
      expect(messages[0]).toEndWith(`unknown key; ${hint}`);
    });
  }

  test("nothing near, no suggestion; its value is not shown", () => {
    const [problem] = problemsOf({ file: "secretThing: hunter2\n" });
    expect(problem?.message).toBe(`${filePath}:1:1 secretThing: unknown key`);
    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });
});

describe("rules between keys", () => {
  const cases = [
    ["neither path nor glob", "databases: [{name: a}]", "either path or glob"],
    ["both path and glob", "databases: [{path: a, glob: '*.db'}]", "either path or glob"],
    ["one name twice", "databases: [{name: a, path: x}, {name: a, path: y}]", "databases[0] has the same"],
    [
      "one name twice, by file name",
      "databases: [{path: x/kv.db}, {path: y/kv.db}]",
      "databases[0] has the same",
    ],
    [
      "one path twice, spelt differently",
      "databases: [{name: a, path: x}, {name: b, path: ./q/../x}]",
      "databases[0] has the same",
    ],
    ["one pattern twice", "databases: [{glob: '*.db'}, {glob: './*.db'}]", "databases[0] has the same"],
    [
      "patterns of two folders without names",
      "databases: [{glob: 'a/*.db'}, {glob: 'b/*.db'}]",
      "a name of its own",
    ],
    [
      "a pattern that would be created",
      "databases: [{glob: '*.db', whenMissing: create}]",
      "pass, beside glob",
    ],
    ["a pattern without a wildcard", "databases: [{glob: a.db}]", "a plain path goes under path"],
    [
      "a hold budget beyond its maximum",
      "defaults: {checkpoint: {holdBudget: 200ms}}",
      "larger than holdBudgetMax 100ms",
    ],
    [
      "a maximum below the hold budget",
      "defaults: {checkpoint: {holdBudgetMax: 5ms}}",
      "holdBudget 10ms is larger",
    ],
  ] as const;
  for (const [name, file, words] of cases) {
    test(name, () => {
      const messages = messagesOf({ file });
      expect(messages).toHaveLength(1);
      expect(messages[0]).toContain(words);
    });
  }

  test("patterns that start in the same folder may share a name", () => {
    expect(messagesOf({ file: "databases: [{glob: 'a/*.db'}, {glob: 'a/*.sqlite'}]" })).toEqual([]);
  });

  test("they are checked although other values are wrong", () => {
    const file =
      "nonsense: 1\ndatabases:\n  - {path: a, mode: x}\n  - {path: a, name: b, foreignKeys: 3}\n  - 7\n  - {}\n";
    expect(sources(file)).toEqual([
      "3:15 databases[0].mode",
      "4:24 databases[1].foreignKeys",
      "5:5 databases[2]",
      "1:1 nonsense",
      "6:5 databases[3]",
      "4:6 databases[1].path",
    ]);
  });

  test("several bad items of one list are all reported, and the good ones stay what they are", () => {
    expect(sources("allowedHosts: ['a b', ok, ':x']")).toEqual([
      "1:16 allowedHosts[0]",
      "1:27 allowedHosts[2]",
    ]);
  });
});

describe("what is no configuration at all", () => {
  test("broken YAML: every error with its place", () => {
    const messages = messagesOf({ file: "a: [1\nb: 2\n  c: 3\n" });
    expect(messages.length).toBeGreaterThan(0);
    for (const message of messages) expect(message).toMatch(/walwarden\.yml:\d+:\d+: not valid YAML: /);
  });

  for (const [name, file] of [
    ["a key twice", "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n"],
    ["two documents", "listen: 127.0.0.1:1\n---\n{}\n"],
    ["an unknown tag", "listen: !secret x\n"],
    ["an alias to nowhere", "listen: *nowhere\n"],
    ["a list", "- path: a.db\n"],
    ["a word", "hello\n"],
    ["a file in Latin-1", "tokenFile: caf\uFFFD\n"],
    ["a prototype", "__proto__: {listen: 127.0.0.1:1}\n"],
    [
      "aliases that unfold without end",
      `a: &a [x, x, x, x, x, x, x, x, x]\n${["b", "c", "d", "e", "f"]
        .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${"abcde"[index]}`).join(", ")}]`)
        .join("\n")}\n`,
    ],
  ] as const) {
    test(name, () => {
      const messages = messagesOf({ file });
      expect(messages.length).toBeGreaterThan(0);
      for (const message of messages) expect(message).not.toContain("\n");
    });
  }

  test("a file that is not there: flag or variable, path and errno", () => {
    expect(messagesOf({ flags: { config: "none.yml" } })).toEqual([
      '--config: "/srv/app/none.yml" is not accepted; accepted: a file that can be read (ENOENT on /srv/app/none.yml)',
    ]);
    const [problem] = problemsOf({ environment: { WALWARDEN_CONFIG: "/none.yml" } });
    expect(problem).toMatchObject({ source: "WALWARDEN_CONFIG", value: '"/none.yml"' });
    expect(problemsOf({ flags: { config: "" } })[0]?.source).toBe("--config");
  });

  test("an error that is none of the operating system's is a mistake of the program, and thrown on", () => {
    const readFile = () => {
      throw new TypeError("a bug");
    };
    const options = { flags: { config: "/x" }, environment: {}, readFile, workingDirectory: "/" };
    expect(() => loadConfig(options)).toThrow("a bug");
  });
});
