/**
 * Locks that /proc/locks does not list, because their holders are in another PID namespace (a container of its own):
 * fcntl(F_GETLK) tells that they are held, not by whom. Asked only where the list is not complete.
 *
 * The files are opened for reading and closed again, which drops every lock of the asking process on them
 * (sqlite.org/howtocorrupt.html, section 2.2): only for processes that never use SQLite. Bytes as in lockLook.ts.
 */
import type { FileLook, HiddenLocks, LockLook } from "../domain/observation.ts";
import { type LockProbe, probeLock } from "../host/lockProbe.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";

const pendingByte = 0x40000000;
const sharedFirstByte = pendingByte + 2;
const sharedBytes = 510;
const shmFirstByte = 120;
const shmWorkBytes = 8;
const shmConnectedByte = 128;
const shmReadFirstByte = 123;
const readMarks = [0, 1, 2, 3, 4] as const;

const nothingHeld: Omit<HiddenLocks, "exclusive" | "databaseLocked"> = {
  connected: false,
  writer: false,
  checkpointer: false,
  recovering: false,
  readerMarks: [],
  readersCovered: false,
};

export interface ProbedFile {
  readonly path: string;
  readonly look: FileLook;
}

/** The same locks, with what the kernel says of those that are not listed; `hidden` null when it does not say. */
export function withHiddenLocks(
  os: Os,
  locks: LockLook,
  ownPids: ReadonlySet<number>,
  database: ProbedFile,
  shm: ProbedFile,
): LockLook {
  if (locks.kind !== "seen" || locks.viewIsComplete) return locks;
  const onDatabase = probing(os, database, databaseLocks);
  const onShm = probing(os, shm, (probe) => shmLocks(probe, ownPids));
  if (onDatabase === null || onShm === null) return locks;
  const hidden: HiddenLocks = { ...(onShm ?? nothingHeld), ...(onDatabase ?? nobodyOnDatabase) };
  const connectedWithOwnCount = locks.connectedWithOwnCount + (hidden.connected ? 1 : 0);
  return { ...locks, hidden, connectedWithOwnCount };
}

const nobodyOnDatabase = { exclusive: false, databaseLocked: false };

type Probe = (firstByte: number, lengthBytes: number) => LockProbe;

/** Undefined: the file is not there. Null: it could not be asked about. */
function probing<Answer>(
  os: Os,
  { path, look }: ProbedFile,
  ask: (probe: Probe) => Answer,
): Answer | null | undefined {
  if (look.kind === "absent") return undefined;
  if (look.kind !== "regular") return null;
  const opened = openSeen(os, path, look.identity);
  if (opened.kind !== "open") return null;
  let failed = false;
  try {
    const answer = ask((firstByte, lengthBytes) => {
      const probe = probeLock(opened.descriptor, firstByte, lengthBytes);
      failed ||= probe.kind === "failed";
      return probe;
    });
    return failed ? null : answer;
  } finally {
    os.close(opened.descriptor);
  }
}

function databaseLocks(probe: Probe): typeof nobodyOnDatabase {
  const any = probe(pendingByte, 2 + sharedBytes);
  if (any.kind !== "held") return nobodyOnDatabase;
  const shared = probe(sharedFirstByte, sharedBytes);
  return {
    exclusive: isHidden(shared) && shared.access === "WRITE",
    databaseLocked: isHidden(any) || isHidden(shared),
  };
}

function shmLocks(probe: Probe, ownPids: ReadonlySet<number>): typeof nothingHeld {
  const connected = isHidden(probe(shmConnectedByte, 1));
  // Mostly nobody is at work, and one question tells.
  if (probe(shmFirstByte, shmWorkBytes).kind !== "held") return { ...nothingHeld, connected };
  const heldForWriting = (byte: number): boolean => {
    const held = probe(byte, 1);
    return isHidden(held) && held.access === "WRITE";
  };
  const marks = readMarks.map((mark) => ({ mark, held: probe(shmReadFirstByte + mark, 1) }));
  return {
    writer: heldForWriting(shmFirstByte),
    checkpointer: heldForWriting(shmFirstByte + 1),
    recovering: heldForWriting(shmFirstByte + 2),
    connected,
    // Held for writing a mark is being set, not read from.
    readerMarks: marks.filter(({ held }) => isHidden(held) && held.access === "READ").map(({ mark }) => mark),
    readersCovered: marks.some(
      ({ held }) => held.kind === "held" && held.pid !== null && ownPids.has(held.pid),
    ),
  };
}

function isHidden(probe: LockProbe): probe is Extract<LockProbe, { readonly kind: "held" }> {
  return probe.kind === "held" && probe.pid === null;
}
