/** A database as a crash leaves it, with a WAL that is broken in its midst and whole behind the break. */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";

/** The writer was killed with so many rows in the WAL; no WAL-index is left, as after a power cut, unless asked for. */
export async function leaveDamagedWal(
  path: string,
  { rowCount = 60, firstRow = 1, keepShm = false } = {},
): Promise<void> {
  await using writer = await startBunWriter({ path, rowCount, firstRow, autocheckpoint: 0 });
  await writer.waitForRows(rowCount);
  await writer.kill();
  if (!keepShm) rmSync(`${path}-shm`, { force: true });
  damageFrame(`${path}-wal`, 10);
}

/** Changes a byte of the page in that frame, in place. */
export function damageFrame(walPath: string, frame: number): void {
  const descriptor = openSync(walPath, "r+");
  const offset = 32 + (frame - 1) * (24 + 4096) + 24 + 3_000;
  const byte = new Uint8Array(1);
  readSync(descriptor, byte, 0, 1, offset);
  writeSync(descriptor, Uint8Array.of((byte[0] ?? 0) ^ 0x5a), 0, 1, offset);
  closeSync(descriptor);
}
