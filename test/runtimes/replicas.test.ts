/** Several processes of one chaincode with the real shim, over real connections. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allPlatforms } from '../../src/chaincode/platforms/platforms.ts';
import type { ChaincodeInstance, ChaincodeRuntime, LaunchSpec } from '../../src/chaincode/runtime.ts';
import { textOf, utf8 } from '../../src/common/bytes.ts';
import { systemClock } from '../../src/common/clock.ts';
import { deferred } from '../../src/common/deferred.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { Scope } from '../../src/common/scope.ts';
import { ChaincodeCa } from '../../src/node/chaincode-certificates.ts';
import { protos } from '../../src/protos/messages.ts';
import { ProcessRuntime } from '../../src/runtimes/process/process-runtime.ts';
import { MemorySimulator } from '../fakes/memory-simulator.ts';
import { fixtures, readFixture } from '../fixtures.ts';
import { chaincodeCache, repository } from '../journeys/network.ts';
import { type TestPeer, testPeer } from './test-peer.ts';

const never = new AbortController().signal;
setMaxListeners(0, never); // hundreds wait for the same launch
const cc = { name: 'kv', version: '1', ccid: 'kv:1' };
const MANY = 500;

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose](), 60_000);

interface Launched {
  readonly spec: LaunchSpec;
  readonly instance: ChaincodeInstance;
}

/** A peer with kv-node. `launched` has every process that was started. */
async function peerWith(replicas: number, tls: boolean) {
  const launched: Launched[] = [];
  const processes = scope.use(
    new ProcessRuntime({
      directory: chaincodeCache,
      platforms: allPlatforms({ host: process.env }),
      host: process.env,
      mspId: 'Org1MSP',
      graceMs: 1_000,
    }),
  );
  const runtime: ChaincodeRuntime = {
    name: 'process',
    build: (spec, options) => processes.build(spec, options),
    launch: async (spec, options) => {
      const instance = await processes.launch(spec, options);
      launched.push({ spec, instance });
      return instance;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
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
  do {
    answers.push(read(peer, `${count} ${answers.length}`, gate.promise));
    await expect.poll(() => totalLoad(launched), { timeout: 60_000 }).toBe(answers.length);
  } while (launched.length < count || launched.some((each) => !gone.includes(each) && loadOf(each) === 0));
  gate.resolve();
  await Promise.all(answers);
}

describe.skipIf(fixtures === undefined)('replicas as processes (skipped without fixtures)', () => {
  it.each([
    [2, 'with TLS', true],
    [3, 'with TLS', true],
    [2, 'without TLS', false],
  ])(
    '%d of them %s share 500 transactions, and each loses only its own when it is killed',
    async (replicas, _, tls) => {
      const { peer, launched } = await peerWith(replicas, tls);
      await Promise.all(Array.from({ length: 20 }, () => peer.support.makeReady(cc, { signal: never })));
      await untilAllServe(peer, launched, replicas);
      expect(launched.map(({ spec }) => spec.replica).sort()).toEqual(Array.from({ length: replicas }, (__, at) => at + 1));

      const gate = deferred<void>();
      const running = Array.from({ length: MANY }, (__, number) => read(peer, `tx${number}`, gate.promise));
      const outcomes = Promise.allSettled(running);
      expect(launched.map(loadOf).reduce((sum, load) => sum + load, 0)).toBe(0);
      await expect.poll(() => launched.map(loadOf).reduce((sum, load) => sum + load, 0), { timeout: 60_000 }).toBe(MANY);
      const loads = launched.map(loadOf);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);

      const victim = launched[1];
      if (victim === undefined) throw new Error('there are two at least');
      const doomed = loadOf(victim);
      process.kill(-Number(victim.instance.id.split('#')[1]), 'SIGKILL');
      await victim.instance.exited;
      await expect.poll(() => launched.length, { timeout: 60_000 }).toBe(replicas + 1);
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
    },
    300_000,
  );
});
