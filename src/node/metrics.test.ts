import { describe, expect, it } from 'vitest';
import { PrometheusMetrics } from './metrics.ts';

const lines = (metrics: PrometheusMetrics) =>
  metrics
    .text()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

describe('metrics', () => {
  it('count by label, whoever asks for the name', () => {
    const metrics = new PrometheusMetrics({ process: false });
    metrics.counter('selvage_x_total', 'Xs.', { channel: 'a' }).add();
    metrics.counter('selvage_x_total', 'Xs.', { channel: 'a' }).add(2);
    metrics.counter('selvage_x_total', 'Xs.', { channel: 'b' }).add();
    expect(lines(metrics)).toEqual(['selvage_x_total{channel="a"} 3', 'selvage_x_total{channel="b"} 1']);
    expect(metrics.text()).toContain('# HELP selvage_x_total Xs.\n# TYPE selvage_x_total counter');
  });

  it('go up and down', () => {
    const metrics = new PrometheusMetrics({ process: false });
    const gauge = metrics.gauge('selvage_open', 'Open.');
    gauge.set(5);
    gauge.add(-2);
    expect(lines(metrics)).toEqual(['selvage_open 3']);
  });

  it('are sorted into buckets of seconds', () => {
    const metrics = new PrometheusMetrics({ process: false });
    const seconds = metrics.histogram('selvage_y_seconds', 'Ys.', { outcome: 'ok' });
    seconds.observe(0.002);
    seconds.observe(7);
    const text = lines(metrics);
    expect(text).toContain('selvage_y_seconds_bucket{le="0.0025",outcome="ok"} 1');
    expect(text).toContain('selvage_y_seconds_bucket{le="10",outcome="ok"} 2');
    expect(text).toContain('selvage_y_seconds_count{outcome="ok"} 2');
  });

  it('of two nodes in one process are their own', () => {
    const [one, two] = [new PrometheusMetrics({ process: false }), new PrometheusMetrics({ process: false })];
    one.counter('selvage_x_total', 'Xs.').add();
    expect(lines(two)).toEqual([]);
  });

  it('count what lies above all bounds, and a value on a bound below it', () => {
    const metrics = new PrometheusMetrics({ process: false });
    const bytes = metrics.histogram('selvage_z_bytes', 'Zs.', {}, [1, 10]);
    for (const value of [1, 1.5, 10, 1e9]) bytes.observe(value);
    expect(metrics.text()).toBe(
      [
        '# HELP selvage_z_bytes Zs.',
        '# TYPE selvage_z_bytes histogram',
        'selvage_z_bytes_bucket{le="1"} 1',
        'selvage_z_bytes_bucket{le="10"} 3',
        'selvage_z_bytes_bucket{le="+Inf"} 4',
        'selvage_z_bytes_sum 1000000012.5',
        'selvage_z_bytes_count 4',
        '',
      ].join('\n'),
    );
  });

  it('are told from the start without labels, and with them from the first value on', () => {
    const metrics = new PrometheusMetrics({ process: false });
    metrics.counter('selvage_plain_total', 'Plain.');
    const labelled = metrics.gauge('selvage_labelled', 'Labelled.', { channel: 'a' });
    expect(lines(metrics)).toEqual(['selvage_plain_total 0']);
    labelled.set(0);
    expect(lines(metrics)).toEqual(['selvage_plain_total 0', 'selvage_labelled{channel="a"} 0']);
  });

  it('are one line each, whatever is in labels and help', () => {
    const metrics = new PrometheusMetrics({ process: false });
    metrics.gauge('selvage_odd', 'One\nand two \\.', { name: 'a "quoted"\n\\b' }).set(Number.NaN);
    expect(metrics.text()).toBe(
      '# HELP selvage_odd One\\nand two \\\\.\n# TYPE selvage_odd gauge\nselvage_odd{name="a \\"quoted\\"\\n\\\\b"} NaN\n',
    );
  });

  it('know the process', () => {
    const metrics = new PrometheusMetrics();
    metrics.text();
    for (const [name, value] of [
      ['process_resident_memory_bytes', /^\d{7,}$/],
      ['process_virtual_memory_bytes', /^\d{7,}$/],
      ['process_cpu_seconds_total', /^\d+\.\d+$/],
      ['process_start_time_seconds', /^\d{10}$/],
      ['process_open_fds', /^[1-9]\d*$/],
      ['process_max_fds', /^[1-9]\d*$/],
      ['nodejs_heap_size_used_bytes', /^\d{7,}$/],
      ['nodejs_heap_space_size_used_bytes{space="old"}', /^\d{7,}$/],
      ['nodejs_eventloop_lag_p99_seconds', /^\d/],
      ['nodejs_active_resources_total', /^[1-9]/],
      [
        `nodejs_version_info{version="${process.version}",${process.versions.node.split('.').map((each, index) => `${['major', 'minor', 'patch'][index]}="${each}"`)}}`,
        /^1$/,
      ],
    ] as const) {
      const line = lines(metrics).find((each) => each.startsWith(`${name} `));
      expect(line?.slice(name.length + 1), name).toMatch(value);
    }
  });

  it('count the time that the process used once, however often they are asked for', () => {
    const metrics = new PrometheusMetrics();
    const seconds = () =>
      Number(
        lines(metrics)
          .find((line) => line.startsWith('process_cpu_seconds_total '))
          ?.split(' ')[1],
      );
    for (let round = 0; round < 20; round += 1) seconds();
    const { user, system } = process.cpuUsage();
    expect(seconds()).toBeGreaterThanOrEqual((user + system) / 1e6 - 0.001);
    expect(seconds()).toBeLessThan(2 * ((user + system) / 1e6) + 1);
  });
});
