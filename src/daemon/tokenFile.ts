/** The bearer token for acting over TCP, read once at the start. Its value is never logged or shown. */
import { readFileSync } from "node:fs";

export type Token =
  | { readonly ok: true; readonly value: string | null }
  | { readonly ok: false; readonly message: string };

/** @param path null: nobody may act over TCP. */
export function readToken(path: string | null): Token {
  if (path === null) return { ok: true, value: null };
  try {
    const value = readFileSync(path, "utf8").trim();
    return value === "" ? { ok: false, message: `token file ${path} is empty` } : { ok: true, value };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ok: false, message: `cannot read the token file: ${error.message}` };
  }
}
