/** How a command writes for the terminal that it has, or for a file. */
import { usualWidthColumns } from "./foldText.ts";
import type { Io } from "./io.ts";
import type { Rendering } from "./statusText.ts";

/**
 * COLUMNS, where a shell or a script gives it, wins: a large number folds nothing.
 * @param nowMs ages are told from then
 */
export function renderingFor({ environment, isTerminal, terminalColumns }: Io, nowMs: number): Rendering {
  const asked = /^[1-9]\d{0,5}$/.test(environment.COLUMNS ?? "") ? Number(environment.COLUMNS) : null;
  const widthColumns = asked ?? (isTerminal ? terminalColumns : null) ?? usualWidthColumns;
  return { nowMs, color: isTerminal && !environment.NO_COLOR, widthColumns };
}
