import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../common/metrics.ts';

type Labels = Readonly<Record<string, string>>;
type Kind<T> = { readonly make: () => T };

/** Metrics in Prometheus' form. Each part binds its labels once; asking again for a name gives the same metric. */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry();
  readonly #known = new Map<string, unknown>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  counter(name: string, help: string, labels: Labels = {}) {
    const bound = this.#metric(name, {
      make: () => new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] }),
    }).labels(labels);
    return { add: (amount = 1) => bound.inc(amount) };
  }

  gauge(name: string, help: string, labels: Labels = {}) {
    const bound = this.#metric(name, {
      make: () => new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] }),
    }).labels(labels);
    return { set: (value: number) => bound.set(value), add: (amount: number) => bound.inc(amount) };
  }

  histogram(name: string, help: string, labels: Labels = {}) {
    const make = () => new Histogram({ name, help, labelNames: Object.keys(labels), buckets: BUCKETS, registers: [this.#registry] });
    const bound = this.#metric(name, { make }).labels(labels);
    return { observe: (value: number) => bound.observe(value) };
  }

  /** What Prometheus scrapes. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #metric<T>(name: string, { make }: Kind<T>): T {
    const known = this.#known.get(name);
    if (known !== undefined) return known as T;
    const made = make();
    this.#known.set(name, made);
    return made;
  }
}

/** Seconds: from a cached read to a slow launch. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
