/** Asks a daemon for checks and checkpoints over its Unix socket, one after another, until told to stop. */
import type { Daemon } from "../../support/daemonProcess.ts";
import { withDeadline } from "../../support/waitFor.ts";

export interface Pressing {
  /** How many of the requests were carried out; the others were refused with a reason. */
  readonly doneCount: () => number;
  /** Every reason that was given, once. */
  readonly refusals: ReadonlySet<string>;
  /** No more requests; waits for the one under way. */
  stop(): Promise<void>;
}

const acts = ["integrity-check?check=full", "checkpoint", "integrity-check?check=quick"];
/** Between two requests: about thirty connections a second come and go beside the application. */
const pauseMs = 20;

async function ask(daemon: Daemon, act: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`http://localhost/api/v1/databases/kv/${act}`, {
    method: "POST",
    unix: daemon.socketPath,
    signal: AbortSignal.timeout(30_000),
  });
  return { status: response.status, body: await response.text() };
}

export function pressOnDemand(daemon: Daemon): Pressing {
  const refusals = new Set<string>();
  let doneCount = 0;
  let stopping = false;
  const pressing = (async () => {
    for (let round = 0; !stopping; round += 1) {
      const { status, body } = await ask(daemon, acts[round % acts.length] ?? "checkpoint");
      if (status === 200) doneCount += 1;
      else refusals.add(body);
      await Bun.sleep(pauseMs);
    }
  })();
  // A daemon that dies is the test's news, not an unhandled rejection on the side.
  pressing.catch(() => undefined);
  return {
    doneCount: () => doneCount,
    refusals,
    stop: async () => {
      stopping = true;
      await withDeadline("the last request on demand", pressing, 30_000);
    },
  };
}
