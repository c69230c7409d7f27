import { describe, expect, test } from "bun:test";
import { loaded, onlyDatabase } from "./loading.ts";

describe("the address: flag, then environment, then file, then default", () => {
  const file = "listen: 10.0.0.1:1001\n";
  const all = { WALWARDEN_LISTEN: "10.0.0.2:1002", WALWARDEN_PORT: "1003", PORT: "1004" };
  const cases = [
    [
      "--listen wins over everything",
      { flags: { listen: "10.0.0.3:1005" }, environment: all, file },
      "10.0.0.3",
      1005,
    ],
    ["WALWARDEN_LISTEN wins over both ports and the file", { environment: all, file }, "10.0.0.2", 1002],
    [
      "WALWARDEN_PORT wins over PORT and the file, on the default address",
      { environment: { WALWARDEN_PORT: "1003", PORT: "1004" }, file },
      "127.0.0.1",
      1003,
    ],
    ["PORT wins over the file", { environment: { PORT: "1004" }, file }, "127.0.0.1", 1004],
    ["the file wins over the default", { file }, "10.0.0.1", 1001],
    ["the default is loopback, port 9925", {}, "127.0.0.1", 9925],
    ["[IPv6]:port loses its brackets", { flags: { listen: "[::1]:0" } }, "::1", 0],
  ] as const;
  for (const [name, given, host, port] of cases) {
    test(name, () => expect(loaded(given).config.listen).toEqual({ host, port }));
  }

  test("PORT over an address in the file is pointed out, because PORT may be the application's", () => {
    const { warnings } = loaded({ environment: { PORT: "1004", KVDB_SQLITE_FILE: "/kv.db" }, file }).config;
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("PORT is set: listening on 127.0.0.1:1004");
  });

  test("PORT is not even looked at where something else says the address", () => {
    const environment = { PORT: "\\\\.\\pipe\\app", WALWARDEN_PORT: "1003" };
    expect(loaded({ environment }).config.listen.port).toBe(1003);
    expect(loaded({ environment: { PORT: "x" }, flags: { listen: "[::1]:7" } }).config.listen.port).toBe(7);
  });
});

describe("settings: environment, then entry, then defaults of the file, then default", () => {
  const file = `
defaults: { synchronous: FULL, mode: checkpoint, checkpoint: { schedule: 5m }, busyTimeout: 1s }
databases:
  - path: a.db
    synchronous: NORMAL
    checkpoint: { holdBudget: 20ms }
  - path: b.db
`;

  test("an entry wins over the defaults of the file, key by key", () => {
    const [a, b] = loaded({ file }).config.databases;
    expect(a?.profile.synchronous).toBe("NORMAL");
    expect(a?.checkpoint.schedule).toEqual({ kind: "interval", intervalMs: 300_000 });
    expect(a?.checkpoint.holdBudgetMs).toBe(20);
    expect(a?.mode).toBe("checkpoint");
    expect(b?.profile.synchronous).toBe("FULL");
    expect(b?.checkpoint.holdBudgetMs).toBe(10);
  });

  test("the environment wins over every entry", () => {
    const environment = {
      KVDB_SQLITE_SYNCHRONOUS: "extra",
      KVDB_SQLITE_JOURNAL_MODE: "wal",
      KVDB_SQLITE_BUSY_TIMEOUT_MS: "7",
      KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS: "0",
      KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP: "full",
      KVDB_SQLITE_FOREIGN_KEYS: "OFF",
      WALWARDEN_MODE: "observe",
      WALWARDEN_EXPOSURE_MAX_MS: "50",
    };
    const { databases } = loaded({ environment, file }).config;
    expect(databases).toHaveLength(2);
    for (const database of databases) {
      expect(database.profile).toEqual({
        synchronous: "EXTRA",
        journalMode: "WAL",
        busyTimeoutMs: 7,
        foreignKeys: false,
      });
      expect(database.checkpoint.schedule).toEqual({ kind: "off" });
      expect(database.integrity.startup).toBe("FULL");
      expect(database.mode).toBe("observe");
      expect(database.exposureMaxMs).toBe(50);
    }
  });

  test("the defaults of the file apply to the database of the environment, too", () => {
    const database = onlyDatabase({ environment: { KVDB_SQLITE_FILE: "x/app.db" }, file });
    expect(database).toMatchObject({
      name: "app",
      path: "/srv/app/x/app.db",
      mode: "checkpoint",
      glob: null,
    });
    expect(database.profile.synchronous).toBe("FULL");
  });

  test("each value knows where it came from", () => {
    const { sources } = loaded({ environment: { KVDB_SQLITE_SYNCHRONOUS: "FULL" }, file });
    const settings = sources.databases[0]?.settings;
    expect(settings?.synchronous).toEqual({ kind: "environment", variable: "KVDB_SQLITE_SYNCHRONOUS" });
    expect(settings?.mode).toMatchObject({ kind: "file", key: "defaults.mode", line: 2 });
    expect(settings?.holdBudgetMs).toMatchObject({ key: "databases[0].checkpoint.holdBudget", line: 6 });
    expect(settings?.findingsMax).toEqual({ kind: "default" });
    expect(sources.databases[1]?.path).toMatchObject({ kind: "file", key: "databases[1].path", line: 7 });
  });
});

