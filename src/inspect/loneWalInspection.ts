/** A `-wal` file whose database is not beside it. */
import { lookAtFile } from "../host/fileLook.ts";
import type { LoneWalInspection } from "./inspection.ts";
import type { InspectHost } from "./looks.ts";
import { remarksOnLoneWal } from "./remarks.ts";
import { inspectLoneWal } from "./walInspection.ts";

export type LoneWalInspected =
  | { readonly kind: "inspected"; readonly inspection: LoneWalInspection }
  | { readonly kind: "refused"; readonly reason: string };

/** @param path resolved */
export async function inspectWalAlone(host: InspectHost, path: string): Promise<LoneWalInspected> {
  const look = lookAtFile(host.os, path, { followLinks: false });
  if (look.kind !== "regular") return { kind: "refused", reason: `${path} vanished while it was looked at` };
  const { inspection: wal } = await inspectLoneWal(host, path, look);
  const remarks = remarksOnLoneWal(wal);
  const verdict = remarks.some(({ severity }) => severity === "wrong") ? "wrong" : "fine";
  const inspectedAtMs = host.clock.nowMs();
  return { kind: "inspected", inspection: { kind: "wal", path, inspectedAtMs, verdict, remarks, wal } };
}
