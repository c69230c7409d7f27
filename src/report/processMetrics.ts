/**
 * The standard `process_*` metrics of the daemon itself, read from /proc/self at each scrape (proc(5)).
 *
 * prom-client's own collectors are not used: under Bun they add heap-space series that read mostly zero,
 * take milliseconds a scrape, and three of their names fail `promtool check metrics`. A value that cannot
 * be read is absent. These files are not the databases', so reading them drops nobody's locks.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Counter, Gauge, type Registry } from "prom-client";
import { type MetricNameOf, metricCatalogue } from "./metricCatalogue.ts";

type ProcessGauge = Extract<MetricNameOf<"gauge">, `process_${string}`>;

export function registerProcessMetrics(registry: Registry): void {
  const cpuName = "process_cpu_seconds_total";
  new Counter({
    name: cpuName,
    help: metricCatalogue[cpuName].help,
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const startedAtSeconds = performance.timeOrigin / 1000;
  registerGauge(registry, "process_start_time_seconds", () => startedAtSeconds);
  registerGauge(registry, "process_resident_memory_bytes", () => statusBytes("VmRSS"));
  registerGauge(registry, "process_virtual_memory_bytes", () => statusBytes("VmSize"));
  registerGauge(registry, "process_open_fds", openDescriptorCount);
  registerGauge(registry, "process_max_fds", descriptorCountMax);
}

function registerGauge(registry: Registry, name: ProcessGauge, read: () => number | null): void {
  new Gauge({
    name,
    help: metricCatalogue[name].help,
    registers: [registry],
    collect() {
      const value = read();
      if (value === null) this.remove();
      else this.set(value);
    },
  });
}

/** "VmRSS:\t   61234 kB" */
function statusBytes(field: string): number | null {
  const text = readText("/proc/self/status");
  const match = text === null ? null : new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text);
  return match === null ? null : Number(match[1]) * 1024;
}

/** "Max open files            1024                 524288               files": soft limit, hard limit. */
function descriptorCountMax(): number | null {
  const match = /^Max open files\s+(\d+|unlimited)\s/m.exec(readText("/proc/self/limits") ?? "");
  if (match === null) return null;
  return match[1] === "unlimited" ? Number.POSITIVE_INFINITY : Number(match[1]);
}

function openDescriptorCount(): number | null {
  try {
    // One of them is the descriptor of the listing itself.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    // For example no descriptor is left: then there is no figure, and that is the result.
    return null;
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // /proc is hidden or no descriptor is left: absent is the result.
    return null;
  }
}
