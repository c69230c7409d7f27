import { describe, expect, test } from "bun:test";
import { readVariables } from "../../../src/config/readVariables.ts";
import { ownVariables, variableCatalogue } from "../../../src/config/variableCatalogue.ts";
import { loaded, messagesOf, problemsOf } from "./loading.ts";

const integers = [
  "",
  " ",
  "1e3",
  "10s",
  "-1",
  "+1",
  "1.5",
  "0x10",
  "007",
  "1_000",
  " 5",
  "5 ",
  "2147483648",
  "9".repeat(30),
  "NaN",
];

const malformedValues: Readonly<Record<string, readonly string[]>> = {
  KVDB_SQLITE_FILE: ["", "/", "data/", ".", "..", "a/..", ":memory:", "file:kv.db", "~/kv.db"],
  KVDB_SQLITE_JOURNAL_MODE: ["", "WAL2", "wal ", "1", "on"],
  KVDB_SQLITE_SYNCHRONOUS: ["", "2", "FASTER", "NORMAL # good", '"FULL"', "FULL,EXTRA"],
  KVDB_SQLITE_BUSY_TIMEOUT_MS: integers,
  KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS: [...integers, "60s", "off"],
  KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP: ["", "on", "0", "quick_check"],
  KVDB_SQLITE_FOREIGN_KEYS: ["", "yes", "no", "2", "enabled"],
  WALWARDEN_CONFIG: ["", "~/walwarden.yml"],
  WALWARDEN_EXPOSURE_MAX_MS: [...integers, "off"],
  WALWARDEN_MODE: ["", "enforced", "0"],
  WALWARDEN_LISTEN: [
    "",
    "9925",
    ":9925",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "::1:9925",
    "[::1]",
    "[127.0.0.1]:1",
    "[::1:9925",
    "999.1.1.1:80",
    "a b:80",
    "*:9925",
    "http://localhost:9925",
    "-a:1",
    "localhost:09",
    "1.2.3:4",
  ],
  WALWARDEN_PORT: ["", "65536", "-1", "9925/tcp", "0x1", "127.0.0.1:1"],
  PORT: ["", "65536", "http", "1e3"],
  NODE_ENV: ["", " ", "a b"],
  STATE_DIRECTORY: ["", ":/var/lib/x", "~/x"],
  RUNTIME_DIRECTORY: ["", ":/run/x"],
};

describe("a malformed variable is named with its value and with what is accepted", () => {
  for (const [variable, values] of Object.entries(malformedValues)) {
    for (const value of values) {
      test(`${variable}=${JSON.stringify(value.slice(0, 40))}`, () => {
        const problems = problemsOf({ environment: { [variable]: value } });
        expect(problems).toHaveLength(1);
        expect(problems[0]).toMatchObject({ source: variable, value: JSON.stringify(value) });
        expect(problems[0]?.accepted).not.toBe("");
        expect(problems[0]?.message).toContain(variable);
        expect(problems[0]?.message).not.toContain("\n");
      });
    }
  }

  test("every variable of ours is in this table", () => {
    expect(Object.keys(malformedValues)).toEqual(expect.arrayContaining([...ownVariables]));
  });

  test("every variable that is read is in the catalogue, and no other", () => {
    const asked = new Set<string>();
    const environment = new Proxy<Record<string, string>>(
      {},
      {
        get: (_target, name) => {
          asked.add(String(name));
        },
      },
    );
    readVariables(environment, "/", false);
    expect([...asked].sort()).toEqual(Object.keys(variableCatalogue).sort());
  });
});

describe("the words of SQLite are taken in any case", () => {
  const cases = [
    ["KVDB_SQLITE_JOURNAL_MODE", ["wal", "Wal", "DELETE", "truncate", "persist", "memory", "off"]],
    ["KVDB_SQLITE_SYNCHRONOUS", ["off", "Normal", "FULL", "extra"]],
    ["KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP", ["off", "Quick", "full"]],
    ["KVDB_SQLITE_FOREIGN_KEYS", ["ON", "off", "True", "false", "1", "0"]],
    ["WALWARDEN_MODE", ["Observe", "CHECKPOINT", "enforce"]],
    [
      "WALWARDEN_LISTEN",
      ["localhost:0", "0.0.0.0:9925", "[::]:9925", "[fe80::1]:1", "Host-1.example.com:65535"],
    ],
    ["KVDB_SQLITE_BUSY_TIMEOUT_MS", ["0", "1", "2147483647"]],
    ["KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS", ["0", "1", "2147483647"]],
    ["PORT", ["0", "65535"]],
  ] as const;
  for (const [variable, values] of cases) {
    for (const value of values) {
      test(`${variable}=${value}`, () =>
        expect(messagesOf({ environment: { [variable]: value } })).toEqual([]));
    }
  }
});

