import type { Counter, Gauge, Histogram, Metrics } from '../../common/metrics.ts';
import { statsdName } from './statsd-names.ts';
import { Timings } from './timings.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * Metrics in StatsD's form, under the names that Fabric's dashboards know. Counters say what was added since the last time, gauges what
 * they were last set to, histograms each observation: in seconds, as a Go peer sends them too, though StatsD takes them for milliseconds.
 * @see common/metrics/statsd in hyperledger/fabric v2.5
 */
export class StatsdMetrics implements Metrics {
  readonly #prefix: string;
  readonly #counters = new Map<string, number>();
  readonly #gauges = new Map<string, number>();
  readonly #changed = new Set<string>();
  readonly #timings = new Map<string, Timings>();

  /** @param prefix stands before each name, with a dot between; '' for none */
  constructor(prefix: string) {
    this.#prefix = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
  }

  counter(name: string, _help: string, labels: Labels = {}): Counter {
    const bucket = this.#bucket(name, labels);
    return { add: (amount = 1) => this.#counters.set(bucket, (this.#counters.get(bucket) ?? 0) + amount) };
  }

  gauge(name: string, _help: string, labels: Labels = {}): Gauge {
    const bucket = this.#bucket(name, labels);
    const set = (value: number): void => {
      this.#gauges.set(bucket, value);
      this.#changed.add(bucket);
    };
    return { set, add: (amount) => set((this.#gauges.get(bucket) ?? 0) + amount) };
  }

  histogram(name: string, _help: string, labels: Labels = {}): Histogram {
    const bucket = this.#bucket(name, labels);
    const timings = this.#timings.get(bucket) ?? new Timings();
    this.#timings.set(bucket, timings);
    return { observe: (value) => timings.observe(value) };
  }

  /** The lines of what happened since the last time, each with its end. */
  take(): readonly string[] {
    const counters = [...this.#counters].map(([bucket, sum]) => line(bucket, sum, 'c'));
    const gauges = [...this.#changed].map((bucket) => line(bucket, this.#gauges.get(bucket) ?? 0, 'g'));
    this.#counters.clear();
    this.#changed.clear();
    const timings = [...this.#timings].flatMap(([bucket, each]) => {
      const { values, rate } = each.take();
      return values.map((value) => line(bucket, value, rate < 1 ? `ms|@${rate.toFixed(6)}` : 'ms'));
    });
    return [...counters, ...gauges, ...timings];
  }

  #bucket(name: string, labels: Labels): string {
    return `${this.#prefix}${statsdName(name, labels)}`;
  }
}

const line = (bucket: string, value: number, type: string): string => `${bucket}:${value.toFixed(6)}|${type}\n`;
