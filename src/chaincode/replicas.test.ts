import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChaincodeOnStream } from '../../test/fakes/chaincode-on-stream.ts';
import { MemorySimulator } from '../../test/fakes/memory-simulator.ts';
import { type ScriptedInstance, ScriptedRuntime } from '../../test/fakes/scripted-runtime.ts';
import type { Channel } from '../channel/channel.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { type Deferred, deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import type { Metrics } from '../common/metrics.ts';
import type { ChaincodeDefinition } from '../lifecycle/definitions.ts';
import { protos } from '../protos/messages.ts';
import { ChaincodeSupport, type ChaincodeSupportParts } from './chaincode-support.ts';
import type { ChaincodeCall } from './chaincodes.ts';
import type { ChaincodeRuntime } from './ports/runtime.ts';
import { Type } from './stream/message-types.ts';

const never = new AbortController().signal;
const cc = (version = '1') => ({ name: 'cc', version, ccid: `cc:${version}` });

type Behaviour = (start: protos.ChaincodeMessage, chaincode: Connected) => Promise<void>;
const ok: Behaviour = (start, { stream, instance }) =>
  stream.complete(start, { status: 200, payload: utf8(String(instance.spec.replica)) });

interface Connected {
  readonly instance: ScriptedInstance;
  readonly stream: ChaincodeOnStream;
  /** Who waits for the peer's answer, by transaction. */
  readonly asked: Map<string, Deferred<protos.ChaincodeMessage>>;
}

interface World {
  readonly replicas?: number;
  readonly tls?: boolean;
  readonly behave?: Behaviour;
  /** Before it registers; rejecting fails the launch. */
  readonly starting?: (instance: ScriptedInstance) => Promise<void> | void;
  readonly parts?: Partial<ChaincodeSupportParts>;
}

/** Certificates whose hash is the number that stands in their text. */
function certificates() {
  let issued = 0;
  return {
    issue: async () => {
      issued += 1;
      return { clientKey: 'key', clientCert: String(issued), rootCert: 'root', certificateHash: new Uint8Array([issued]) };
    },
  };
}

const open: AsyncDisposable[] = [];
let connected: Connected[];
beforeEach(() => {
  connected = [];
});
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

/** A peer whose chaincode is scripted; each replica dials it with the certificate of its launch. */
function peer({ replicas = 3, tls = true, behave = ok, starting = () => undefined, parts }: World = {}) {
  const connect = async (instance: ScriptedInstance): Promise<void> => {
    await starting(instance);
    if (!instance.running) return;
    const peerCertificateHash = tls ? new Uint8Array([Number(instance.spec.tls?.clientCert)]) : undefined;
    const stream = new ChaincodeOnStream({ peerCertificateHash });
    void support.serve(stream.connection);
    await stream.register(instance.spec.ccid);
    const self: Connected = { instance, stream, asked: new Map() };
    connected.push(self);
    for (;;) {
      const message = await stream.receiveMessage();
      if (message.type === Type.TRANSACTION) void behave(message, self).catch(() => undefined);
      else self.asked.get(message.txid)?.resolve(message);
    }
  };
  const runtime = new ScriptedRuntime((instance) => void connect(instance).catch(() => undefined));
  const channel = { id: 'ch', bundle: () => ({}), ledger: { simulate: async () => new MemorySimulator() } } as unknown as Channel;
  const support: ChaincodeSupport = new ChaincodeSupport({
    system: [],
    channels: { get: () => channel, list: () => [] },
    acl: { check: async () => undefined, checkLocal: async () => undefined },
    definitions: {
      find: async (_, name) => ({ ...cc(), name, ccid: `${name}:1` }) as ChaincodeDefinition,
      checkRunnable: async () => undefined,
    },
    collections: { permissions: async () => ({ read: true, write: true }) },
    runtime,
    packages: { load: async () => ({ platform: 'node', codePackage: utf8('code'), path: '' }) },
    certificates: tls ? certificates() : undefined,
    userRunsChaincode: false,
    replicas: () => replicas,
    peerAddress: 'peer:7052',
    startupTimeoutMs: 200_000,
    executeTimeoutMs: 200_000,
    totalQueryLimit: 1000,
    ...parts,
  });
  open.push(support);
  return { support, runtime };
}

