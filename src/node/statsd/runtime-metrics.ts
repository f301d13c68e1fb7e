import { PerformanceObserver } from 'node:perf_hooks';
import type { Metrics } from '../../common/metrics.ts';

/**
 * What StatsD hears of a Go peer's runtime, as far as Node's has the same: the heap and its collections.
 * @returns tells them how they are at the moment; disposing ends that collections are counted
 * @see common/metrics/statsd/goruntime in hyperledger/fabric v2.5
 */
export function runtimeMetrics(metrics: Metrics): Disposable & { report(): void } {
  const gauge = (name: string, help: string) => metrics.gauge(`go_mem_${name}`, help);
  const allocated = gauge('heap_alloc_bytes', 'Bytes of the heap in use.');
  const reserved = gauge('heap_sys_bytes', 'Bytes of the heap.');
  const collections = gauge('gc_completed_count', 'Collections of garbage.');
  const last = gauge('gc_pause_last_ns', 'How long the last of them took.');
  const total = gauge('gc_pause_total_ns', 'How long all of them took.');
  let [count, nanoseconds] = [0, 0];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      count += 1;
      nanoseconds += duration * 1e6;
      last.set(duration * 1e6);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return {
    report: () => {
      const { heapUsed, heapTotal } = process.memoryUsage();
      allocated.set(heapUsed);
      reserved.set(heapTotal);
      collections.set(count);
      total.set(nanoseconds);
    },
    [Symbol.dispose]: () => observer.disconnect(),
  };
}
