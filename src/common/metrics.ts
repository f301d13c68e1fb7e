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

/** What is measured. Names are `selvage_<folder>_<what>_<unit>`; labels are few-valued, never a transaction id. */
export interface Metrics {
  counter(name: string, help: string, labels?: Labels): Counter;
  gauge(name: string, help: string, labels?: Labels): Gauge;
  histogram(name: string, help: string, labels?: Labels): Histogram;
}

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
