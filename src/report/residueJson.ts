/** A residue report as the file in the state directory has it: JSON, times as ISO 8601. */
import type { ResidueReport } from "../domain/residueReport.ts";
import { withIsoTimes } from "./statusJson.ts";

/** Raised when a field changes its meaning; fields are only added. */
const formatVersion = 1;

export function residueReportText(report: ResidueReport): string {
  return `${JSON.stringify({ formatVersion, ...withIsoTimes(report) }, null, 2)}\n`;
}
