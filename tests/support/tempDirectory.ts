/**
 * Temporary directories that are gone afterwards: at the end of the `using` block, and at the end of the
 * process. `bun test` emits no exit event, and a killed process cannot clean up: so the name holds the
 * owner's pid, and the next process that makes one removes those whose owner is gone.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ownedName = /^walwarden-test-(\d+)-/;
const living = new Set<string>();
let prepared = false;

function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  living.delete(path);
}

function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = ownedName.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeDirectory(join(tmpdir(), name));
  }
}

function prepareOnce(): void {
  if (prepared) return;
  prepared = true;
  removeAbandoned();
  process.on("exit", () => {
    for (const path of living) removeDirectory(path);
  });
}

export interface TempDirectory extends Disposable {
  readonly path: string;
  file(name: string): string;
  remove(): void;
}

/** `parent` is for tests that need a certain file system; the default is the system's. */
export function makeTempDirectory(parent = tmpdir()): TempDirectory {
  prepareOnce();
  const path = mkdtempSync(join(parent, `walwarden-test-${process.pid}-`));
  living.add(path);
  const remove = () => removeDirectory(path);
  return { path, file: (name) => join(path, name), remove, [Symbol.dispose]: remove };
}