describe("foreign_keys", () => {
  for (const [text, on] of [
    ["on", true],
    ["TRUE", true],
    ["1", true],
    ["off", false],
    ["False", false],
    ["0", false],
  ] as const) {
    test(`${text} is ${on}`, () => {
      const { databases } = loaded({ environment: { KVDB_SQLITE_FOREIGN_KEYS: text } }).config;
      expect(databases[0]?.profile.foreignKeys).toBe(on);
    });
  }
});

describe("unknown variables", () => {
  const cases = [
    ["KVDB_SQLITE_SYNCRONOUS", "KVDB_SQLITE_SYNCHRONOUS"],
    ["KVDB_SQLITE_BUSY_TIMEOUT", "KVDB_SQLITE_BUSY_TIMEOUT_MS"],
    ["KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL", "KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS"],
    ["WALWARDEN_PROT", "WALWARDEN_PORT"],
    ["WALWARDEN_CONFIG_FILE", "WALWARDEN_CONFIG"],
  ] as const;
  for (const [variable, meant] of cases) {
    test(`${variable}: did you mean ${meant}?`, () => {
      expect(messagesOf({ environment: { [variable]: "x" } })).toEqual([
        `${variable}: unknown variable; did you mean ${meant}?`,
      ]);
    });
  }

  test("nothing near, no suggestion", () => {
    expect(messagesOf({ environment: { WALWARDEN_ZZZZZZZZZZ: "x" } })).toEqual([
      "WALWARDEN_ZZZZZZZZZZ: unknown variable",
    ]);
  });

  test("its value is not shown: it may be a secret", () => {
    const [problem] = problemsOf({ environment: { WALWARDEN_TOKEN: "hunter2" } });
    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });

  test("other variables, KVDB_ ones too, belong to the application", () => {
    expect(
      messagesOf({ environment: { KVDB_TOKEN: "", KVDB_SQLITEX: "", HOME: "", walwarden_x: "" } }),
    ).toEqual([]);
  });

  test("a variable that is undefined is not set", () => {
    expect(messagesOf({ environment: { WALWARDEN_X: undefined, PORT: undefined } })).toEqual([]);
  });
});

describe("hints", () => {
  test("a comment behind a value, which systemd does not cut off", () => {
    const environment = { KVDB_SQLITE_SYNCHRONOUS: "NORMAL        # Good performance" };
    expect(messagesOf({ environment })[0]).toContain("put comments on lines of their own");
  });

  test("quotes that became part of the value", () => {
    expect(messagesOf({ environment: { WALWARDEN_MODE: '"observe"' } })[0]).toContain("leave them out");
  });

  test("set but empty", () => {
    expect(messagesOf({ environment: { KVDB_SQLITE_FILE: "" } })[0]).toContain("set but empty");
  });
});

test("all problems are reported at once: flag, variables, file", () => {
  const problems = problemsOf({
    flags: { listen: "nowhere" },
    environment: { KVDB_SQLITE_SYNCHRONOUS: "x", WALWARDEN_MODE: "y", KVDB_SQLITE_X: "z", NODE_ENV: "" },
    file: "observeInterval: soon\nfoo: 1\ndatabases: []\n",
  });
  expect(problems.map(({ source }) => source.replace(/:\d+:\d+/, "")).toSorted()).toEqual(
    [
      "--listen",
      "KVDB_SQLITE_SYNCHRONOUS",
      "KVDB_SQLITE_X",
      "NODE_ENV",
      "WALWARDEN_MODE",
      "/etc/walwarden/walwarden.yml databases",
      "/etc/walwarden/walwarden.yml foo",
      "/etc/walwarden/walwarden.yml observeInterval",
    ].toSorted(),
  );
});

describe("the path of the Unix socket", () => {
  const directory = (bytes: number) => `/${"d".repeat(bytes - "//walwarden.sock".length)}`;

  test("107 bytes are accepted", () => {
    const { config } = loaded({ environment: { RUNTIME_DIRECTORY: directory(107) } });
    expect(Buffer.byteLength(config.socketPath ?? "")).toBe(107);
  });

  test("108 bytes are a problem that says what to do; bytes, not characters", () => {
    const [problem] = problemsOf({ environment: { RUNTIME_DIRECTORY: directory(108) } });
    expect(problem?.source).toBe("RUNTIME_DIRECTORY");
    expect(problem?.message).toContain("108 bytes; set socket in the file");
    expect(messagesOf({ environment: { STATE_DIRECTORY: `/${"é".repeat(60)}` } })).toHaveLength(1);
  });

  test("no socket, no problem", () => {
    const environment = { STATE_DIRECTORY: directory(300) };
    expect(messagesOf({ environment, file: "socket: false\n" })).toEqual([]);
  });
});
