/** Tells the supervisor, before and after, that writers are kept out: it kills a worker that overstays. */
export interface LockEvents {
  /** The write lock is held, or the blocking call begins right after this returns. */
  readonly acquired: () => void;
  readonly released: (heldMs: number) => void;
}
