/** Whether something was less than so long ago. A time that lies ahead is from before the clock was set back: long ago. Pure. */
export function isRecent(atMs: number, nowMs: number, withinMs: number): boolean {
  const ageMs = nowMs - atMs;
  return ageMs >= 0 && ageMs < withinMs;
}
