import { cpuUsage, memoryUsage, resourceUsage, uptime } from 'node:process';

const MIB = 1024 * 1024;

/** What this process has used and what it waits for, for somebody who asks why it does what it does. */
export function processReport() {
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = memoryUsage();
  const { user, system } = cpuUsage();
  const { fsRead, fsWrite, involuntaryContextSwitches } = resourceUsage();
  return {
    pid: process.pid,
    node: process.version,
    uptimeSeconds: Math.round(uptime()),
    mebibytes: mapped({ rss, heapUsed, heapTotal, external, arrayBuffers }, (bytes) => Math.round(bytes / MIB)),
    cpuSeconds: mapped({ user, system }, (micros) => Math.round(micros / 1e4) / 100),
    disk: { fsRead, fsWrite },
    involuntaryContextSwitches,
    eventLoopUtilisation: Math.round(performance.eventLoopUtilization().utilization * 1000) / 1000,
    waitsFor: countsOf(process.getActiveResourcesInfo()),
  };
}

const mapped = (values: Readonly<Record<string, number>>, map: (value: number) => number) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));

/** How many there are of each. */
function countsOf(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
