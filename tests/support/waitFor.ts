/** Waiting for something to become true, with a deadline that names what never came. No blind sleeps. */

export interface WaitOptions {
  readonly deadlineMs?: number;
  readonly intervalMs?: number;
}

/**
 * Polls until `check` answers something other than undefined, null or false, and returns that. A check that
 * throws ends the wait with its error: return undefined for "not yet".
 */
export async function waitFor<Value>(
  what: string,
  check: () => Value | Promise<Value>,
  { deadlineMs = 5_000, intervalMs = 10 }: WaitOptions = {},
): Promise<Exclude<Value, undefined | null | false>> {
  const endAtMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== null && value !== false) {
      return value as Exclude<Value, undefined | null | false>;
    }
    if (performance.now() >= endAtMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await Bun.sleep(intervalMs);
  }
}

/** The promise, or an error that says what was waited for. */
export async function withDeadline<Value>(
  what: string,
  promise: Promise<Value>,
  deadlineMs = 5_000,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
