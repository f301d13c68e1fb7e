import * as v from 'valibot';
import { address, duration, oneOf, section, text } from './schema-values.ts';

/** Where metrics are sent, and how often. */
export interface StatsdConfig {
  readonly network: 'udp' | 'tcp';
  /** `host:port`. */
  readonly address: string;
  readonly writeIntervalMs: number;
  /** Before each name; '' for nothing. */
  readonly prefix: string;
}

/**
 * `metrics`, as far as it is acted on: Prometheus is served in any case where there is an operations server.
 * @see sampleconfig/core.yaml in hyperledger/fabric v2.5
 */
export const metricsKeys = {
  provider: text('disabled'),
  statsd: section({
    network: oneOf(['udp', 'tcp'], 'udp'),
    address: address('127.0.0.1:8125'),
    writeinterval: v.pipe(
      duration('10s'),
      v.check((ms) => ms >= 1, 'expected a time above zero, like 10s'),
    ),
    prefix: text(''),
  }),
};

const schema = section(metricsKeys);

/** Undefined where another provider than StatsD is asked for. */
export const statsdConfig = ({ provider, statsd }: v.InferOutput<typeof schema>): StatsdConfig | undefined =>
  provider === 'statsd'
    ? { network: statsd.network, address: statsd.address, writeIntervalMs: statsd.writeinterval, prefix: statsd.prefix }
    : undefined;
