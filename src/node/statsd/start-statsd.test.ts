import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { deferred } from '../../common/deferred.ts';
import { type Logger, silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { startStatsd } from './start-statsd.ts';
import { StatsdMetrics } from './statsd-metrics.ts';

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

/** A StatsD server that hears; `until` resolves when the text that came has all of these in it. */
async function server(network: 'udp' | 'tcp') {
  let [heard, waiting]: [string, (() => void)[]] = ['', []];
  const add = (bytes: Buffer): void => {
    heard += bytes.toString();
    for (const each of waiting) each();
  };
  const until = (...parts: readonly string[]): Promise<void> => {
    const there = deferred<void>();
    const look = (): void => {
      if (parts.every((part) => heard.includes(part))) there.resolve();
    };
    waiting = [...waiting, look];
    look();
    return there.promise;
  };
  if (network === 'udp') {
    const socket = createSocket('udp4').on('message', add);
    scope.defer(() => socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return { address: `127.0.0.1:${socket.address().port}`, until, heard: () => heard };
  }
  const listening = createServer((socket: Socket) => socket.on('data', add).on('error', () => undefined));
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  scope.defer(() => listening.close());
  const { port } = listening.address() as { readonly port: number };
  return { address: `127.0.0.1:${port}`, until, heard: () => heard };
}

describe.each(['udp', 'tcp'] as const)('StatsD over %s', (network) => {
  it('hears what was measured, each interval and once more at the end', async () => {
    const { address, until } = await server(network);
    const metrics = new StatsdMetrics('peer');
    const timers = new FakeTimers();
    const sending = startStatsd({ network, address, writeIntervalMs: 5_000, prefix: 'peer' }, { metrics, timers, log: silent });
    const counter = metrics.counter('endorser_proposals_received', '');
    for (let at = 0; at < 500; at += 1) metrics.gauge('ledger_blockchain_height', '', { channel: `c${at}` }).set(at);
    counter.add(3);
    await timers.advance(5_000);
    await until('peer.endorser.proposals_received:3.000000|c', 'peer.go.mem.gc_completed_count:', 'blockchain_height.c499:499.000000|g\n');
    counter.add(4);
    await sending[Symbol.asyncDispose]();
    await until('peer.endorser.proposals_received:4.000000|c');
  });
});

it('a StatsD server that is not there is told of once, and takes nothing with it', async () => {
  const lines: string[] = [];
  const log: Logger = { ...silent, warn: (text) => void lines.push(text), info: (text) => void lines.push(text) };
  const address = '127.0.0.1:0'; // nobody can listen there
  const metrics = new StatsdMetrics('');
  const timers = new FakeTimers();
  const sending = startStatsd({ network: 'tcp', address, writeIntervalMs: 5_000, prefix: '' }, { metrics, timers, log });
  for (const _ of [1, 2, 3]) {
    metrics.counter('endorser_proposals_received', '').add();
    await timers.advance(5_000);
  }
  await sending[Symbol.asyncDispose]();
  expect(lines).toEqual(['metrics cannot be sent to StatsD; what was measured meanwhile is lost']);
});
