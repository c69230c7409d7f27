/** A name as SQLite reads it back whatever is in it: quotes, dots, an emoji, a reserved word. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