describe("which databases", () => {
  test("without file and variable it is ./kv.db, called kv, with the documented defaults", () => {
    expect(onlyDatabase({})).toEqual({
      name: "kv",
      path: "/srv/app/kv.db",
      glob: null,
      mode: "enforce",
      profile: { journalMode: "WAL", synchronous: "EXTRA", busyTimeoutMs: 10_000, foreignKeys: true },
      busyTimeoutDeclared: false,
      whenMissing: "wait",
      required: true,
      trustFileSystem: false,
      checkpoint: {
        schedule: { kind: "interval", intervalMs: 60_000 },
        sizeTargetBytes: 67_108_864,
        acquireBudgetMs: 100,
        holdBudgetMs: 10,
        holdBudgetMaxMs: 100,
        deadlineMs: 120_000,
      },
      integrity: {
        startup: "QUICK",
        quickSchedule: { kind: "off" },
        fullSchedule: { kind: "off" },
        deadlineMs: 3_600_000,
        findingsMax: 100,
        walMaxBytes: 256 * 1024 * 1024,
        unchangedMaxMs: 0,
      },
      exposureMaxMs: 1000,
    });
  });

  test("the daemon's own defaults are the documented ones", () => {
    const { databases: _, ...config } = loaded({}).config;
    expect(config).toEqual({
      globs: [],
      listen: { host: "127.0.0.1", port: 9925 },
      socketPath: "/srv/app/.walwarden/walwarden.sock",
      tokenFile: null,
      allowedHosts: [],
      stateDirectory: "/srv/app/.walwarden",
      observeIntervalMs: 1000,
      globIntervalMs: 30_000,
      shortWorkerCount: 2,
      longWorkerCount: 2,
      shutdownTimeoutMs: 20_000,
      nodeEnv: null,
      warnings: [],
    });
  });

  test("KVDB_SQLITE_FILE wins over the databases of the file, and says how many are not watched", () => {
    const file = "databases: [{path: a.db}, {path: b.db}, {glob: 'c/*.db'}]\n";
    const { config } = loaded({ environment: { KVDB_SQLITE_FILE: "/data/x.sqlite" }, file });
    expect(config.databases.map(({ name, path }) => [name, path])).toEqual([["x", "/data/x.sqlite"]]);
    expect(config.globs).toEqual([]);
    expect(config.warnings).toEqual([
      "KVDB_SQLITE_FILE is set: the 3 entries under databases in /etc/walwarden/walwarden.yml are not watched",
    ]);
  });

  test("a file without databases, even an empty one, leaves the database of the environment or ./kv.db", () => {
    expect(onlyDatabase({ file: "# nothing yet\n" }).path).toBe("/srv/app/kv.db");
    expect(onlyDatabase({ file: "listen: 127.0.0.1:1\n" }).name).toBe("kv");
  });

  test("relative paths start at the folder of the file, those of variables at the working directory", () => {
    const file = "tokenFile: token\nstateDirectory: state\nsocket: s.sock\ndatabases: [{path: data/a.db}]\n";
    const { config } = loaded({ file });
    expect(config.tokenFile).toBe("/etc/walwarden/token");
    expect(config.stateDirectory).toBe("/etc/walwarden/state");
    expect(config.socketPath).toBe("/etc/walwarden/s.sock");
    expect(config.databases[0]?.path).toBe("/etc/walwarden/data/a.db");
  });

  test("a name is the file name without its extension, and never a dot that a URL would lose", () => {
    const names = [
      ["kv.db", "kv"],
      ["a.b.sqlite", "a.b"],
      ["kv", "kv"],
      [".db", ".db"],
      ["..db", "..db"],
    ] as const;
    for (const [file, name] of names) {
      expect(onlyDatabase({ environment: { KVDB_SQLITE_FILE: file } }).name).toBe(name);
    }
  });

  test("paths with blanks, quotes, ? # and other scripts are taken as they are", () => {
    for (const name of ["a b.db", "it's.db", 'a"b.db', "a?b#c.db", "日本.db", "100%.db"]) {
      expect(onlyDatabase({ environment: { KVDB_SQLITE_FILE: `/d/${name}` } }).path).toBe(`/d/${name}`);
    }
  });
});

