/**
 * What a sql worker can be asked. One request at a time per worker, JSON lines over its stdin and stdout.
 * Types only; `worker/protocol.ts` validates the messages with zod.
 */
import type { Profile } from "./databaseConfig.ts";
import type { CheckPart, CheckPlan } from "./integrityCheck.ts";
import type {
  CheckResult,
  GuardedTruncateResult,
  KeepResult,
  LetGoResult,
  LockedResult,
  PassiveResult,
  ProfileResult,
  TruncateResult,
} from "./outcome.ts";

/** The file that must be opened: the operation compares device and inode before and after it opens. */
export interface Target {
  /** Absolute, symbolic links resolved. */
  readonly path: string;
  /** "device:inode"; null only for `create`. */
  readonly identity: string | null;
}

export type Operation =
  /** Creates the database, which must not exist, and sets the profile. */
  | { readonly kind: "create"; readonly profile: Profile }
  /** Applies the profile and reads every value back; leaves the journal mode alone unless told to set it. */
  | { readonly kind: "applyProfile"; readonly profile: Profile; readonly setJournalMode: boolean }
  | { readonly kind: "passiveCheckpoint"; readonly profile: Profile }
  | {
      readonly kind: "lockedCheckpoint";
      readonly profile: Profile;
      readonly acquireBudgetMs: number;
      readonly holdBudgetMs: number;
      /** A hold in which not all is copied by then is given up: what is left would not outlast the readers. */
      readonly completeWithinMs: number;
      /** Wait, within the hold budget, until readers have left the marks, so that the next writer resets. */
      readonly drainReaders: boolean;
      /** "major:minor" of the mount in decimal, to find the locks in /proc/locks; null: not observable. */
      readonly mountDevice: string | null;
    }
  | {
      readonly kind: "truncateCheckpoint";
      readonly profile: Profile;
      readonly holdBudgetMs: number;
      /** "major:minor" of the mount in decimal: only while no other process is connected. Null: beside others too. */
      readonly aloneOnDevice: string | null;
      /** A worker of ours that keeps the database connected, and is nobody else. Null: none does. */
      readonly keeperPid: number | null;
    }
  /** TRUNCATE that never leaves a complete WAL to others: beside connections with the WAL-reset bug. */
  | {
      readonly kind: "guardedTruncate";
      readonly profile: Profile;
      readonly holdBudgetMs: number;
      /** Beside writers and readers that go on it is tried for this long. */
      readonly acquireBudgetMs: number;
      /** A WAL that it completed is not let go before it is reset or incomplete again, or this time is over. */
      readonly settleMs: number;
      /** "major:minor" of the mount in decimal, to find the locks in /proc/locks. */
      readonly mountDevice: string;
    }
  | {
      readonly kind: "integrityCheck";
      readonly profile: Profile;
      readonly check: "quick_check" | "integrity_check";
      readonly findingsMax: number;
      readonly part: CheckPart;
      /** Faster; but a bad sector, or a file that shrinks, kills the worker instead of coming back as an error. */
      readonly memoryMapped: boolean;
    }
  /** What there is to be checked, so that it can be split. */
  | {
      readonly kind: "planCheck";
      readonly profile: Profile;
      /** Tables from this size on are looked at for how they could be divided by rows. */
      readonly rowsFromPages: number;
    }
  /** Connects, and stays so until `letGo`: nobody has to recover the WAL again meanwhile. */
  | { readonly kind: "keepOpen"; readonly profile: Profile }
  | { readonly kind: "letGo"; readonly profile: Profile };

export type OperationKind = Operation["kind"];

/** The result that belongs to each kind. */
export interface OperationResults {
  create: ProfileResult;
  applyProfile: ProfileResult;
  passiveCheckpoint: PassiveResult;
  lockedCheckpoint: LockedResult;
  truncateCheckpoint: TruncateResult;
  guardedTruncate: GuardedTruncateResult;
  integrityCheck: CheckResult;
  planCheck: CheckPlan;
  keepOpen: KeepResult;
  letGo: LetGoResult;
}
