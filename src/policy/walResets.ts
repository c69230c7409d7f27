/**
 * How often a WAL has started over between two looks. Each reset adds one to the checkpoint sequence and to
 * salt-1 (walformat.html, "WAL File Format"), so resets that nobody looked at are counted too. A WAL that was
 * deleted and made anew starts with random salts: that is at least one, and no more is claimed.
 */
import type { WalHeader } from "../format/walHeader.ts";

export function walResetCount(before: WalHeader, after: WalHeader): number {
  if (before.salt1 === after.salt1 && before.salt2 === after.salt2) return 0;
  const steps = (after.checkpointSequence - before.checkpointSequence) >>> 0;
  const salt1Steps = (after.salt1 - before.salt1) >>> 0;
  return steps > 0 && steps === salt1Steps ? steps : 1;
}