describe("what follows from other values", () => {
  test("a declared busy timeout: set by variable or file, not by default", () => {
    const environment = { KVDB_SQLITE_BUSY_TIMEOUT_MS: "10000" };
    expect(onlyDatabase({}).busyTimeoutDeclared).toBe(false);
    expect(onlyDatabase({ environment }).busyTimeoutDeclared).toBe(true);
    expect(onlyDatabase({ file: "defaults: {busyTimeout: 10s}\n" }).busyTimeoutDeclared).toBe(true);
    const [a, b] = loaded({ file: "databases: [{path: a, busyTimeout: 0}, {path: b}]\n" }).config.databases;
    expect([a?.busyTimeoutDeclared, b?.busyTimeoutDeclared]).toEqual([true, false]);
  });

  test("the bound on exposure is 1 s with FULL and EXTRA, else off", () => {
    for (const [level, boundMs] of [
      ["OFF", 0],
      ["NORMAL", 0],
      ["FULL", 1000],
      ["EXTRA", 1000],
    ] as const) {
      expect(onlyDatabase({ environment: { KVDB_SQLITE_SYNCHRONOUS: level } }).exposureMaxMs).toBe(boundMs);
    }
  });

  test("a file that names no databases is pointed out: ./kv.db may not be what was meant", () => {
    const warning = expect.stringContaining("names no databases: /srv/app/kv.db is watched");
    expect(loaded({ file: "defaults: {mode: observe}\n" }).config.warnings).toEqual([warning]);
    expect(loaded({ file: "{}", environment: { KVDB_SQLITE_FILE: "/a.db" } }).config.warnings).toEqual([]);
  });

  test("a missing database is created in development only, unless the file says otherwise", () => {
    const development = { NODE_ENV: "development" };
    expect(onlyDatabase({ environment: development }).whenMissing).toBe("create");
    expect(onlyDatabase({ environment: { NODE_ENV: "production" } }).whenMissing).toBe("wait");
    const file = "defaults: {whenMissing: pass}\n";
    expect(onlyDatabase({ environment: development, file }).whenMissing).toBe("pass");
  });

  test("mode observe never creates a database, not even when told to", () => {
    const environment = { NODE_ENV: "development", WALWARDEN_MODE: "observe" };
    expect(onlyDatabase({ environment }).whenMissing).toBe("wait");
    const { config } = loaded({ environment, file: "databases: [{path: a, whenMissing: create}]\n" });
    expect(config.databases[0]?.whenMissing).toBe("wait");
    expect(config.warnings[0]).toContain("is not created");
  });

  test("journal modes beside WAL and synchronous OFF are accepted with a warning", () => {
    const environment = { KVDB_SQLITE_JOURNAL_MODE: "delete", KVDB_SQLITE_SYNCHRONOUS: "off" };
    const { config } = loaded({ environment });
    expect(config.databases[0]?.profile).toMatchObject({ journalMode: "DELETE", synchronous: "OFF" });
    expect(config.warnings).toHaveLength(2);
  });

  test("systemd's directories: the first of several; the socket goes to RUNTIME_DIRECTORY", () => {
    const environment = {
      STATE_DIRECTORY: "/var/lib/walwarden:/var/lib/x",
      RUNTIME_DIRECTORY: "/run/walwarden:/run/x",
    };
    const { config, sources } = loaded({ environment });
    expect(config.stateDirectory).toBe("/var/lib/walwarden");
    expect(config.socketPath).toBe("/run/walwarden/walwarden.sock");
    expect(sources.daemon.socketPath).toEqual({ kind: "environment", variable: "RUNTIME_DIRECTORY" });
    const beside = loaded({ environment: { STATE_DIRECTORY: "/var/lib/walwarden" } });
    expect(beside.config.socketPath).toBe("/var/lib/walwarden/walwarden.sock");
  });

  test("RUNTIME_DIRECTORY moves only the default of the socket: the file may name another, or none", () => {
    const environment = { RUNTIME_DIRECTORY: "/run/walwarden" };
    expect(loaded({ environment, file: "socket: /run/other.sock\n" }).config.socketPath).toBe(
      "/run/other.sock",
    );
    expect(loaded({ environment, file: "socket: false\n" }).config.socketPath).toBeNull();
    expect(loaded({ environment, file: "socket: off\n" }).config.socketPath).toBeNull();
  });

  test("STATE_DIRECTORY wins over the file, and the difference is pointed out", () => {
    const { config } = loaded({
      environment: { STATE_DIRECTORY: "/var/a" },
      file: "stateDirectory: /var/b\n",
    });
    expect(config.stateDirectory).toBe("/var/a");
    expect(config.warnings[0]).toContain("/var/a and not in /var/b");
  });

  test("--config wins over WALWARDEN_CONFIG", () => {
    const environment = { WALWARDEN_CONFIG: "/nowhere.yml" };
    const { sources } = loaded({ environment, file: "{}\n" });
    expect(sources.file?.source).toEqual({ kind: "flag", flag: "--config" });
  });

  test("the configuration is frozen all the way down", () => {
    const { config, sources } = loaded({ file: "databases: [{path: a}, {glob: 'g/*.db'}]\n" });
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(config)).toBe(true);
    expect(frozen(sources)).toBe(true);
  });
});
