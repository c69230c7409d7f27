/** The version of this program, from package.json; bundled into the binary with it. */
import packageJson from "../../package.json" with { type: "json" };

export const version: string = packageJson.version;
