/** Words and widths of the status table. Pure. */

export interface Rendering {
  readonly nowMs: number;
  /** Only on a terminal, and not with NO_COLOR. */
  readonly color: boolean;
  /** Lines are folded at it (cli/foldText.ts); undefined: never. */
  readonly widthColumns?: number | undefined;
}

const colorCodes = { bold: 1, red: 31, green: 32, yellow: 33 } as const;

export function paint(text: string, color: keyof typeof colorCodes, rendering: Rendering): string {
  return rendering.color ? `\u001b[${colorCodes[color]}m${text}\u001b[0m` : text;
}

/** By columns of a terminal, not by characters: wide ones take two. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}

/** Leaves out the middle: names of one family often differ at the end. */
export function shorten(text: string, widthMax: number): string {
  if (Bun.stringWidth(text) <= widthMax) return text;
  const characters = [...text];
  const tail: string[] = [];
  const head: string[] = [];
  let width = 1;
  for (let taken = 0; characters.length > 0; taken++) {
    const next = (taken % 2 === 0 ? characters.shift() : characters.pop()) ?? "";
    width += Bun.stringWidth(next);
    if (width > widthMax) break;
    if (taken % 2 === 0) head.push(next);
    else tail.unshift(next);
  }
  return `${head.join("")}…${tail.join("")}`;
}

export function bytesInWords(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** "14s ago"; a time in the future, by clocks that disagree, is "now". */
export function age(time: string, nowMs: number): string {
  const ageSeconds = Math.floor((nowMs - Date.parse(time)) / 1000);
  if (Number.isNaN(ageSeconds)) return "at an unknown time";
  return ageSeconds <= 0 ? "now" : `${duration(ageSeconds)} ago`;
}

export function duration(durationSeconds: number): string {
  const minutes = Math.floor(durationSeconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (minutes === 0) return `${durationSeconds}s`;
  if (hours === 0) return `${minutes}m`;
  if (days === 0) return `${hours}h${minutes % 60}m`;
  return `${days}d${hours % 24}h`;
}
