/** Salts as they stand in an open WAL: whose life it is, and whose a frame is. "salt1 salt2"; empty: none can be read. */
import { parseWalFrameHeader } from "../format/walFrame.ts";
import { parseWalHeader, saltsOf, walFrameHeaderBytes, walHeaderBytes } from "../format/walHeader.ts";
import type { Os } from "../host/os.ts";

export function saltsOfWal(os: Os, wal: number): string {
  const bytes = new Uint8Array(walHeaderBytes);
  const parsed = parseWalHeader(bytes.subarray(0, os.read(wal, bytes, 0)));
  return parsed.kind === "header" ? saltsOf(parsed.header) : "";
}

export function saltsOfFrame(os: Os, wal: number, offsetBytes: number): string {
  const bytes = new Uint8Array(walFrameHeaderBytes);
  const parsed = parseWalFrameHeader(bytes.subarray(0, os.read(wal, bytes, offsetBytes)));
  return parsed.kind === "frame" ? saltsOf(parsed.frame) : "";
}
