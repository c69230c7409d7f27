/**
 * The command line: argv to exit status. Each command loads its own modules when it runs, so that asking a
 * daemon for its status does not load a web server. Never ends the process; commander is kept from it too.
 */
import { Command, CommanderError } from "commander";
import { exitCodes, exitStatuses } from "../domain/exitCodes.ts";
import type { Io } from "./io.ts";

const description =
  "An independent witness for SQLite durability: keeps databases crash-safe, their WAL short, and says what it cannot see.";

const afterHelp = `
Exit status:
${exitStatuses.map(({ code, meaning }) => `  ${String(code).padStart(2)} ${meaning}`).join("\n")}`;

interface DaemonFlags {
  readonly config?: string;
  readonly listen?: string;
}

interface ClientFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly url?: string;
  readonly json?: true;
}

interface InspectFlags {
  readonly stateDirectory?: string;
  readonly watch?: string;
  readonly json?: true;
}

/** `argv` without the executable and the script. */
export async function runCommand(argv: readonly string[], version: string, io: Io): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(version, io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    io.stderr(
      `walwarden: internal error\n${error instanceof Error ? (error.stack ?? error.message) : error}\n`,
    );
    return exitCodes.internal;
  }
}

function createProgram(version: string, io: Io, done: (exitCode: number) => void): Command {
  const program = new Command("walwarden")
    .description(description)
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print help")
    .addHelpText("after", afterHelp)
    .showHelpAfterError("(walwarden --help lists commands and options)")
    .exitOverride()
    .configureOutput({ writeOut: io.stdout, writeErr: io.stderr });
  addDaemonCommands(program, io, done);
  addInspectCommand(program, io, done);
  addClientCommands(program, io, done);
  return program;
}

function addDaemonCommands(program: Command, io: Io, done: (exitCode: number) => void): void {
  program
    .command("run")
    .description("run the daemon in the foreground")
    .option("--config <file>", "YAML configuration file")
    .option("--listen <address:port>", "TCP address to serve on")
    .action(async (flags: DaemonFlags) => {
      const { runDaemon } = await import("./run.ts");
      done(await runDaemon(flags, io));
    });
  program
    .command("check-config")
    .description("print the effective configuration and where each value came from")
    .option("--config <file>", "YAML configuration file")
    .option("--listen <address:port>", "TCP address to serve on")
    .option("--json", "print JSON")
    .action(async (flags: DaemonFlags & { readonly json?: true }) => {
      const { runCheckConfig } = await import("./checkConfig.ts");
      done(await runCheckConfig({ ...flags, json: flags.json === true }, io));
    });
}

function addInspectCommand(program: Command, io: Io, done: (exitCode: number) => void): void {
  program
    .command("inspect")
    .description("tell all that can be seen of a database from outside, without SQLite; needs no daemon")
    .argument("<path>", "a database, its -wal, or a -wal alone")
    .option("--watch <duration>", "look again and again for so long, to see who holds the WAL back")
    .option("--state-directory <directory>", "state directory of a daemon, to compare with its ledger")
    .option("--json", "print JSON")
    .action(async (path: string, flags: InspectFlags) => {
      const { runInspect } = await import("./inspect.ts");
      const { stateDirectory = null, watch = null, json } = flags;
      done(await runInspect(path, { json: json === true, stateDirectory, watch }, io));
    });
}

function addClientCommands(program: Command, io: Io, done: (exitCode: number) => void): void {
  addClientCommand(program, "status")
    .description("show what the running daemon knows; exit status 1 when not ready")
    .argument("[name]", "one database instead of all")
    .action(async (name: string | undefined, flags: ClientFlags) => {
      const { runStatus } = await import("./status.ts");
      done(await runStatus(name ?? null, clientOptions(flags), io));
    });
  addClientCommand(program, "checkpoint")
    .description("checkpoint a database now")
    .argument("<name>", "name of the database, as status shows it")
    .action(async (name: string, flags: ClientFlags) => {
      const { runCheckpoint } = await import("./checkpoint.ts");
      done(await runCheckpoint(name, clientOptions(flags), io));
    });
  addClientCommand(program, "announce-restore")
    .description("say that a database is about to be restored: no change within an hour is then a loss")
    .argument("<name>", "name of the database, as status shows it")
    .action(async (name: string, flags: ClientFlags) => {
      const { runAnnounceRestore } = await import("./announceRestore.ts");
      done(await runAnnounceRestore(name, clientOptions(flags), io));
    });
  addClientCommand(program, "integrity-check")
    .description("check a database now: quick_check, or integrity_check with --full")
    .argument("<name>", "name of the database, as status shows it")
    .option("--full", "integrity_check and foreign_key_check")
    .action(async (name: string, flags: ClientFlags & { readonly full?: true }) => {
      const { runIntegrityCheck } = await import("./integrityCheck.ts");
      done(await runIntegrityCheck(name, flags.full === true, clientOptions(flags), io));
    });
}

function addClientCommand(program: Command, name: string): Command {
  return program
    .command(name)
    .option("--config <file>", "YAML configuration file, to find the daemon by")
    .option("--socket <path>", "Unix socket of the daemon")
    .option("--url <url>", "HTTP address of the daemon")
    .option("--json", "print JSON");
}

function clientOptions(flags: ClientFlags) {
  return {
    config: flags.config ?? null,
    socket: flags.socket ?? null,
    url: flags.url ?? null,
    json: flags.json === true,
  };
}