const proposal = (txId: string, channelId = 'ch') => ({
  signedProposal: { proposalBytes: utf8(''), signature: utf8('') },
  channelId,
  txId,
  creator: utf8(''),
});

const call = (txId: string, overrides: Partial<ChaincodeCall> = {}): ChaincodeCall => ({
  chaincode: cc(),
  kind: 'transaction',
  input: { args: [utf8('f')] },
  proposal: proposal(txId),
  simulator: new MemorySimulator(),
  ...overrides,
});

/** @returns the number of the replica that answered */
async function execute(support: ChaincodeSupport, txId: string, overrides: Partial<ChaincodeCall> = {}): Promise<string> {
  const { response } = await support.execute(call(txId, overrides), { signal: never });
  return textOf(response.payload);
}

const all = async (support: ChaincodeSupport, count = 3): Promise<void> => {
  await support.makeReady(cc(), { signal: never });
  await expect.poll(() => connected.length).toBe(count);
};

/** How many transactions each replica works on, by its number. */
const loads = () =>
  connected
    .map(({ instance }) => [instance.spec.replica, instance.spec.running?.().length] as const)
    .sort(([a = 0], [b = 0]) => a - b)
    .map(([, load]) => load);

const at = (replica: number): Connected => {
  const found = connected.findLast(({ instance }) => instance.spec.replica === replica);
  if (found === undefined) throw new Error(`replica ${replica} is not connected`);
  return found;
};

const crash = ({ instance, stream }: Connected): void => {
  instance.exit({ code: 3, lastOutput: ['ouch'] });
  stream.close();
};

/** Time for whatever would happen by itself. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
}

/** Answers when it is let. */
function held(): { readonly behave: Behaviour; readonly gate: Deferred<void> } {
  const gate = deferred<void>();
  return {
    gate,
    behave: async (start, chaincode) => {
      await gate.promise;
      await ok(start, chaincode);
    },
  };
}

describe('replicas of a chaincode', () => {
  it('are as many as are wanted, however many ask at once, and one alone has no number', async () => {
    const { support, runtime } = peer();
    await Promise.all(Array.from({ length: 20 }, () => support.makeReady(cc(), { signal: never })));
    await expect.poll(() => connected.length).toBe(3);
    expect(runtime.instances.map(({ spec }) => spec.replica)).toEqual([1, 2, 3]);
    const single = peer({ replicas: 1 });
    await single.support.makeReady(cc(), { signal: never });
    expect(single.runtime.instances.map(({ spec }) => spec.replica)).toEqual([undefined]);
  });

  it('share the transactions: who comes goes where the fewest are', async () => {
    const { behave, gate } = held();
    const { support } = peer({ behave });
    await all(support);
    const running = Array.from({ length: 7 }, (_, number) => execute(support, `t${number}`));
    await expect.poll(() => loads().reduce((sum: number, load = 0) => sum + load, 0)).toBe(7);
    expect(loads()).toEqual([3, 2, 2]);
    gate.resolve();
    const answers = await Promise.all(running);
    expect(answers.filter((answer) => answer === '2')).toHaveLength(2);
    expect(loads()).toEqual([0, 0, 0]);
  });

  it('are of use when the first is ready', async () => {
    const slow = deferred<void>();
    const { support } = peer({ starting: ({ spec }) => (spec.replica === 2 ? undefined : slow.promise) });
    expect(await execute(support, 't1')).toBe('2');
    expect(support.states().get('cc:1')).toMatchObject({ at: 'ready' });
    slow.resolve();
    await expect.poll(() => connected.length).toBe(3);
  });

  it('say how many are up and what each works on', async () => {
    const gauges = new Map<string, number>();
    const gauge: Metrics['gauge'] = (name, _, labels = {}) => {
      const key = `${name} ${labels['chaincode']} ${labels['replica']}`;
      return {
        set: (value) => void gauges.set(key, value),
        add: (amount) => void gauges.set(key, (gauges.get(key) ?? 0) + amount),
      };
    };
    const other = { add: () => undefined, observe: () => undefined };
    const { behave, gate } = held();
    const { support } = peer({ replicas: 2, behave, parts: { metrics: { gauge, counter: () => other, histogram: () => other } } });
    await all(support, 2);
    const running = [execute(support, 't1'), execute(support, 't2')];
    await expect.poll(() => loads()).toEqual([1, 1]);
    expect([...gauges]).toEqual(
      expect.arrayContaining([
        ['selvage_chaincode_replica_up cc 1', 1],
        ['selvage_chaincode_replica_up cc 2', 1],
        ['selvage_chaincode_open_transactions cc 1', 1],
        ['selvage_chaincode_open_transactions cc 2', 1],
      ]),
    );
    gate.resolve();
    await Promise.all(running);
    await support.stop('cc:1');
    expect([...gauges.values()]).toEqual([0, 0, 0, 0]);
  });
});

