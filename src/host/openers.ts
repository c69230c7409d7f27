/**
 * Which processes have a database open, from /proc/PID/fd: also those that take no locks (unix-none), which
 * /proc/locks cannot show. Files are compared by device and inode, because a path in /proc/PID/fd may be of
 * another mount namespace or no longer lead there.
 *
 * The scan goes over all processes, so it is done for many databases at once, in slices that let the event
 * loop breathe.
 */
import type { Opener, OpenerLook } from "../domain/observation.ts";
import { breather } from "./breather.ts";
import type { Clock } from "./clock.ts";
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";
import { descriptorIdentity, descriptorIsWritable, listDescriptors } from "./processDescriptors.ts";
import { createProcessMemory } from "./processLook.ts";

/** "device:inode" of each; null: there is none. */
export interface OpenableFiles {
  readonly database: string | null;
  readonly wal: string | null;
  readonly journal: string | null;
}

export interface OpenersHost {
  readonly os: Os;
  readonly clock: Clock;
}

type FileRole = keyof OpenableFiles;
type Targets = ReadonlyMap<string, readonly { readonly database: OpenableFiles; readonly role: FileRole }[]>;

interface Sighting {
  readonly roles: Set<FileRole>;
  writable: boolean;
}

const fileRoles = ["database", "wal", "journal"] as const;

/**
 * Other processes than those of `ownPids` that have one of the files open. The keys of the result are the elements
 * of `databases`. A worker that starts during the scan is asked about again before it is told of.
 */
export async function scanOpeners(
  host: OpenersHost,
  databases: readonly OpenableFiles[],
  ownPids: () => ReadonlySet<number>,
): Promise<ReadonlyMap<OpenableFiles, OpenerLook>> {
  const { os } = host;
  let entries: readonly string[];
  try {
    entries = os.readProcDirectory("/proc");
  } catch (error) {
    const reason = `/proc cannot be listed: ${errnoOf(error)}`;
    return new Map(databases.map((database) => [database, { kind: "unobservable", reason }]));
  }
  const targets = targetsOf(databases);
  const openersOf = new Map<OpenableFiles, Opener[]>(databases.map((database) => [database, []]));
  const breathe = breather(host.clock);
  const lookAtProcess = createProcessMemory(os);
  let hiddenProcessCount = 0;
  for (const entry of entries) {
    const pid = /^\d+$/.test(entry) ? Number(entry) : null;
    if (pid === null || ownPids().has(pid)) continue;
    const descriptors = listDescriptors(os, pid);
    if (descriptors === "gone") continue;
    if (descriptors === "hidden") {
      hiddenProcessCount += 1;
      continue;
    }
    const sightings = await sightingsIn(os, pid, descriptors, targets, breathe);
    if (sightings.size === 0 || ownPids().has(pid)) continue;
    const holder = lookAtProcess(pid);
    for (const [database, { roles, writable }] of sightings)
      openersOf
        .get(database)
        ?.push({ ...holder, files: fileRoles.filter((role) => roles.has(role)), writable });
  }
  return new Map(
    databases.map((database) => [
      database,
      { kind: "seen", openers: openersOf.get(database) ?? [], hiddenProcessCount },
    ]),
  );
}

async function sightingsIn(
  os: Os,
  pid: number,
  descriptors: readonly string[],
  targets: Targets,
  breathe: () => Promise<void> | null,
): Promise<ReadonlyMap<OpenableFiles, Sighting>> {
  const sightings = new Map<OpenableFiles, Sighting>();
  for (const descriptor of descriptors) {
    for (const { database, role } of targets.get(descriptorIdentity(os, pid, descriptor) ?? "") ?? []) {
      const sighting = sightings.get(database) ?? { roles: new Set(), writable: false };
      sighting.roles.add(role);
      sighting.writable ||= descriptorIsWritable(os, pid, descriptor);
      sightings.set(database, sighting);
    }
    const pause = breathe();
    if (pause !== null) await pause;
  }
  return sightings;
}

function targetsOf(databases: readonly OpenableFiles[]): Targets {
  const targets = new Map<string, { database: OpenableFiles; role: FileRole }[]>();
  for (const database of databases) {
    for (const role of fileRoles) {
      const identity = database[role];
      if (identity === null) continue;
      const known = targets.get(identity);
      if (known === undefined) targets.set(identity, [{ database, role }]);
      else known.push({ database, role });
    }
  }
  return targets;
}
