/**
 * The text of /proc/self/mountinfo: which file system a path is on, and how it is mounted.
 *
 * Source: proc_pid_mountinfo(5).
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *     (1)(2)(3)   (4)   (5)      (6)      (7)   (8) (9)   (10)         (11)
 *
 * (1) mount ID, (2) parent ID, (3) major:minor in decimal, (4) root within the file system, (5) mount point,
 * (6) options of the mount, (7) any number of optional fields, (8) a hyphen, (9) file system type, (10)
 * source, (11) options of the superblock. Space, tab, newline, backslash and # are octal escapes: \040.
 *
 * Invariant: a line that is not understood is left out, and nothing throws.
 */

export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** "major:minor" in decimal. */
  readonly device: string;
  readonly root: string;
  readonly mountPoint: string;
  readonly mountOptions: readonly string[];
  readonly fileSystemType: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

export function parseMountInfo(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const fields = line.split(" ");
    const hyphenIndex = fields.indexOf("-", 6);
    if (hyphenIndex === -1) continue;
    const [id = "", parentId = "", device = "", root = "", mountPoint = "", options = ""] = fields;
    const [fileSystemType = "", source = "", superOptions = ""] = fields.slice(hyphenIndex + 1);
    if (!/^\d+$/.test(id) || !/^\d+$/.test(parentId) || !/^\d+:\d+$/.test(device)) continue;
    mounts.push({
      id: Number(id),
      parentId: Number(parentId),
      device,
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      mountOptions: options.split(","),
      fileSystemType: unescapeOctal(fileSystemType),
      source: unescapeOctal(source),
      superOptions: superOptions.split(","),
    });
  }
  return mounts;
}

/**
 * The mount that an absolute path without symbolic links and dots is on: usually the one with the longest
 * mount point, the last mounted of those. Found by walking down as the kernel does, because a mount on
 * /data hides an older one on /data/old.
 */
export function mountOf(mounts: readonly Mount[], absolutePath: string): Mount | null {
  const candidates = mounts.filter((mount) => isWithin(absolutePath, mount.mountPoint));
  const candidateIds = new Set(candidates.map((mount) => mount.id));
  let current = nearest(
    candidates.filter((mount) => mount.parentId === mount.id || !candidateIds.has(mount.parentId)),
  );
  // Each step goes to another mount, and there are no more of them than candidates.
  for (let step = 0; step < candidates.length && current !== null; step += 1) {
    const parentId: number = current.id;
    const next = nearest(candidates.filter((mount) => mount.parentId === parentId && mount.id !== parentId));
    if (next === null) break;
    current = next;
  }
  return current;
}

/** The first that a walk from the root meets: the shortest mount point; the last mounted of equals. */
function nearest(mounts: readonly Mount[]): Mount | null {
  let found: Mount | null = null;
  for (const mount of mounts)
    if (found === null || mount.mountPoint.length <= found.mountPoint.length) found = mount;
  return found;
}

function isWithin(path: string, directory: string): boolean {
  if (directory === "/") return path.startsWith("/");
  return path === directory || path.startsWith(`${directory}/`);
}

function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_match, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
