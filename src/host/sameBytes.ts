/** Whether two files hold the same bytes, read in slices so that the event loop has its turns. */
import { breather } from "./breather.ts";
import type { Clock } from "./clock.ts";
import { errnoOf } from "./errno.ts";
import { openSeen } from "./openSeen.ts";
import type { Os } from "./os.ts";
import { readFully } from "./rawRead.ts";

const pieceBytes = 256 * 1024;

/**
 * @param one as it was seen; `identity` is "device:inode".
 * @returns false also where one of them cannot be read.
 */
export async function sameBytes(
  { os, clock }: { readonly os: Os; readonly clock: Clock },
  one: { readonly path: string; readonly identity: string },
  otherPath: string,
): Promise<boolean> {
  const descriptors: number[] = [];
  try {
    const first = openSeen(os, one.path, one.identity);
    if (first.kind !== "open") return false;
    descriptors.push(first.descriptor);
    const second = os.open(otherPath);
    descriptors.push(second);
    const stats = os.fstat(second);
    if (stats.kind !== "regular" || stats.sizeBytes !== first.sizeBytes) return false;
    const pieces = [new Uint8Array(pieceBytes), new Uint8Array(pieceBytes)] as const;
    const breathe = breather(clock);
    for (let atByte = 0; atByte < first.sizeBytes; atByte += pieceBytes) {
      const left = readFully(os, first.descriptor, pieces[0], atByte);
      if (Buffer.compare(left, readFully(os, second, pieces[1], atByte)) !== 0) return false;
      const pause = breathe();
      if (pause !== null) await pause;
    }
    return true;
  } catch (error) {
    errnoOf(error);
    return false;
  } finally {
    for (const descriptor of descriptors) os.close(descriptor);
  }
}
