/**
 * Lines that fit a terminal: folded between words, those that follow indented. A word is never broken, so that a path can
 * be copied: one that is wider than the line stands beyond it. Widths are columns, not characters. Pure.
 */
import { pad } from "./statusText.ts";

/** Of a terminal that does not say. */
export const usualWidthColumns = 80;
/** Less than that is left for the text only on terminals that nobody reads it on. */
const textWidthMinColumns = 24;

/**
 * @param start stands before the first line of the text
 * @param indentColumns of the lines that follow
 * @param widthColumns undefined: nothing is folded
 */
export function fold(
  start: string,
  text: string,
  indentColumns: number,
  widthColumns: number | undefined,
): readonly string[] {
  if (widthColumns === undefined) return [start + text];
  const widthMax = Math.max(widthColumns, indentColumns + textWidthMinColumns);
  const indent = " ".repeat(indentColumns);
  const lines: string[] = [];
  let line = start;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    const longer = isEmpty ? line + word : `${line} ${word}`;
    if (isEmpty || Bun.stringWidth(longer) <= widthMax) line = longer;
    else {
      lines.push(line);
      line = indent + word;
    }
    isEmpty = false;
  }
  return [...lines, line];
}

/** Titles in one column, texts folded in another. */
export function foldRows(
  rows: readonly (readonly [title: string, text: string])[],
  widthColumns: number | undefined,
): readonly string[] {
  const titleColumns = Math.max(...rows.map(([title]) => Bun.stringWidth(title))) + 2;
  return rows.flatMap(([title, text]) => fold(pad(title, titleColumns), text, titleColumns, widthColumns));
}
