/** The checkout's own files as text, for the tests that read code instead of running it. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export const checkoutPath = join(import.meta.dir, "../..");

/** File path from the top of the checkout, with forward slashes, to text. */
export type SourceFiles = ReadonlyMap<string, string>;

export function readSourceFiles(...folders: readonly string[]): SourceFiles {
  const files = new Map<string, string>();
  for (const folder of folders) {
    for (const name of new Bun.Glob(`${folder}/**/*.ts`).scanSync({ cwd: checkoutPath })) {
      files.set(name, readFileSync(join(checkoutPath, name), "utf8"));
    }
  }
  return new Map([...files].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Every text file that git tracks or would track. */
export function readTrackedFiles(): SourceFiles {
  // Also in a checkout that belongs to somebody else, as in many containers.
  const command = [
    "git",
    "-c",
    "safe.directory=*",
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
    "-z",
  ];
  const listed = Bun.spawnSync(command, { cwd: checkoutPath });
  if (listed.exitCode !== 0) throw new Error(`git ls-files: ${listed.stderr.toString()}`);
  const files = new Map<string, string>();
  for (const name of listed.stdout.toString().split("\0")) {
    const path = join(checkoutPath, name);
    if (name === "" || !statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    const bytes = readFileSync(path);
    if (!bytes.includes(0)) files.set(name, bytes.toString("utf8"));
  }
  return files;
}
