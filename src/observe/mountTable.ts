/**
 * The mounts as they were at one reading, asked about many paths: the answer for a directory is kept. A single
 * file can be a mount point of its own (a bind mount into a container).
 */
import { dirname } from "node:path";
import type { MountLook } from "../domain/observation.ts";
import { type Mount, mountOf } from "../format/mountInfo.ts";

export type MountTable = (path: string) => MountLook;

/** `mounts` null: mountinfo could not be read. */
export function createMountTable(mounts: readonly Mount[] | null): MountTable {
  if (mounts === null) return () => ({ kind: "unobservable", reason: "/proc/self/mountinfo cannot be read" });
  const mountPoints = new Set(mounts.map((mount) => mount.mountPoint));
  const byDirectory = new Map<string, MountLook>();
  return (path) => {
    if (mountPoints.has(path)) return lookOf(mountOf(mounts, path));
    const directory = dirname(path);
    const known = byDirectory.get(directory);
    if (known !== undefined) return known;
    const look = lookOf(mountOf(mounts, directory));
    byDirectory.set(directory, look);
    return look;
  };
}

function lookOf(mount: Mount | null): MountLook {
  if (mount === null)
    return { kind: "unobservable", reason: "no mount of /proc/self/mountinfo has this path" };
  const { fileSystemType, mountPoint, device, mountOptions, superOptions } = mount;
  const readOnly = mountOptions.includes("ro") || superOptions.includes("ro");
  return { kind: "seen", fileSystemType, mountPoint, device, readOnly };
}