describe('a transaction', () => {
  it('stays with its replica from call to call', async () => {
    const { behave, gate } = held();
    const { support } = peer({ behave: (start, chaincode) => (start.txid === 'long' ? behave(start, chaincode) : ok(start, chaincode)) });
    await all(support);
    const same = proposal('t');
    expect(await execute(support, 't', { proposal: same })).toBe('1');
    const long = execute(support, 'long');
    await expect.poll(() => loads()).toEqual([1, 0, 0]);
    expect(await execute(support, 't', { proposal: same })).toBe('1');
    expect(await execute(support, 't', { proposal: { ...same, channelId: 'other' } })).toBe('1');
    expect(await execute(support, 't')).toBe('2'); // another proposal, though of that id
    gate.resolve();
    await long;
  });

  it('that runs already is refused, as with a single instance', async () => {
    const { behave, gate } = held();
    const { support } = peer({ behave });
    await all(support);
    const first = execute(support, 't');
    await expect(execute(support, 't')).rejects.toThrow('error sending: txid: t(ch) exists');
    gate.resolve();
    await first;
    expect(await execute(support, 't')).toBe('1');
  });

  it('does not get back into its own chaincode on its channel, but on another one it does', async () => {
    const { support } = peer({
      behave: async (start, chaincode) => {
        const name = { inner: 'cc', outer: 'cc/other' }[start.txid];
        if (name === undefined || start.channelId === 'other') return ok(start, chaincode);
        const { type, payload } = await callChaincode(start, chaincode, name);
        const inner =
          type === Type.RESPONSE
            ? textOf(protos.Response.decode(protos.ChaincodeMessage.decode(payload).payload).payload)
            : textOf(payload);
        await chaincode.stream.complete(start, { status: 200, payload: utf8(`${chaincode.instance.spec.replica} ${inner}`) });
      },
    });
    await all(support);
    expect(await execute(support, 'inner')).toMatch(/txid: inner\(ch\) exists/);
    expect(await execute(support, 'outer')).toBe('1 1');
  });
});

async function callChaincode(start: protos.ChaincodeMessage, { stream, asked }: Connected, name: string): Promise<protos.ChaincodeMessage> {
  const { txid, channelId } = start;
  const answer = deferred<protos.ChaincodeMessage>();
  asked.set(txid, answer);
  const payload = protos.ChaincodeSpec.encode({ chaincodeId: { name }, input: { args: [utf8('f')] } });
  await stream.send({ type: Type.INVOKE_CHAINCODE, payload, txid, channelId });
  return answer.promise;
}

