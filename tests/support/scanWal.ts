/** A WAL that is in memory, fed to the scanner of src/format in one piece. */
import { createWalScanner, type WalScan, type WalScanOptions } from "../../src/format/walScan.ts";

export function scanWal(bytes: Uint8Array, options: WalScanOptions = {}): WalScan {
  const scanner = createWalScanner(options);
  scanner.feed(bytes);
  return scanner.result();
}
