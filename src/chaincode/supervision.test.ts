import { describe, expect, it } from 'vitest';
import { ChaincodeOnStream } from '../../test/fakes/chaincode-on-stream.ts';
import { MemorySimulator } from '../../test/fakes/memory-simulator.ts';
import { ScriptedRuntime } from '../../test/fakes/scripted-runtime.ts';
import { utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import { type LogFields, silent } from '../common/log.ts';
import type { LaunchSpec } from '../packages/launch-spec.ts';
import type { LaunchOutput, OutputLine } from '../packages/output.ts';
import type { protos } from '../protos/messages.ts';
import { ChaincodeSupport, type ChaincodeSupportParts } from './chaincode-support.ts';
import type { ChaincodeInstance, ChaincodeRuntime } from './ports/runtime.ts';
import { Type } from './stream/message-types.ts';

const never = new AbortController().signal;
const ref = (version = '1') => ({ name: 'cc', version, ccid: `cc:${version}` });
const never10s = { free: 0, firstMs: 10_000_000, mostMs: 10_000_000, stableMs: 1_000_000 };

type Answer = (start: protos.ChaincodeMessage, chaincode: ChaincodeOnStream) => Promise<void>;
const ok: Answer = (start, chaincode) => chaincode.complete(start, { status: 200, payload: utf8('ok') });

async function answerAll(chaincode: ChaincodeOnStream, answer: Answer): Promise<void> {
  try {
    for (;;) {
      const message = await chaincode.receiveMessage();
      if (message.type === Type.TRANSACTION) await answer(message, chaincode);
    }
  } catch {
    // the connection is over
  }
}

/** Warnings that were logged, by message. */
function warnings() {
  const heard: (readonly [string, LogFields])[] = [];
  return { heard, logger: { ...silent, warn: (message: string, fields: LogFields = {}) => void heard.push([message, fields]) } };
}

function support(runtime: ChaincodeRuntime, parts: Partial<ChaincodeSupportParts> = {}): ChaincodeSupport {
  return new ChaincodeSupport({
    system: [],
    channels: { get: () => undefined, list: () => [] },
    acl: { check: async () => undefined, checkLocal: async () => undefined },
    definitions: { find: async () => undefined, checkRunnable: async () => undefined },
    collections: { permissions: async () => ({ read: true, write: true }) },
    runtime,
    packages: { load: async () => ({ platform: 'node', codePackage: utf8('code'), path: '' }) },
    userRunsChaincode: false,
    peerAddress: 'peer:7052',
    startupTimeoutMs: 200_000,
    executeTimeoutMs: 200_000,
    totalQueryLimit: 1000,
    ...parts,
  });
}

/** Chaincode that registers and answers; `streams` has each connection. */
function answering(parts: Partial<ChaincodeSupportParts> = {}, answer: Answer = ok) {
  const streams: ChaincodeOnStream[] = [];
  const runtime = new ScriptedRuntime(({ spec }) => {
    const chaincode = new ChaincodeOnStream();
    streams.push(chaincode);
    void peer.serve(chaincode.connection);
    void chaincode.register(spec.ccid).then(() => answerAll(chaincode, answer));
  });
  const peer: ChaincodeSupport = support(runtime, parts);
  return { peer, runtime, streams };
}

const execute = (peer: ChaincodeSupport, txId: string, version?: string) =>
  peer.execute(
    {
      chaincode: ref(version),
      kind: 'transaction',
      input: { args: [utf8('f')] },
      proposal: { signedProposal: { proposalBytes: utf8(''), signature: utf8('') }, channelId: 'ch', txId, creator: utf8('') },
      simulator: new MemorySimulator(),
    },
    { signal: never },
  );

describe('chaincode that fails to start', () => {
  const broken = () => new ScriptedRuntime(() => Promise.reject(new SelvageError('CHAINCODE_LAUNCH_FAILED', 'broken')));

  it('is tried again at once a few times, then waits, and what waits can be stopped', async () => {
    const { heard, logger } = warnings();
    const runtime = broken();
    await using peer = support(runtime, { logger, restart: { ...never10s, free: 2 } });
    for (let time = 0; time < 3; time += 1) await expect(peer.makeReady(ref(), { signal: never })).rejects.toThrow('broken');
    const waiting = peer.makeReady(ref(), { signal: never });
    await expect.poll(() => heard.map(([message]) => message)).toContain('chaincode keeps failing: it is started again after a pause');
    expect(runtime.events).toHaveLength(3);
    await Promise.all([expect(waiting).rejects.toThrow('cc:1 is being stopped'), peer.stop('cc:1')]);
    expect(runtime.events).toHaveLength(3);
  });

  it('goes on after the pause', async () => {
    const runtime = broken();
    await using peer = support(runtime, { restart: { free: 0, firstMs: 1, mostMs: 1, stableMs: 1 } });
    for (let time = 0; time < 5; time += 1) await expect(peer.makeReady(ref(), { signal: never })).rejects.toThrow('broken');
    expect(runtime.events).toHaveLength(5);
  });

  it('costs no pause when its package is missing', async () => {
    const load = () => Promise.reject(new SelvageError('CHAINCODE_NOT_FOUND', 'not installed'));
    await using peer = support(broken(), { packages: { load }, restart: never10s });
    for (let time = 0; time < 5; time += 1) await expect(peer.makeReady(ref(), { signal: never })).rejects.toThrow('not installed');
  });
});

describe('chaincode that crashes', () => {
  it('right after starting counts as failing', async () => {
    const { heard, logger } = warnings();
    const { peer, streams } = answering({ logger, restart: { ...never10s, free: 1 } });
    for (let time = 0; time < 2; time += 1) {
      await peer.makeReady(ref(), { signal: never });
      streams.at(-1)?.close();
      await expect.poll(() => peer.states().get('cc:1')?.at).toBe('stopped');
    }
    const waiting = peer.makeReady(ref(), { signal: never });
    await expect.poll(() => heard.map(([message]) => message)).toContain('chaincode keeps failing: it is started again after a pause');
    await Promise.all([expect(waiting).rejects.toThrow('stopping'), peer[Symbol.asyncDispose]()]);
  });

  it('is started again without a pause when it was stopped on purpose', async () => {
    const { peer, runtime } = answering({ restart: never10s });
    for (let time = 0; time < 5; time += 1) {
      await peer.makeReady(ref(), { signal: never });
      await peer.stop('cc:1');
    }
    expect(runtime.events.filter((event) => event.startsWith('launch'))).toHaveLength(5);
    await peer[Symbol.asyncDispose]();
  });
});

describe('stopping', () => {
  it('lets the transactions that run come to their end', async () => {
    const begun = deferred<void>();
    const gate = deferred<void>();
    const { peer, runtime } = answering({ drainMs: 1_000_000 }, async (start, chaincode) => {
      begun.resolve();
      await gate.promise;
      await ok(start, chaincode);
    });
    const running = execute(peer, 't1');
    await begun.promise;
    const stopped = peer.stop('cc:1');
    expect(runtime.events).toEqual(['launch cc:1']);
    gate.resolve();
    expect((await running).response.status).toBe(200);
    await stopped;
    expect(runtime.events).toEqual(['launch cc:1', 'stop cc:1']);
    await peer[Symbol.asyncDispose]();
  });

  it('fails them when they take too long', async () => {
    const begun = deferred<void>();
    const { peer } = answering({ drainMs: 10 }, async () => begun.resolve());
    const running = execute(peer, 't1');
    await begun.promise;
    await Promise.all([expect(running).rejects.toMatchObject({ code: 'CHAINCODE_STREAM_ENDED' }), peer.stop('cc:1')]);
    await peer[Symbol.asyncDispose]();
  });
});

describe('another version', () => {
  it('has the older one stopped once nobody wants it', async () => {
    const { peer, runtime } = answering({ retireAfterMs: 5 });
    await execute(peer, 't1', '1');
    await execute(peer, 't2', '2');
    await expect.poll(() => runtime.events).toEqual(['launch cc:1', 'launch cc:2', 'stop cc:1']);
    await execute(peer, 't3', '1');
    await expect.poll(() => runtime.events.slice(3)).toEqual(['launch cc:1', 'stop cc:2']);
    await expect.poll(() => [...peer.states().keys()]).toEqual(['cc:1']);
    await peer[Symbol.asyncDispose]();
  });

  it('leaves nothing of those before, however many there were', async () => {
    const { peer } = answering({ retireAfterMs: 0 });
    for (let version = 1; version <= 20; version += 1) await execute(peer, `t${version}`, String(version));
    await expect.poll(() => [...peer.states().keys()]).toEqual(['cc:20']);
    await peer.stop('cc:20');
    expect(peer.states().size).toBe(0);
    await peer[Symbol.asyncDispose]();
  });

  it('does not disturb a transaction of the older one', async () => {
    const begun = deferred<void>();
    const gate = deferred<void>();
    const { peer, runtime } = answering({ retireAfterMs: 0 }, async (start, chaincode) => {
      if (start.txid === 'slow') {
        begun.resolve();
        await gate.promise;
      }
      await ok(start, chaincode);
    });
    const slow = execute(peer, 'slow', '1');
    await begun.promise;
    await execute(peer, 't2', '2');
    gate.resolve();
    expect((await slow).response.status).toBe(200);
    await expect.poll(() => runtime.events).toContain('stop cc:1');
    await peer[Symbol.asyncDispose]();
  });

  it('leaves the older one alone unless that is wanted', async () => {
    const { peer, runtime } = answering();
    await execute(peer, 't1', '1');
    await execute(peer, 't2', '2');
    expect(runtime.running).toBe(2);
    await peer[Symbol.asyncDispose]();
  });
});

/** Services in memory: each dial gives a connection, or fails while `down`. */
class Services implements ChaincodeRuntime {
  readonly name = 'services';
  readonly dialled: ChaincodeOnStream[] = [];
  attempts = 0;
  down = false;

  async build(): Promise<void> {}

  async launch({ ccid }: LaunchSpec): Promise<ChaincodeInstance> {
    const chaincode = new ChaincodeOnStream({ madeFor: ccid });
    return {
      id: `${ccid}@memory`,
      exited: new Promise(() => undefined),
      connect: async () => {
        this.attempts += 1;
        if (this.down) throw new SelvageError('PEER_UNREACHABLE', 'nobody is there');
        this.dialled.push(chaincode);
        void chaincode.register(ccid).then(() => answerAll(chaincode, ok));
        return chaincode.connection;
      },
      [Symbol.asyncDispose]: async () => chaincode.close(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

describe('a service that was lost', () => {
  it('is dialled until it is back, without a call', async () => {
    const services = new Services();
    const peer = support(services, { restart: { free: 0, firstMs: 1, mostMs: 1, stableMs: 1000 } });
    await execute(peer, 't1');
    services.down = true;
    services.dialled[0]?.close();
    await expect.poll(() => services.attempts).toBeGreaterThan(3);
    expect([...peer.lostServices().keys()]).toEqual(['cc:1']);
    services.down = false;
    await expect.poll(() => peer.states().get('cc:1')?.at).toBe('ready');
    expect(peer.lostServices().size).toBe(0);
    expect((await execute(peer, 't2')).response.status).toBe(200);
    await peer[Symbol.asyncDispose]();
  });

  it('is dialled at once by a call, however long the pause', async () => {
    const services = new Services();
    const peer = support(services, { restart: never10s });
    await execute(peer, 't1');
    services.down = true;
    services.dialled[0]?.close();
    await expect.poll(() => services.attempts).toBe(2);
    await expect(execute(peer, 't2')).rejects.toThrow('connection to cc:1 failed: nobody is there');
    services.down = false;
    expect((await execute(peer, 't3')).response.status).toBe(200);
    await peer[Symbol.asyncDispose]();
    expect(peer.lostServices().size).toBe(0);
    expect(peer.states().get('cc:1')?.at).toBe('stopped');
  });
});

describe('output', () => {
  it('is kept from the build to the end of the launch', async () => {
    const kept: string[] = [];
    const output = {
      open: async (ccid: string): Promise<LaunchOutput> => ({
        line: ({ stream, text }: OutputLine) => void kept.push(`${ccid} ${stream} ${text}`),
        [Symbol.asyncDispose]: async () => void kept.push('closed'),
      }),
    };
    const runtime = new ScriptedRuntime(({ spec }) => {
      spec.output?.({ stream: 'build', text: 'compiling' });
      throw new SelvageError('CHAINCODE_BUILD_FAILED', 'no compiler');
    });
    await using peer = support(runtime, { output });
    await expect(peer.makeReady(ref(), { signal: never })).rejects.toThrow('no compiler');
    expect(kept).toEqual(['cc:1 build compiling', 'closed']);
  });
});
