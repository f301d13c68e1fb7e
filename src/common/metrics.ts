/** A counter, gauge or histogram bound to its labels. */
export interface Counter {
  add(amount?: number): void;
}
export interface Gauge {
  set(value: number): void;
  add(amount: number): void;
}
export interface Histogram {
  /** Seconds or bytes, as the name says. */
  observe(value: number): void;
}

type Labels = Readonly<Record<string, string>>;

/**
 * What is measured. Fabric's names, labels and buckets for what Fabric measures, `selvage_<folder>_<what>_<unit>` for the rest; labels are
 * few-valued, never a transaction id.
 */
export interface Metrics {
  counter(name: string, help: string, labels?: Labels): Counter;
  gauge(name: string, help: string, labels?: Labels): Gauge;
  /** @param buckets upper bounds; those of {@link FABRIC_BUCKETS} for Fabric's names that say no others */
  histogram(name: string, help: string, labels?: Labels, buckets?: readonly number[]): Histogram;
}

/** What Fabric's histograms have unless told, in seconds. @see DefBuckets in prometheus/client_golang, prometheus/histogram.go */
export const FABRIC_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const nothing = { add: () => undefined, set: () => undefined, observe: () => undefined };

/** Measures nothing. */
export const unmeasured: Metrics = { counter: () => nothing, gauge: () => nothing, histogram: () => nothing };

/** Runs `work` and records how long it took, in seconds, whichever way it ended. */
export async function timed<T>(seconds: Histogram, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    seconds.observe((performance.now() - start) / 1000);
  }
}
