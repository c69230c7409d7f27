/**
 * The configuration file as zod sees it: every key, what it accepts, and the words that editors show. The
 * JSON Schema in config/ is generated from it. Unknown keys are refused everywhere.
 *
 * The message of each issue is the text of what is accepted, so that problems of the file read like those of
 * the environment. Rules between keys (path or glob, unique names) are not here: refinements of zod are
 * skipped while anything else is wrong, and every problem is to be reported at once.
 */
import { z } from "zod";
import {
  choice,
  count,
  databasePath,
  duration,
  host,
  listenAddress,
  name,
  onOff,
  path,
  schedule,
  size,
  socket,
} from "./fileScalars.ts";
import { journalModes, modes, startupChecks, synchronousLevels, whenMissingChoices } from "./parseChoice.ts";

const mapping = { error: "a mapping (key: value); leave the key out when nothing is set under it" };

const checkpointSchema = z
  .strictObject(
    {
      schedule: schedule.describe("When the WAL is checkpointed: a duration, off, or a cron expression."),
      sizeTarget: size.describe(
        "The WAL is to stay below this size: it is checkpointed from an eighth of it on, ahead of the schedule.",
      ),
      acquireBudget: duration({ minMs: 0 }).describe("How long to try for the write lock, at most."),
      holdBudget: duration().describe("How long writers may be kept out, normally."),
      holdBudgetMax: duration().describe("The hold budget grows with the WAL, up to this."),
      deadline: duration().describe("A checkpoint that has not ended by then is given up."),
    },
    mapping,
  )
  .partial();

const integritySchema = z
  .strictObject(
    {
      startup: choice(startupChecks).describe(
        "The check at startup: OFF, quick_check, or integrity_check and foreign_key_check.",
      ),
      quickSchedule: schedule.describe("When quick_check runs: a duration, off, or a cron expression."),
      fullSchedule: schedule.describe("When integrity_check runs: a duration, off, or a cron expression."),
      deadline: duration().describe("A check that has not ended by then has no verdict."),
      findingsMax: count(1, 100_000).describe("Findings kept per check."),
      walMax: size.describe(
        "A check holds the WAL back while it reads: while the WAL holds more than this, it waits between its parts, a minute at most each time.",
      ),
      unchangedMax: duration({ minMs: 0, off: true }).describe(
        "For this long the ok of a database that has not changed since counts in place of a new check at startup and by schedule. What the disk loses by itself is not noticed meanwhile.",
      ),
    },
    mapping,
  )
  .partial();

const settingsShape = {
  mode: choice(modes).describe(
    "How far the daemon may go: observe never opens the database with SQLite; checkpoint adds checkpoints and checks; enforce also sets the journal mode.",
  ),
  whenMissing: choice(whenMissingChoices).describe(
    "A database file that is not there is waited for, created, or passed over. NODE_ENV=development makes create the default; with glob it is always pass.",
  ),
  required: onOff.describe("Whether the database counts for readiness."),
  trustFileSystem: onOff.describe(
    "Accept a file system that is not known to be safe for the locks of SQLite.",
  ),
  journalMode: choice(journalModes).describe(
    "Stored in the file; anything but WAL is applied and reported as not crash-safe.",
  ),
  synchronous: choice(synchronousLevels).describe(
    "Of the daemon's own connections; the application has to set its own.",
  ),
  busyTimeout: duration({ minMs: 0 }).describe(
    "Of the daemon's own connections. Set, it also declares that the application waits this long on a lock: the daemon may then take the write lock beside it.",
  ),
  foreignKeys: onOff.describe("Of the daemon's own connections; the application has to set its own."),
  exposureMax: duration({ minMs: 0, off: true }).describe(
    "Bound on how long a commit may stay unsynced: past it the daemon syncs the WAL for the application.",
  ),
  checkpoint: checkpointSchema.describe("How the WAL is kept short."),
  integrity: integritySchema.describe("How the file is proven intact."),
};

const settingsSchema = z.strictObject(settingsShape, mapping).partial();

const databaseSchema = z
  .strictObject(
    {
      name: name.describe(
        "Label of metrics and logs. Default: the file name without its extension; with glob, a prefix of the names.",
      ),
      path: databasePath.describe("The database file; relative paths start at the folder of this file."),
      glob: path.describe(
        "A pattern instead of a path: every file that matches is watched. *, ?, [], {} and **.",
      ),
      ...settingsShape,
    },
    mapping,
  )
  .partial();

export const fileSchema = z
  .strictObject(
    {
      listen: listenAddress.describe("TCP address for metrics, health and API."),
      socket: socket.describe("Path of the Unix socket for commands, or false for none."),
      tokenFile: path.describe("File with the bearer token that allows acting over TCP."),
      allowedHosts: z
        .array(host, { error: "a list of host names" })
        .describe("Host names that page and API answer to, beside loopback and the listening address."),
      stateDirectory: path.describe("Where the daemon keeps what it must remember, and its socket."),
      observeInterval: duration({ minMs: 10 }).describe("How often every database is looked at."),
      globInterval: duration({ minMs: 100 }).describe("How often the patterns are expanded anew."),
      shutdownTimeout: duration().describe("How long a graceful end may take."),
      workers: z
        .strictObject(
          {
            short: count(1, 64).describe(
              "Processes for short work: checkpoints. Two more come in while it has to wait.",
            ),
            long: count(1, 64).describe(
              "Processes for long work: the parts of integrity checks. Scheduled checks, which give way, have as many of their own.",
            ),
          },
          mapping,
        )
        .partial()
        .describe("How many sql workers may run at once."),
      defaults: settingsSchema.describe("Settings of every database that does not say otherwise."),
      databases: z
        .array(databaseSchema, { error: "a list of databases, each with path or glob" })
        .min(1, {
          error: "a list with at least one database; leave the key out to watch the one of the environment",
        })
        .describe("The databases to watch."),
    },
    mapping,
  )
  .partial();

export type FileValues = z.output<typeof fileSchema>;
export type FileSettings = z.output<typeof settingsSchema>;
export type FileDatabase = z.output<typeof databaseSchema>;