describe('a replica that crashes', () => {
  it('fails its own transactions, and is started again without a call', async () => {
    const { behave, gate } = held();
    const { support, runtime } = peer({ behave });
    await all(support);
    const running = Promise.allSettled(Array.from({ length: 6 }, (_, number) => execute(support, `t${number}`)));
    await expect.poll(() => loads()).toEqual([2, 2, 2]);
    crash(at(2));
    await expect.poll(() => connected.length).toBe(4);
    expect(runtime.instances.map(({ spec }) => spec.replica)).toEqual([1, 2, 3, 2]);
    gate.resolve();
    const failures = (await running).filter((outcome) => outcome.status === 'rejected').map(({ reason }) => SelvageError.from(reason));
    expect(failures).toHaveLength(2);
    for (const { code, message } of failures) {
      expect(code).toBe('CHAINCODE_STREAM_ENDED');
      expect(message).toContain('exited with 3');
    }
    expect(runtime.running).toBe(3);
  });

  it('is started more and more rarely while the others go on, until the chaincode is stopped', async () => {
    const refused = deferred<void>();
    let crashes = 0;
    const { support, runtime } = peer({
      parts: { restart: { free: 0, firstMs: 1_000_000, mostMs: 1_000_000, stableMs: 0 } },
      starting: ({ spec, exit }) => {
        if (spec.replica !== 2) return;
        crashes += 1;
        exit({ code: 1 });
        refused.resolve();
      },
    });
    await all(support, 2);
    await refused.promise;
    await turns();
    expect(crashes).toBe(1);
    expect(await execute(support, 't1')).toMatch(/[13]/);
    await support.stop('cc:1');
    expect(runtime.running).toBe(0);
    expect(support.states().has('cc:1')).toBe(false);
  });

  it('waits for the next call when it was the last', async () => {
    const failed = deferred<void>();
    const { support, runtime } = peer({
      replicas: 2,
      parts: { restart: { free: 1, firstMs: 1_000_000, mostMs: 1_000_000, stableMs: 1_000_000 } },
      starting: ({ spec, exit }) => {
        if (spec.replica !== 2) return;
        exit({ code: 1 });
        failed.resolve();
      },
    });
    const launches = () => runtime.instances.map(({ spec }) => spec.replica);
    await all(support, 1);
    await failed.promise;
    await turns();
    const before = launches();
    crash(at(1));
    await turns();
    expect(launches()).toEqual(before);
    expect(support.states().get('cc:1')?.at).toBe('stopped');
    expect(await execute(support, 't1')).toBe('1');
    expect(launches().slice(before.length)).toContain(1);
  });

  it('leaves a transaction that goes on to another one', async () => {
    const restart = { free: 0, firstMs: 1_000_000, mostMs: 1_000_000, stableMs: 1_000_000 };
    const { support } = peer({ replicas: 2, parts: { restart } });
    await all(support, 2);
    const same = proposal('t');
    const first = await execute(support, 't', { proposal: same });
    crash(at(Number(first)));
    await turns(); // until the peer hears of it
    expect(await execute(support, 't', { proposal: same })).toBe(first === '1' ? '2' : '1');
  });
});

describe('a replica that is silent', () => {
  it('is stopped and started again; the others are left alone', async () => {
    const { support, runtime } = peer({
      parts: { executeTimeoutMs: 1_000 },
      behave: (start, chaincode) => (start.txid === 'silent' ? Promise.resolve() : ok(start, chaincode)),
    });
    await all(support);
    await expect(execute(support, 'silent')).rejects.toThrow('the chaincode was silent for the whole execute timeout');
    await expect.poll(() => connected.length).toBe(4);
    expect(runtime.events.filter((event) => event.startsWith('stop'))).toHaveLength(1);
    expect(at(1).instance).not.toBe(runtime.instances[0]);
  });
});

