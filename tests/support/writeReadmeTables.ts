/** `npm run generate`: writes the generated parts of README.md. */
import { join } from "node:path";
import { withGeneratedParts } from "./readmeTables.ts";
import { checkoutPath } from "./sourceFiles.ts";

const readmePath = join(checkoutPath, "README.md");
await Bun.write(readmePath, withGeneratedParts(await Bun.file(readmePath).text()));
