/**
 * What every reader of a single value answers: the value, or the words that say what would have been
 * accepted. The words never repeat the value; whoever knows where it stood adds that.
 */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly accepted: string };

export function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refuse(accepted: string): { readonly ok: false; readonly accepted: string } {
  return { ok: false, accepted };
}
