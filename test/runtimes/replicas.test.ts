/** Several processes of one chaincode with the real shim, over real connections. */
import { once, setMaxListeners } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChaincodeInstance, ChaincodeRuntime } from '../../src/chaincode/ports/runtime.ts';
import { textOf, utf8 } from '../../src/common/bytes.ts';
import { systemClock } from '../../src/common/clock.ts';
import { deferred } from '../../src/common/deferred.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { Scope } from '../../src/common/scope.ts';
import { ChaincodeCa } from '../../src/node/chaincode-certificates.ts';
import type { LaunchSpec } from '../../src/packages/launch-spec.ts';
import { allPlatforms } from '../../src/packages/platforms/platforms.ts';
import { protos } from '../../src/protos/messages.ts';
import { ProcessRuntime } from '../../src/runtimes/process/process-runtime.ts';
import { MemorySimulator } from '../fakes/memory-simulator.ts';
import { fixtures, readFixture } from '../fixtures.ts';
import { freePort, listening } from '../free-ports.ts';
import { chaincodeCache, repository } from '../journeys/network.ts';
import { builtSample } from './built-sample.ts';
import { ServiceRuntime } from './service-runtime.ts';
import { type TestPeer, testPeer } from './test-peer.ts';

const never = new AbortController().signal;
setMaxListeners(0, never); // hundreds wait for the same launch
const cc = { name: 'kv', version: '1', ccid: 'kv:1' };
const MANY = 500;

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

interface Launched {
  readonly spec: LaunchSpec;
  readonly instance: ChaincodeInstance;
}

/** The same runtime; `launched` has every instance that it started. */
function recorded(inner: ChaincodeRuntime) {
  const launched: Launched[] = [];
  const runtime: ChaincodeRuntime = {
    name: inner.name,
    build: (spec, options) => inner.build(spec, options),
    launch: async (spec, options) => {
      const instance = await inner.launch(spec, options);
      launched.push({ spec, instance });
      return instance;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { runtime, launched };
}

/** A peer with kv-node as processes. */
async function peerWith(replicas: number, tls: boolean) {
  const processes = scope.use(
    new ProcessRuntime({
      directory: chaincodeCache,
      platforms: allPlatforms({ host: process.env }),
      host: process.env,
      mspId: 'Org1MSP',
      graceMs: 1_000,
    }),
  );
  const { runtime, launched } = recorded(processes);
  const node = allPlatforms({ host: process.env }).find(({ name }) => name === 'node');
  const codePackage = (await node?.pack(join(repository, 'chaincodes', 'kv-node'))) ?? new Uint8Array(0);
  const authority = tls ? await ChaincodeCa.create(systemClock.now()) : undefined;
  const server = await authority?.server('127.0.0.1');
  const peer = scope.use(
    await testPeer({
      runtime,
      code: { platform: 'node', codePackage, path: '' },
      ...(server && { tls: server }),
      parts: { replicas: () => replicas, certificates: authority, startupTimeoutMs: 240_000, executeTimeoutMs: 240_000 },
    }),
  );
  return { peer, launched };
}

/** A transaction that reads, and gets its answer from the ledger when it is let. */
async function read({ support }: TestPeer, txId: string, gate: Promise<void>): Promise<string> {
  await using simulator = new MemorySimulator({ values: new Map([['kv/key', utf8('value')]]), beforeRead: () => gate }, { txId });
  const signedProposal = protos.SignedProposal.decode(readFixture('v1.1/calls/28-invoke-put/endorse.request.pb'));
  const proposal = { signedProposal, channelId: 'ch', txId, creator: utf8('') };
  const input = { args: ['get', 'key'].map(utf8) };
  const { response } = await support.execute({ chaincode: cc, kind: 'transaction', input, proposal, simulator }, { signal: never });
  return textOf(response.payload);
}

const loadOf = ({ spec }: Launched): number => spec.running?.().length ?? 0;
const totalLoad = (launched: readonly Launched[]): number => launched.reduce((sum, each) => sum + loadOf(each), 0);
const idle = Promise.resolve();

/** Waits until each of `count` processes takes transactions, by giving them some that are held meanwhile. */
async function untilAllServe(peer: TestPeer, launched: readonly Launched[], count: number, gone: readonly Launched[] = []): Promise<void> {
  const gate = deferred<void>();
  const answers: Promise<string>[] = [];
  const serving = (): boolean => {
    if (totalLoad(launched) === answers.length) answers.push(read(peer, `${count} ${answers.length}`, gate.promise));
    return launched.length >= count && launched.every((each) => gone.includes(each) || loadOf(each) > 0);
  };
  await expect.poll(serving).toBe(true);
  gate.resolve();
  await Promise.all(answers);
}

describe.skipIf(fixtures === undefined)('replicas as processes (skipped without fixtures)', () => {
  it.each([
    [2, 'with TLS', true],
    [3, 'with TLS', true],
    [2, 'without TLS', false],
  ])('%d of them %s share 500 transactions, and each loses only its own when it is killed', async (replicas, _, tls) => {
    const { peer, launched } = await peerWith(replicas, tls);
    await Promise.all(Array.from({ length: 20 }, () => peer.support.makeReady(cc, { signal: never })));
    await untilAllServe(peer, launched, replicas);
    expect(launched.map(({ spec }) => spec.replica).sort()).toEqual(Array.from({ length: replicas }, (__, at) => at + 1));

    const gate = deferred<void>();
    const running = Array.from({ length: MANY }, (__, number) => read(peer, `tx${number}`, gate.promise));
    const outcomes = Promise.allSettled(running);
    await expect.poll(() => totalLoad(launched)).toBe(MANY);
    const loads = launched.map(loadOf);
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);

    const victim = launched[1];
    if (victim === undefined) throw new Error('there are two at least');
    const doomed = loadOf(victim);
    process.kill(-Number(victim.instance.id.split('#')[1]), 'SIGKILL');
    await victim.instance.exited;
    await expect.poll(() => launched.length).toBe(replicas + 1);
    gate.resolve();
    const failures = (await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [SelvageError.from(outcome.reason)] : []));
    expect(failures).toHaveLength(doomed);
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['CHAINCODE_STREAM_ENDED']));
    expect((await outcomes).filter((outcome) => outcome.status === 'fulfilled' && outcome.value === 'value')).toHaveLength(MANY - doomed);
    expect(launched.at(-1)?.spec.replica).toBe(victim.spec.replica);
    await untilAllServe(peer, launched, replicas + 1, [victim]);
    expect(await read(peer, 'after', idle)).toBe('value');

    await peer.support.stop('kv:1');
    await Promise.all(launched.map(({ instance }) => instance.exited));
    expect(launched).toHaveLength(replicas + 1);
  });
});

