/** The real system, on which gathering the locks takes longer than a guard doubts what it saw only once. */
import { realClock } from "../../../src/host/clock.ts";
import { realOs } from "../../../src/host/os.ts";
import type { InspectHost } from "../../../src/inspect/looks.ts";

const slowMs = 400;

export const slowHost: InspectHost = {
  os: {
    ...realOs,
    readProcLocks: async () => {
      await Bun.sleep(slowMs);
      return realOs.readProcLocks();
    },
  },
  clock: realClock,
  pause: (pauseMs) => Bun.sleep(pauseMs),
};
