/** How a command writes for the terminal that it has, or for a file. */
import { usualWidthColumns } from "./foldText.ts";
import type { Io } from "./io.ts";
import type { Rendering } from "./statusText.ts";

/**
 * A file and a pipe get lines as long as they come: another program searches them. COLUMNS, where a shell or a script gives
 * it, wins.
 * @param nowMs ages are told from then
 */
export function renderingFor({ environment, isTerminal, terminalColumns }: Io, nowMs: number): Rendering {
  const asked = /^[1-9]\d{0,5}$/.test(environment.COLUMNS ?? "") ? Number(environment.COLUMNS) : undefined;
  const widthColumns = asked ?? (isTerminal ? (terminalColumns ?? usualWidthColumns) : undefined);
  return { nowMs, color: isTerminal && !environment.NO_COLOR, widthColumns };
}
