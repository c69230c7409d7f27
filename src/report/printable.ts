/**
 * Text from outside (database names, file paths, process names, SQLite's messages) made safe for a line of
 * plain text: control characters could forge lines or drive a terminal, and bidirectional marks could
 * reorder what is read. They are shown as \xNN or \u{NNNN}.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code <= 0xff ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
  });
}
