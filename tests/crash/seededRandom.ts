/** Random numbers that a seed repeats: mulberry32, 32 bits of state, good enough to choose moments. */

export interface SeededRandom {
  /** A whole number, both ends included. */
  integer(min: number, max: number): number;
  choice<Value>(first: Value, ...others: readonly Value[]): Value;
  shuffled<Value>(values: readonly Value[]): Value[];
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    integer,
    choice: (first, ...others) => others[integer(0, others.length) - 1] ?? first,
    shuffled: (values) => {
      const keyed = values.map((value) => ({ value, key: next() }));
      return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
    },
  };
}
