/**
 * Power cuts on real file systems, without a machine to unplug. An ext4, XFS or Btrfs image lies as a file on an
 * XFS with reflinks, loop-mounted, and applications write to it. The cut is a reflink copy of the image: all that
 * the file system had given to its device at one moment, and nothing of the page cache. The processes are then
 * killed and the copy is mounted in the image's place, as the machine would find its disk when power comes back.
 *
 * The device it stands for keeps every write that it took and has no cache of its own that could be lost: a real
 * one can only lose more. Power comes back under the same path and, where nobody took it meanwhile, on the same device.
 *
 * The outer XFS lies in a tmpfs of its own, so no cut waits for the disk of the machine that runs the test.
 * A killed test process leaves its mounts: the name holds its pid, and the next laboratory takes them away.
 *
 * Sources: ioctl_ficlone(2): the clone is atomic with regard to concurrent writes; losetup(8); mount(8).
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { waitFor } from "../../support/waitFor.ts";
import { runCommand, tryCommand } from "./systemCommand.ts";

export const cutFileSystems = ["ext4", "xfs", "btrfs"] as const;
export type CutFileSystem = (typeof cutFileSystems)[number];

/** The disk as it was at the moment of the cut. */
export interface PowerCut {
  readonly imagePath: string;
}

export interface Laboratory extends AsyncDisposable {
  readonly fileSystem: CutFileSystem;
  /** Where the file system that is cut is mounted. */
  readonly mountPath: string;
  file(name: string): string;
  /** Everything so far is on disk, as after a quiet minute: what a cut takes is what came later. */
  settle(): Promise<void>;
  /** Power fails now. Processes go on, but nothing they do reaches the copy. */
  cut(): Promise<PowerCut>;
  /** Power comes back. Whoever used the file system must have been killed before. */
  powerOn(cut: PowerCut): Promise<void>;
}

const outerSizeBytes = 2 * 2 ** 30;
/** mkfs.xfs refuses less than 300 MiB. */
const innerSizeBytes = 512 * 2 ** 20;

const makeFileSystem: Readonly<Record<CutFileSystem, readonly string[]>> = {
  ext4: ["mkfs.ext4", "-q", "-F"],
  xfs: ["mkfs.xfs", "-q", "-f"],
  btrfs: ["mkfs.btrfs", "-q", "-f"],
};

const ownedName = /^walwarden-laboratory-(\d+)-/;

export async function openLaboratory(fileSystem: CutFileSystem): Promise<Laboratory> {
  await removeAbandoned();
  const rootPath = mkdtempSync(join(tmpdir(), `walwarden-laboratory-${process.pid}-`));
  try {
    return await buildLaboratory(rootPath, fileSystem);
  } catch (error) {
    await removeLaboratory(rootPath);
    throw error;
  }
}

async function buildLaboratory(rootPath: string, fileSystem: CutFileSystem): Promise<Laboratory> {
  await runCommand("mount", "-t", "tmpfs", "-o", `size=${outerSizeBytes}`, "laboratory", rootPath);
  const [outerPath, mountPath] = [join(rootPath, "outer"), join(rootPath, "inner")];
  const [outerImage, innerImage] = [join(rootPath, "outer.img"), join(outerPath, "inner.img")];
  mkdirSync(outerPath);
  mkdirSync(mountPath);
  await runCommand("truncate", "-s", String(outerSizeBytes), outerImage);
  await runCommand("mkfs.xfs", "-q", "-f", "-m", "reflink=1", outerImage);
  await runCommand("mount", "-o", "loop", outerImage, outerPath);
  await runCommand("truncate", "-s", String(innerSizeBytes), innerImage);
  await runCommand(...makeFileSystem[fileSystem], innerImage);
  let device = await attach(innerImage, null);
  await mountDevice(device, mountPath);
  let cutCount = 0;
  let runningImage = innerImage;
  return {
    fileSystem,
    mountPath,
    file: (name) => join(mountPath, name),
    settle: async () => {
      await runCommand("sync", "-f", mountPath);
    },
    cut: async () => {
      cutCount += 1;
      const imagePath = join(outerPath, `cut${cutCount}.img`);
      await runCommand("cp", "--reflink=always", runningImage, imagePath);
      return { imagePath };
    },
    powerOn: async ({ imagePath }) => {
      // The workers of a daemon that was killed die with it, but a moment later, and have files open until then.
      await waitFor(`${mountPath} to be left`, () => tryCommand("umount", mountPath), { deadlineMs: 10_000 });
      await untilDetached(device);
      rmSync(runningImage);
      runningImage = imagePath;
      device = await attach(imagePath, device);
      await mountDevice(device, mountPath);
    },
    [Symbol.asyncDispose]: () => removeLaboratory(rootPath),
  };
}

/** A loop device that goes away by itself when it is unmounted; the wished one when nobody has taken it meanwhile. */
async function attach(imagePath: string, wishedDevice: string | null): Promise<string> {
  if (wishedDevice !== null && (await tryCommand("losetup", wishedDevice, imagePath))) return wishedDevice;
  return await runCommand("losetup", "--find", "--show", imagePath);
}

async function mountDevice(device: string, mountPath: string): Promise<void> {
  try {
    await runCommand("mount", device, mountPath);
  } finally {
    // The mount keeps the device until it ends (LO_FLAGS_AUTOCLEAR).
    await runCommand("losetup", "-d", device);
  }
}

/** A mount namespace that somebody made meanwhile keeps a copy of the mount until it ends. */
async function untilDetached(device: string): Promise<void> {
  const backingPath = `/sys/block/${basename(device)}/loop/backing_file`;
  await waitFor(`${device} to be free`, () => !existsSync(backingPath), { deadlineMs: 30_000 });
}

async function removeLaboratory(rootPath: string): Promise<void> {
  const mounted = mountPoints().filter((path) => path === rootPath || path.startsWith(`${rootPath}/`));
  for (const path of mounted.reverse()) {
    if (!(await tryCommand("umount", path))) await tryCommand("umount", "--lazy", path);
  }
  // Another process may have taken an abandoned one away at the same time.
  if (existsSync(rootPath)) rmdirSync(rootPath);
}

/** In the order in which they were mounted. */
function mountPoints(): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.flatMap((line) => line.split(" ")[4] ?? []);
}

async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = ownedName.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await removeLaboratory(join(tmpdir(), name));
  }
}
