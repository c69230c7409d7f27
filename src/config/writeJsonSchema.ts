/** `npm run generate`: writes config/walwarden.schema.json anew. Run by hand after a change of the schema. */
import { writeFileSync } from "node:fs";
import { configJsonSchemaText } from "./jsonSchema.ts";

if (import.meta.main) {
  writeFileSync(new URL("../../config/walwarden.schema.json", import.meta.url), configJsonSchemaText());
}
