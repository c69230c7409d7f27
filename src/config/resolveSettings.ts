/**
 * The settings of one database: defaults, the file's defaults, its own entry, the environment, in this
 * order of strength. The environment wins over what the file says of a single database too: who exports
 * KVDB_SQLITE_SYNCHRONOUS in an incident means it everywhere. Pure.
 */
import type { SettingSources } from "./config.ts";
import { type Layer, mergeLayers } from "./layer.ts";
import { formatDuration } from "./parseDuration.ts";
import { type ConfigProblem, defaultSource, placeOf } from "./problem.ts";
import { defaultSettings, type SettingValues } from "./settings.ts";

export interface ResolvedSettings {
  readonly values: SettingValues;
  readonly sources: SettingSources;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** `layers` from the weakest to the strongest. A database found by a pattern is there: it is never waited for. */
export function resolveSettings(
  layers: readonly Layer<SettingValues>[],
  nodeEnv: string | null,
  isGlob: boolean,
): ResolvedSettings {
  const stated = layers.map((layer) => layer.values.synchronous);
  const defaults = defaultSettings(stated.findLast((level) => level !== undefined) ?? "EXTRA");
  const byNodeEnv: Layer<SettingValues> =
    nodeEnv === "development"
      ? {
          values: { whenMissing: "create" },
          sources: { whenMissing: { kind: "environment", variable: "NODE_ENV" } },
        }
      : { values: {}, sources: {} };
  const merged = mergeLayers(defaults, [byNodeEnv, ...layers]);
  const warnings = warningsOf(merged.values, merged.sources);
  const problems = problemsOf(merged.values, merged.sources);
  if (isGlob) {
    const sources = { ...merged.sources, whenMissing: defaultSource };
    return { values: { ...merged.values, whenMissing: "pass" }, sources, problems, warnings };
  }
  if (merged.values.mode === "observe" && merged.values.whenMissing === "create") {
    const source = merged.sources.whenMissing;
    const ignored = `${placeOf(source)}: a database in mode observe is not created; it is waited for`;
    return {
      values: { ...merged.values, whenMissing: "wait" },
      sources: { ...merged.sources, whenMissing: merged.sources.mode },
      problems,
      warnings: source.kind === "file" ? [...warnings, ignored] : warnings,
    };
  }
  return { ...merged, problems, warnings };
}

function problemsOf(values: SettingValues, sources: SettingSources): ConfigProblem[] {
  if (values.holdBudgetMs <= values.holdBudgetMaxMs) return [];
  const place = placeOf(
    sources.holdBudgetMs.kind === "default" ? sources.holdBudgetMaxMs : sources.holdBudgetMs,
  );
  const budget = formatDuration(values.holdBudgetMs);
  const budgetMax = formatDuration(values.holdBudgetMaxMs);
  return [
    {
      source: place,
      value: budget,
      accepted: "a holdBudget that is not larger than holdBudgetMax",
      message: `${place}: holdBudget ${budget} is larger than holdBudgetMax ${budgetMax}`,
    },
  ];
}

function warningsOf(values: SettingValues, sources: SettingSources): string[] {
  const warnings: string[] = [];
  if (values.journalMode !== "WAL") {
    const place = placeOf(sources.journalMode);
    warnings.push(`${place}: journal mode ${values.journalMode} is applied and reported as not crash-safe`);
  }
  if (values.synchronous === "OFF") {
    const place = placeOf(sources.synchronous);
    warnings.push(`${place}: with synchronous OFF nothing is synced: a power cut can corrupt the database`);
  }
  return warnings;
}
