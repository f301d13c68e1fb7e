/** What the system and Node know of this process, under the names that dashboards for Node know. */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import type { Gauge, Metrics } from '../common/metrics.ts';

const GC_BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5];
const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};
const LAG_RESOLUTION_MS = 20;

/** Begins to measure. @returns what brings the values up to date, to be called before each scrape */
export function watchProcess(metrics: Metrics): () => void {
  const parts = [processTimes(metrics), processMemory(metrics), openFiles(metrics), heap(metrics), eventLoop(metrics), activity(metrics)];
  watchCollections(metrics);
  const { node: version } = process.versions;
  const [major = '', minor = '', patch = ''] = version.split('.');
  metrics.gauge('nodejs_version_info', 'Node.js version.', { version: `v${version}`, major, minor, patch }).set(1);
  return () => {
    for (const part of parts) part();
  };
}

function processTimes(metrics: Metrics): () => void {
  const [user, system, both] = ['user_', 'system_', ''].map((kind) =>
    counted(metrics, `process_cpu_${kind}seconds_total`, `CPU time spent${kind === '' ? '' : `, ${kind.slice(0, -1)}`}, in seconds.`),
  );
  const start = Math.round(Date.now() / 1000 - process.uptime());
  metrics.gauge('process_start_time_seconds', 'Start time of the process, in seconds since the Unix epoch.').set(start);
  return () => {
    const used = process.cpuUsage();
    user?.(used.user / 1e6);
    system?.(used.system / 1e6);
    both?.((used.user + used.system) / 1e6);
  };
}

/** A counter that follows a total kept elsewhere. */
function counted(metrics: Metrics, name: string, help: string): (total: number) => void {
  const counter = metrics.counter(name, help);
  let before = 0;
  return (total) => {
    counter.add(total - before);
    before = total;
  };
}

function processMemory(metrics: Metrics): () => void {
  const resident = metrics.gauge('process_resident_memory_bytes', 'Resident memory, in bytes.');
  const virtual = metrics.gauge('process_virtual_memory_bytes', 'Virtual memory, in bytes.');
  return () => {
    resident.set(process.memoryUsage.rss());
    const [, kilobytes] = /^VmSize:\s+(\d+) kB$/m.exec(fileText('/proc/self/status')) ?? [];
    if (kilobytes !== undefined) virtual.set(Number(kilobytes) * 1024);
  };
}

function openFiles(metrics: Metrics): () => void {
  const open = metrics.gauge('process_open_fds', 'Open file descriptors.');
  const [, most] = /^Max open files\s+(\d+)/m.exec(fileText('/proc/self/limits')) ?? [];
  if (most !== undefined) metrics.gauge('process_max_fds', 'Most file descriptors that may be open.').set(Number(most));
  return () => {
    try {
      open.set(readdirSync('/proc/self/fd').length - 1); // one is that of the list
    } catch {
      // not Linux, or no descriptor is left
    }
  };
}

function heap(metrics: Metrics): () => void {
  const total = metrics.gauge('nodejs_heap_size_total_bytes', 'Size of the heap, in bytes.');
  const used = metrics.gauge('nodejs_heap_size_used_bytes', 'Of the heap in use, in bytes.');
  const external = metrics.gauge('nodejs_external_memory_bytes', 'Memory outside of the heap that objects of it own, in bytes.');
  const spaces = new Map<string, Readonly<Record<'total' | 'used' | 'available', Gauge>>>();
  const gaugesOf = (space: string) => {
    const gauge = (what: string): Gauge =>
      metrics.gauge(`nodejs_heap_space_size_${what}_bytes`, `Size of a space of the heap, ${what}, in bytes.`, { space });
    return { total: gauge('total'), used: gauge('used'), available: gauge('available') };
  };
  return () => {
    const memory = process.memoryUsage();
    total.set(memory.heapTotal);
    used.set(memory.heapUsed);
    external.set(memory.external);
    for (const { space_name: name, space_size, space_used_size, space_available_size } of getHeapSpaceStatistics()) {
      const space = name.replace(/_space$/, '');
      const gauges = spaces.get(space) ?? gaugesOf(space);
      spaces.set(space, gauges);
      gauges.total.set(space_size);
      gauges.used.set(space_used_size);
      gauges.available.set(space_available_size);
    }
  };
}

/** Since the scrape before. */
function eventLoop(metrics: Metrics): () => void {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const kinds: readonly (readonly [string, () => number])[] = [
    ['min', () => lag.min],
    ['max', () => lag.max],
    ['mean', () => lag.mean],
    ['stddev', () => lag.stddev],
    ['p50', () => lag.percentile(50)],
    ['p90', () => lag.percentile(90)],
    ['p99', () => lag.percentile(99)],
  ];
  const gauges = kinds.map(([kind, of]) => ({
    of,
    gauge: metrics.gauge(`nodejs_eventloop_lag_${kind}_seconds`, `How late the event loop was, ${kind}, in seconds.`),
  }));
  return () => {
    for (const { gauge, of } of gauges) gauge.set(lag.count === 0 ? 0 : of() / 1e9);
    lag.reset();
  };
}

/** What keeps the event loop alive, by kind; a kind that was there once stays, at 0. */
function activity(metrics: Metrics): () => void {
  const total = metrics.gauge('nodejs_active_resources_total', 'What keeps the event loop alive.');
  const byType = new Map<string, Gauge>();
  return () => {
    const active = process.getActiveResourcesInfo();
    total.set(active.length);
    for (const gauge of byType.values()) gauge.set(0);
    for (const type of active) {
      const known = byType.get(type) ?? metrics.gauge('nodejs_active_resources', 'What keeps the event loop alive, by kind.', { type });
      byType.set(type, known);
      known.add(1);
    }
  };
}

function watchCollections(metrics: Metrics): void {
  const help = 'Garbage collections, by kind, in seconds.';
  const observer = new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries()) {
      const kind = GC_KINDS[Number(Object(detail).kind)] ?? 'other';
      metrics.histogram('nodejs_gc_duration_seconds', help, { kind }, GC_BUCKETS).observe(duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
