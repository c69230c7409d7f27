/** Every entry below a directory with a hash of its bytes: what must be the same before and after. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";

export function fileBytes(directory: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = (path: string) => {
    for (const name of readdirSync(path).sort()) {
      const entry = join(path, name);
      const look = lstatSync(entry);
      const key = relative(directory, entry);
      if (look.isDirectory()) {
        found[key] = "directory";
        walk(entry);
      } else if (look.isFile()) {
        found[key] = `${look.size} ${createHash("sha256").update(readFileSync(entry)).digest("hex")}`;
      } else found[key] = look.isSymbolicLink() ? `link to ${readlinkSync(entry)}` : "special";
    }
  };
  walk(directory);
  return found;
}
