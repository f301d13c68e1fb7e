import { describe, expect, it } from 'vitest';
import { PrometheusMetrics } from './metrics.ts';

const lines = async (metrics: PrometheusMetrics) =>
  (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('metrics', () => {
  it('count by label, whoever asks for the name', async () => {
    const metrics = new PrometheusMetrics({ process: false });
    metrics.counter('selvage_x_total', 'Xs.', { channel: 'a' }).add();
    metrics.counter('selvage_x_total', 'Xs.', { channel: 'a' }).add(2);
    metrics.counter('selvage_x_total', 'Xs.', { channel: 'b' }).add();
    expect(await lines(metrics)).toEqual(['selvage_x_total{channel="a"} 3', 'selvage_x_total{channel="b"} 1']);
    expect(await metrics.text()).toContain('# HELP selvage_x_total Xs.\n# TYPE selvage_x_total counter');
  });

  it('go up and down', async () => {
    const metrics = new PrometheusMetrics({ process: false });
    const gauge = metrics.gauge('selvage_open', 'Open.');
    gauge.set(5);
    gauge.add(-2);
    expect(await lines(metrics)).toEqual(['selvage_open 3']);
  });

  it('are sorted into buckets of seconds', async () => {
    const metrics = new PrometheusMetrics({ process: false });
    const seconds = metrics.histogram('selvage_y_seconds', 'Ys.', { outcome: 'ok' });
    seconds.observe(0.002);
    seconds.observe(7);
    const text = await lines(metrics);
    expect(text).toContain('selvage_y_seconds_bucket{le="0.0025",outcome="ok"} 1');
    expect(text).toContain('selvage_y_seconds_bucket{le="10",outcome="ok"} 2');
    expect(text).toContain('selvage_y_seconds_count{outcome="ok"} 2');
  });

  it('of two nodes in one process are their own', async () => {
    const [one, two] = [new PrometheusMetrics({ process: false }), new PrometheusMetrics({ process: false })];
    one.counter('selvage_x_total', 'Xs.').add();
    expect(await lines(two)).toEqual([]);
  });

  it('know the process', async () => {
    expect(await new PrometheusMetrics().text()).toContain('process_resident_memory_bytes');
  });
});