/** Hands each connection to the next of several ports. */
async function balancer(ports: readonly number[]): Promise<number> {
  let taken = 0;
  const server = createServer((socket) => {
    const target = connect(ports[taken % ports.length] ?? 0, '127.0.0.1');
    taken += 1;
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  scope.defer(() => server.close());
  await once(server, 'listening');
  const place = server.address();
  return typeof place === 'object' && place !== null ? place.port : 0;
}

describe.skipIf(fixtures === undefined)('replicas of a service (skipped without fixtures)', () => {
  it('are connections of their own, which a balancer spreads over several processes', async () => {
    const sample = await builtSample(join(repository, 'chaincodes', 'kv-node'), scope);
    const ports = [await freePort(), await freePort()];
    const programs = ports.map((port) => {
      const env = { CHAINCODE_SERVER_ADDRESS: `127.0.0.1:${port}`, CHAINCODE_ID: cc.ccid };
      return scope.use(sample.start('unused', env));
    });
    await Promise.all(ports.map(listening));
    const settings = { address: `127.0.0.1:${await balancer(ports)}`, dialTimeoutMs: 200_000, tls: undefined };
    const { runtime, launched } = recorded(scope.use(new ServiceRuntime({ settingsOf: async () => settings })));
    const restart = { free: 0, firstMs: 1_000_000, mostMs: 1_000_000, stableMs: 0 };
    const peer = scope.use(await testPeer({ runtime, parts: { replicas: () => 2, restart } }));
    await untilAllServe(peer, launched, 2);
    const gate = deferred<void>();
    const both = Promise.allSettled([read(peer, 'one', gate.promise), read(peer, 'other', gate.promise)]);
    await expect.poll(() => launched.map(loadOf)).toEqual([1, 1]);
    await programs[0]?.[Symbol.asyncDispose]();
    await expect.poll(() => launched.length).toBe(3); // its loss was seen, and it is dialled
    gate.resolve();
    expect((await both).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(peer.support.lostServices().size).toBe(0);
    expect(await read(peer, 'after', idle)).toBe('value');
  });
});
