/**
 * The mounts as they were at one reading, asked about many paths: the answer for a directory is kept. A single
 * file can be a mount point of its own (a bind mount into a container).
 */
import { dirname } from "node:path";
import type { MountLook } from "../domain/observation.ts";
import { type Mount, mountOf, parseMountInfo } from "../format/mountInfo.ts";
import type { Clock } from "../host/clock.ts";
import { readMountText } from "../host/mounts.ts";
import type { Os } from "../host/os.ts";

export type MountTable = (path: string) => MountLook;

/** Mounts change rarely, and reading them was nearly half of what an idle daemon did (measured). */
const mountsKeptMs = 5_000;

/** The table of now, or of some seconds ago: the very same one for as long as no mount has changed. */
export function createMountMemory(os: Os, clock: Clock): () => MountTable {
  const unreadable = createMountTable(null);
  let table: MountTable | null = null;
  let tableText = "";
  let readAtMs = 0;
  return () => {
    const nowMs = clock.monotonicMs();
    if (table !== null && nowMs - readAtMs < mountsKeptMs) return table;
    const text = readMountText(os);
    if (text === null) {
      // What could not be read is tried again at the next sweep.
      table = null;
      return unreadable;
    }
    readAtMs = nowMs;
    if (table === null || text !== tableText) table = createMountTable(parseMountInfo(text));
    tableText = text;
    return table;
  };
}

/** `mounts` null: mountinfo could not be read. */
function createMountTable(mounts: readonly Mount[] | null): MountTable {
  if (mounts === null) return () => unreadable;
  const mountPoints = new Set(mounts.map((mount) => mount.mountPoint));
  const byDirectory = new Map<string, MountLook>();
  const looks = new Map<Mount, MountLook>();
  const lookOn = (mount: Mount | null): MountLook => {
    if (mount === null) return outside;
    const known = looks.get(mount) ?? lookOf(mount);
    looks.set(mount, known);
    return known;
  };
  return (path) => {
    if (mountPoints.has(path)) return lookOn(mountOf(mounts, path));
    const directory = dirname(path);
    const known = byDirectory.get(directory);
    if (known !== undefined) return known;
    const look = lookOn(mountOf(mounts, directory));
    byDirectory.set(directory, look);
    return look;
  };
}

const unreadable: MountLook = {
  kind: "unobservable",
  reason: "/proc/self/mountinfo cannot be read",
};

const outside: MountLook = {
  kind: "unobservable",
  reason: "no mount of /proc/self/mountinfo has this path",
};

function lookOf(mount: Mount): MountLook {
  const { fileSystemType, source, mountPoint, device, mountOptions, superOptions } = mount;
  const readOnly = mountOptions.includes("ro") || superOptions.includes("ro");
  const writeBarriers = !superOptions.includes("nobarrier") && !superOptions.includes("barrier=0");
  return { kind: "seen", fileSystemType, source, mountPoint, device, readOnly, writeBarriers };
}
