/** The databases of a fleet: copies of one that an application has written and closed. */
import { copyFileSync } from "node:fs";
import type { TempDirectory } from "../support/tempDirectory.ts";
import { startBunWriter } from "../support/writers/startBunWriter.ts";

/** @returns the paths of `tenant-0.db` and so on, in this directory. */
export async function makeFleetDatabases(
  directory: TempDirectory,
  count: number,
): Promise<readonly string[]> {
  const source = directory.file("source");
  await using writer = await startBunWriter({ path: source, rowCount: 100 });
  await writer.waitForRows(100);
  await writer.stop();
  const paths = Array.from({ length: count }, (_, at) => directory.file(`tenant-${at}.db`));
  for (const path of paths) copyFileSync(source, path);
  return paths;
}