describe('stopping', () => {
  it('stops every replica when its transactions are over', async () => {
    const { behave, gate } = held();
    const { support, runtime } = peer({ behave, parts: { drainMs: 1_000_000 } });
    await all(support);
    const running = Array.from({ length: 3 }, (_, number) => execute(support, `t${number}`));
    await expect.poll(() => loads()).toEqual([1, 1, 1]);
    const stopped = support.stop('cc:1');
    await turns();
    expect(runtime.running).toBe(3);
    gate.resolve();
    expect((await Promise.all(running)).sort()).toEqual(['1', '2', '3']);
    await stopped;
    expect(runtime.running).toBe(0);
    await turns();
    expect(runtime.instances).toHaveLength(3);
  });

  it('gives up what is being launched', async () => {
    const { support, runtime } = peer({ starting: ({ spec }) => (spec.replica === 1 ? undefined : new Promise(() => undefined)) });
    await support.makeReady(cc(), { signal: never });
    await support[Symbol.asyncDispose]();
    expect(runtime.running).toBe(0);
    await turns();
    expect(runtime.instances).toHaveLength(3);
  });

  it('of an older version takes all of it', async () => {
    const { support, runtime } = peer({ replicas: 2, parts: { retireAfterMs: 5 } });
    await all(support, 2);
    await support.makeReady(cc('2'), { signal: never });
    await expect.poll(() => runtime.instances.filter(({ running }) => running).map(({ spec }) => spec.ccid)).toEqual(['cc:2', 'cc:2']);
  });
});

describe('replicas that cannot be started', () => {
  it('fail the call with the reason of one, and the next call tries again', async () => {
    let broken = true;
    const { support, runtime } = peer({
      starting: ({ exit }) => {
        if (broken) exit({ code: 5 });
      },
    });
    await expect(execute(support, 't1')).rejects.toThrow('container exited with 5');
    await expect.poll(() => support.states().get('cc:1')?.at).toBe('stopped');
    expect(runtime.instances).toHaveLength(3);
    broken = false;
    await all(support);
  });
});

describe('without TLS', () => {
  it('one replica is launched after another, because nothing else tells their streams apart', async () => {
    const gates = [deferred<void>(), deferred<void>(), deferred<void>()];
    const { support, runtime } = peer({ tls: false, starting: ({ spec }) => gates[(spec.replica ?? 0) - 1]?.promise });
    const ready = Promise.all(Array.from({ length: 20 }, () => support.makeReady(cc(), { signal: never })));
    for (const [number, gate] of gates.entries()) {
      await expect.poll(() => runtime.instances.length).toBe(number + 1);
      await turns();
      expect(runtime.instances).toHaveLength(number + 1);
      gate.resolve();
      if (number === 0) await ready;
    }
    await expect.poll(() => connected.length).toBe(3);
    await support.stop('cc:1');
    expect(runtime.running).toBe(0);
  });

  it('the failure of the first is the failure of the call', async () => {
    const { support, runtime } = peer({ tls: false, starting: ({ exit }) => exit({ code: 5 }) });
    await expect(execute(support, 't1')).rejects.toThrow('container exited with 5');
    await turns();
    expect(runtime.instances).toHaveLength(1);
  });
});

describe('a service', () => {
  it('is dialled once per replica, and lost when no connection is left', async () => {
    const dialled: ChaincodeOnStream[] = [];
    let reachable = true;
    const runtime: ChaincodeRuntime = {
      name: 'services',
      build: async () => undefined,
      launch: async ({ ccid }) => {
        const chaincode = new ChaincodeOnStream({ madeFor: ccid });
        return {
          id: ccid,
          exited: new Promise(() => undefined),
          connect: async () => {
            if (!reachable) throw new SelvageError('PEER_UNREACHABLE', 'nobody is there');
            dialled.push(chaincode);
            void chaincode.register(ccid);
            return chaincode.connection;
          },
          [Symbol.asyncDispose]: async () => chaincode.close(),
        };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const { support } = peer({ replicas: 2, parts: { runtime, restart: { free: 0, firstMs: 1, mostMs: 1, stableMs: 1000 } } });
    await support.makeReady(cc(), { signal: never });
    await expect.poll(() => dialled.length).toBe(2);
    reachable = false;
    dialled[0]?.close();
    await turns();
    expect(support.lostServices().size).toBe(0);
    expect(support.states().get('cc:1')?.at).toBe('ready');
    dialled[1]?.close();
    await expect.poll(() => [...support.lostServices().keys()]).toEqual(['cc:1']);
    reachable = true;
    await expect.poll(() => dialled.length).toBe(4);
    await expect.poll(() => support.lostServices().size).toBe(0);
  });
});
