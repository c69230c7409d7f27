/**
 * One origin of values (the environment, the file's defaults, one entry of the file): what it states, and
 * where. Precedence is the order of the layers and nothing else; a later layer wins key by key.
 */
import { defaultSource, type ValueSource } from "./problem.ts";

export interface Layer<V> {
  readonly values: Partial<V>;
  readonly sources: Partial<Record<keyof V, ValueSource>>;
}

export interface Merged<V> {
  readonly values: V;
  readonly sources: Readonly<Record<keyof V, ValueSource>>;
}

/** Keeps the keys that are stated; null is a statement, undefined is none. */
export function layerOf<V extends object>(
  candidates: { readonly [K in keyof V]?: V[K] | undefined },
  sourceOf: (key: keyof V) => ValueSource,
): Layer<V> {
  const stated = Object.entries(candidates).filter(([, value]) => value !== undefined);
  return {
    values: Object.fromEntries(stated) as Partial<V>,
    sources: Object.fromEntries(
      stated.map(([key]) => [key, sourceOf(key as keyof V)]),
    ) as Layer<V>["sources"],
  };
}

/** `layers` from the weakest to the strongest. */
export function mergeLayers<V extends object>(defaults: V, layers: readonly Layer<V>[]): Merged<V> {
  let values = { ...defaults };
  let sources = Object.fromEntries(Object.keys(defaults).map((key) => [key, defaultSource])) as Record<
    keyof V,
    ValueSource
  >;
  for (const layer of layers) {
    values = { ...values, ...layer.values };
    sources = { ...sources, ...layer.sources };
  }
  return { values, sources };
}
