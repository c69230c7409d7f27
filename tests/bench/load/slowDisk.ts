/** A disk whose syncs take longer, for all processes of a cell; the library is compiled once for each delay. */
import { slowFsyncEnvironment } from "../../support/slowFsync.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";

/** @returns why it cannot be had, or null. */
export function whyNoSlowDisk(): string | null {
  return Bun.which("gcc") === null ? "gcc is not there to compile the library that delays fsync" : null;
}

export class SlowDisk implements Disposable {
  readonly #compiled = new Map<number, readonly [TempDirectory, Readonly<Record<string, string>>]>();

  environment(delayMs: number): Readonly<Record<string, string>> {
    if (delayMs === 0) return {};
    const known = this.#compiled.get(delayMs);
    if (known !== undefined) return known[1];
    const directory = makeTempDirectory();
    const environment = slowFsyncEnvironment(directory, delayMs);
    this.#compiled.set(delayMs, [directory, environment]);
    return environment;
  }

  [Symbol.dispose](): void {
    for (const [directory] of this.#compiled.values()) directory.remove();
  }
}
