/** Guards on the files themselves: kind, links, access, mount. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { FileLook, Observation } from "../domain/observation.ts";
import { judgeFileSystem } from "./fileSystems.ts";
import type { GuardContext, GuardFinding } from "./guardFinding.ts";

const kindWords = {
  directory: "a directory",
  fifo: "a FIFO",
  socket: "a socket",
  device: "a device",
  symbolicLink: "a symbolic link",
} as const;

export function fileGuards(observation: Observation, context: GuardContext): readonly GuardFinding[] {
  const path = observation.resolvedPath ?? context.config.path;
  return [
    ...databaseKind(observation.database, path),
    ...sidecarKind(observation, path),
    ...links(observation.database, path, context.duplicateOf),
    ...mount(observation, path, context.config),
    ...access(observation, path),
  ];
}

function refuse(guard: GuardFinding["guard"], reason: string): readonly GuardFinding[] {
  return [{ guard, verdict: "refuse", reason }];
}

/** The daemon's own trouble, or a file that was just exchanged: nothing is proven about the database. */
const passingCodes = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EINTR", "ESTALE"]);

function unreadable(
  guard: GuardFinding["guard"],
  look: Extract<FileLook, { readonly kind: "unreadable" }>,
  path: string,
): readonly GuardFinding[] {
  const denied = look.code === "EACCES" || look.code === "EPERM";
  const advice = denied
    ? "the daemon has no right to; run it as the user that owns the database"
    : "what is in it cannot be seen; look at the disk and the mount";
  const verdict = passingCodes.has(look.code) ? "wait" : "refuse";
  return [{ guard, verdict, reason: `${look.operation} ${path}: ${look.code}: ${advice}` }];
}

function databaseKind(database: FileLook, path: string): readonly GuardFinding[] {
  if (database.kind === "other") {
    // Links are followed: this one could not be.
    const nowhere = database.what === "symbolicLink" ? " that leads nowhere" : "";
    return refuse(
      "file_kind",
      `${path} is ${kindWords[database.what]}${nowhere}, not a regular file: correct the path in the configuration, or what lies there`,
    );
  }
  if (database.kind === "unreadable") {
    return unreadable("file_access", database, path);
  }
  return [];
}

function sidecarKind(observation: Observation, path: string): readonly GuardFinding[] {
  const sidecars = [
    [`${path}-wal`, observation.wal],
    [`${path}-shm`, observation.shm],
    [`${path}-journal`, observation.journal],
  ] as const;
  return sidecars.flatMap(([sidecarPath, look]) => {
    if (look.kind === "other") {
      return refuse(
        "sidecar_kind",
        `${sidecarPath} is ${kindWords[look.what]}, not a regular file: SQLite would read and write elsewhere, or nothing at all; find out who made it, and move it away while the application is stopped`,
      );
    }
    if (look.kind === "unreadable") {
      return unreadable("sidecar_kind", look, sidecarPath);
    }
    return [];
  });
}

function links(database: FileLook, path: string, duplicateOf: string | null): readonly GuardFinding[] {
  if (database.kind !== "regular") return [];
  const findings: GuardFinding[] = [];
  if (database.linkCount > 1) {
    findings.push({
      guard: "hard_link",
      verdict: "refuse",
      reason: `${path} has ${database.linkCount} hard links: two names mean two WALs, and whoever opens another one corrupts it; remove the others (find -samefile ${path} names them)`,
    });
  }
  if (duplicateOf !== null) {
    findings.push({
      guard: "second_path",
      verdict: "refuse",
      reason: `${path} is the same file as database "${duplicateOf}": watch it once`,
    });
  }
  return findings;
}

/** Of the file, or of the place where it is to be created. */
function mount(observation: Observation, path: string, config: DatabaseConfig): readonly GuardFinding[] {
  const { mount, database } = observation;
  const { trustFileSystem, whenMissing } = config;
  const toBeCreated = database.kind === "absent" && whenMissing === "create";
  if (database.kind !== "regular" && !toBeCreated) return [];
  if (mount.kind === "unobservable") {
    if (trustFileSystem) return [];
    return refuse(
      "file_system",
      `the file system of ${path} cannot be told (${mount.reason}); set trustFileSystem when you know it`,
    );
  }
  const findings: GuardFinding[] = [];
  const verdict = judgeFileSystem(mount.fileSystemType);
  if (verdict !== "trusted" && !trustFileSystem) {
    const why =
      verdict === "network" ? "locks of a network file system lose data" : "it is not known to keep locks";
    findings.push({
      guard: "file_system",
      verdict: "refuse",
      reason: `${path} is on ${mount.fileSystemType}: ${why}; set trustFileSystem when you know better`,
    });
  }
  if (mount.readOnly) {
    findings.push({
      guard: "read_only",
      verdict: "refuse",
      reason: `${mount.mountPoint} is mounted read-only (EROFS): ${path} cannot be checkpointed; remount it`,
    });
  }
  return findings;
}

function access(observation: Observation, path: string): readonly GuardFinding[] {
  const { access, database } = observation;
  if (access === null || database.kind !== "regular") return [];
  const missing = [
    [access.databaseReadable, `read ${path}`],
    [access.databaseWritable, `write ${path}`],
    [observation.wal.kind !== "regular" || access.walWritable, `write ${path}-wal`],
    [observation.shm.kind !== "regular" || access.shmWritable, `write ${path}-shm`],
    [access.directoryWritable, `create files beside ${path}`],
  ] as const;
  const findings = missing
    .filter(([allowed]) => !allowed)
    .flatMap(([, what]) =>
      refuse("file_access", `cannot ${what}: EACCES; run the daemon as the user that owns the database`),
    );
  // SQLite gives a -wal or -shm that it makes the mode of the database, and only root gives it the owner.
  const foreign = access.effectiveUid !== 0 && access.effectiveUid !== database.uid;
  if (foreign && findings.length === 0) {
    return refuse(
      "owner",
      `${path} belongs to user ${database.uid} and the daemon runs as user ${access.effectiveUid}: ` +
        "a -wal or -shm that it makes could lock the application out; run the daemon as the database's user",
    );
  }
  return findings;
}
