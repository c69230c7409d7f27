/** Who holds a WAL back, and what is the matter with it, for people. Pure. */
import { unnamedReads } from "../policy/walPin.ts";
import type { DatabaseStatusJson } from "../report/statusJson.ts";
import { age } from "./statusText.ts";

type Holder = NonNullable<DatabaseStatusJson["connected"]>[number];

/** "app (4711, www, app.service)" */
export function processInWords({ pid, comm, user, unit }: Holder): string {
  return `${comm ?? "unknown"} (${[pid, user, unit].filter((part) => part !== null).join(", ")})`;
}

export function processesInWords(holders: readonly Holder[]): string {
  return holders.length === 0 ? "no other process" : holders.map(processInWords).join(", ");
}

export function connectedInWords(status: DatabaseStatusJson): string {
  const { connected, hiddenLocks } = status;
  if (connected === null) return "cannot be seen";
  if (status.holdersObservable) return processesInWords(connected);
  const named = connected.map(processInWords);
  const others = "processes in other PID namespaces";
  if (hiddenLocks === null) return [...named, `${others} cannot be seen`].join(", ");
  return hiddenLocks.connected
    ? [...named, `one or more ${others}`].join(", ")
    : `${processesInWords(connected)}; none is seen in other PID namespaces`;
}

/** Null: nothing is the matter that a person should read of. */
export function verdictRemark({ walVerdict }: DatabaseStatusJson, nowMs: number): string | null {
  if (walVerdict === null || ["healthy", "plateau", "unknown"].includes(walVerdict.kind)) return null;
  return `WAL ${walVerdict.kind}: ${walVerdict.reason} (since ${age(walVerdict.since, nowMs)})`;
}

export function walRows(status: DatabaseStatusJson, nowMs: number): readonly (readonly [string, string])[] {
  const { walVerdict, writer, checkpointer, pin } = status;
  const verdict =
    walVerdict === null
      ? []
      : [["WAL is", [walVerdict.kind, walVerdict.reason].filter(Boolean).join(": ")] as const];
  const busy = [
    ["writes now", writer],
    ["checkpoints now", checkpointer],
  ] as const;
  return [
    ...verdict,
    ...busy.flatMap(([title, holder]) => (holder === null ? [] : [[title, processInWords(holder)] as const])),
    ...pinRows(pin, nowMs),
  ];
}

export function pinRows(
  pin: DatabaseStatusJson["pin"],
  nowMs: number,
): readonly (readonly [string, string])[] {
  if (pin.kind === "none") return [];
  if (pin.kind === "unobservable") return [["pinned by", `unobservable: ${pin.reason}`]];
  const named = pin.holders.map((holder) => {
    return `${processInWords(holder)}: ${holder.heldFrameCount} frames, at least since ${age(holder.since, nowMs)}`;
  });
  const unnamed =
    named.length > 0
      ? "a process in another PID namespace as well"
      : `a process in another PID namespace: ${pin.heldFrameCount} frames at every look since ${age(pin.since, nowMs)} (${unnamedReads})`;
  return [...named, ...(pin.unnamedHolders ? [unnamed] : [])].map((text) => ["pinned by", text] as const);
}
