import { splitAddress } from '../../common/address.ts';
import type { Logger } from '../../common/log.ts';
import { every, type Timers } from '../../common/timers.ts';
import type { StatsdConfig } from '../config/statsd-config.ts';
import { runtimeMetrics } from './runtime-metrics.ts';
import type { StatsdMetrics } from './statsd-metrics.ts';
import { openSink } from './statsd-sink.ts';

export interface StatsdParts {
  readonly metrics: StatsdMetrics;
  readonly timers: Timers;
  readonly log: Logger;
}

/**
 * Sends what was measured every `writeIntervalMs`, and once more at the end. What a server does not take is lost; the log says so when it
 * begins and when it is over.
 */
export function startStatsd({ network, address, writeIntervalMs }: StatsdConfig, { metrics, timers, log }: StatsdParts): AsyncDisposable {
  const { host, port } = splitAddress(address) ?? { host: '', port: 0 };
  const sink = openSink({ network, host: host || '127.0.0.1', port });
  const runtime = runtimeMetrics(metrics);
  let failing = false;
  let sending: Promise<void> | undefined;
  const send = async (): Promise<void> => {
    runtime.report();
    try {
      await sink.send(metrics.take());
      if (failing) log.info('metrics are sent to StatsD again', { network, address });
      failing = false;
    } catch (error) {
      if (!failing) log.warn('metrics cannot be sent to StatsD; what was measured meanwhile is lost', { network, address, error });
      failing = true;
    }
  };
  const ticking = every(timers, writeIntervalMs, () => {
    sending ??= send().finally(() => {
      sending = undefined;
    });
  });
  return {
    [Symbol.asyncDispose]: async () => {
      ticking[Symbol.dispose]();
      await sending;
      await send();
      runtime[Symbol.dispose]();
      sink[Symbol.dispose]();
    },
  };
}
