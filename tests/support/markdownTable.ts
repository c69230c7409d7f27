/** A table of a Markdown document. A cell that would break it is refused. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => {
    if (cells.length !== head.length || cells.some((cell) => /[|\n]/.test(cell)))
      throw new Error(`no row of a table: ${JSON.stringify(cells)}`);
    return `| ${cells.join(" | ")} |`;
  };
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
