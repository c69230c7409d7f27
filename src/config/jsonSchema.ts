/** The JSON Schema of the configuration file (draft 2020-12), for editors. Generated, never written by hand. */
import { z } from "zod";
import { fileSchema } from "./fileSchema.ts";

/** As it is committed: two blanks of indentation and a newline at the end. */
export function configJsonSchemaText(): string {
  const schema = z.toJSONSchema(fileSchema, { io: "input", reused: "inline" });
  return `${JSON.stringify({ title: "Walwarden configuration", ...schema }, null, 2)}\n`;
}
