import type { Metrics } from './metrics.ts';

/** What is measured goes to two places. */
export const metricsOfBoth = (one: Metrics, other: Metrics): Metrics => ({
  counter: (...metric) => {
    const [a, b] = [one.counter(...metric), other.counter(...metric)];
    return {
      add: (amount) => {
        a.add(amount);
        b.add(amount);
      },
    };
  },
  gauge: (...metric) => {
    const [a, b] = [one.gauge(...metric), other.gauge(...metric)];
    return {
      set: (value) => {
        a.set(value);
        b.set(value);
      },
      add: (amount) => {
        a.add(amount);
        b.add(amount);
      },
    };
  },
  histogram: (...metric) => {
    const [a, b] = [one.histogram(...metric), other.histogram(...metric)];
    return {
      observe: (value) => {
        a.observe(value);
        b.observe(value);
      },
    };
  },
});
