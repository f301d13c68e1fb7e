import { describe, expect, it } from 'vitest';
import { ChaincodeOnStream } from '../../test/fakes/chaincode-on-stream.ts';
import { MemorySimulator } from '../../test/fakes/memory-simulator.ts';
import { type Script, ScriptedRuntime } from '../../test/fakes/scripted-runtime.ts';
import type { Channel } from '../channel/channel.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import type { ChaincodeDefinition } from '../lifecycle/definitions.ts';
import { protos } from '../protos/messages.ts';
import { ChaincodeSupport, type ChaincodeSupportParts } from './chaincode-support.ts';
import type { ChaincodeCall } from './chaincodes.ts';
import type { Debuggee } from './ports/debugging.ts';
import { Type } from './stream/message-types.ts';
import type { SystemChaincode } from './system.ts';

const never = new AbortController().signal;
const cc = { name: 'cc', version: '1', ccid: 'cc:1' };

/** A chaincode that registers, then answers every transaction by `behave`. */
type Behaviour = (start: protos.ChaincodeMessage, chaincode: ChaincodeOnStream) => Promise<void>;

const answerOk: Behaviour = (start, chaincode) => chaincode.complete(start, { status: 200, payload: utf8('ok') });

interface World {
  readonly behave?: Behaviour;
  readonly script?: Script;
  readonly parts?: Partial<ChaincodeSupportParts>;
  readonly onStop?: () => Promise<void>;
}

const qscc: SystemChaincode = {
  name: 'qscc',
  fromProposal: true,
  fromChaincode: true,
  invoke: async ({ input }) => ({ status: 200, message: '', payload: input.args?.[0] ?? utf8('') }),
};

/** A peer whose chaincodes live in memory. `connected` is the latest one. */
function peer({ behave = answerOk, script, parts, onStop }: World = {}) {
  const connected: ChaincodeOnStream[] = [];
  const connect = async (ccid: string): Promise<ChaincodeOnStream> => {
    const chaincode = new ChaincodeOnStream();
    connected.push(chaincode);
    void support.serve({ ...chaincode.connection, remote: ccid });
    await chaincode.register(ccid);
    void serve(chaincode, behave);
    return chaincode;
  };
  const runtime = new ScriptedRuntime(script ?? (({ spec }) => void connect(spec.ccid)), onStop);
  const channel = { id: 'ch', bundle: () => ({}), ledger: { simulate: async () => new MemorySimulator() } } as unknown as Channel;
  const support: ChaincodeSupport = new ChaincodeSupport({
    system: [qscc],
    channels: { get: (id) => (['ch', 'other'].includes(id) ? channel : undefined), list: () => [] },
    acl: { check: async () => undefined, checkLocal: async () => undefined },
    definitions: {
      find: async (_, name) => ({ ...cc, name, ccid: `${name}:1` }) as ChaincodeDefinition,
      checkRunnable: async () => undefined,
    },
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
  return { support, runtime, connected, connect };
}

async function serve(chaincode: ChaincodeOnStream, behave: Behaviour): Promise<void> {
  try {
    for (;;) {
      const message = await chaincode.receiveMessage();
      if (message.type === Type.INIT || message.type === Type.TRANSACTION) await behave(message, chaincode);
    }
  } catch {
    // the peer closed the connection
  }
}

function call(txId: string, overrides: Partial<ChaincodeCall> = {}): ChaincodeCall {
  const proposal = { signedProposal: { proposalBytes: utf8(''), signature: utf8('') }, channelId: 'ch', txId, creator: utf8('') };
  return { chaincode: cc, kind: 'transaction', input: { args: [utf8('f')] }, proposal, simulator: new MemorySimulator(), ...overrides };
}

describe('execute', () => {
  it('launches, runs and returns the response', async () => {
    const { support, runtime } = peer();
    await support.makeReady(cc, { signal: never });
    const { response, event } = await support.execute(call('t'), { signal: never });
    expect(response).toMatchObject({ status: 200, payload: Buffer.from('ok') });
    expect(event).toBeUndefined();
    expect(runtime.events).toEqual(['launch cc:1']);
    await support[Symbol.asyncDispose]();
    expect(runtime.running).toBe(0);
  });

  it('sends INIT for an init and passes decorations on', async () => {
    const seen: protos.ChaincodeMessage[] = [];
    const { support } = peer({
      behave: (start, chaincode) => {
        seen.push(start);
        return answerOk(start, chaincode);
      },
    });
    await support.execute(call('t', { kind: 'init', input: { args: [], decorations: new Map([['d', utf8('v')]]) } }), { signal: never });
    expect(seen[0]?.type).toBe(Type.INIT);
    expect([...protos.ChaincodeInput.decode(seen[0]?.payload ?? utf8('')).decorations]).toEqual([['d', Buffer.from('v')]]);
    await support[Symbol.asyncDispose]();
  });

  it('lets the runtime know what an instance works on', async () => {
    const seen: unknown[] = [];
    const { support, runtime } = peer({
      behave: async (start, chaincode) => {
        seen.push(runtime.instances[0]?.spec.running?.());
        await answerOk(start, chaincode);
      },
    });
    await support.makeReady(cc, { signal: never });
    expect(runtime.instances[0]?.spec.running?.()).toEqual([]);
    await support.execute(call('t'), { signal: never });
    expect(seen).toEqual([[{ channelId: 'ch', txId: 't' }]]);
    expect(runtime.instances[0]?.spec.running?.()).toEqual([]);
    await support[Symbol.asyncDispose]();
  });

  it('overwrites who an event says it is from', async () => {
    const forged = { chaincodeId: 'bank', txId: 'another', eventName: 'e', payload: utf8('p') };
    const { support } = peer({ behave: (start, chaincode) => chaincode.complete(start, { status: 200 }, forged) });
    const { event } = await support.execute(call('t'), { signal: never });
    expect(event).toEqual({ chaincodeId: 'cc', txId: 't', eventName: 'e', payload: Buffer.from('p') });
    await support[Symbol.asyncDispose]();
  });

  it('returns a response of status 500 and throws for ERROR', async () => {
    const completed = peer({ behave: (start, chaincode) => chaincode.complete(start, { status: 500, message: 'five hundred' }) });
    expect((await completed.support.execute(call('t'), { signal: never })).response).toMatchObject({
      status: 500,
      message: 'five hundred',
    });
    await completed.support[Symbol.asyncDispose]();
    const failed = peer({
      behave: ({ txid, channelId }, chaincode) => chaincode.send({ type: Type.ERROR, payload: utf8('five hundred'), txid, channelId }),
    });
    await expect(failed.support.execute(call('t'), { signal: never })).rejects.toMatchObject({
      code: 'CHAINCODE_FAILED',
      message: 'transaction returned with failure: five hundred',
    });
    await failed.support[Symbol.asyncDispose]();
  });

  it('fails for a COMPLETED without a response', async () => {
    const { support } = peer({
      behave: ({ txid, channelId }, chaincode) =>
        chaincode.send({ type: Type.COMPLETED, payload: new Uint8Array([0xff]), txid, channelId }),
    });
    await expect(support.execute(call('t'), { signal: never })).rejects.toThrow('failed to unmarshal response for txid (t)');
    await support[Symbol.asyncDispose]();
  });

  it('gives up after the execute timeout, and a chaincode that said something meanwhile lives on', async () => {
    const { support, runtime } = peer({
      behave: (start, chaincode) =>
        start.txid === 'slow' ? chaincode.send({ ...start, type: Type.GET_STATE, payload: new Uint8Array(0) }) : answerOk(start, chaincode),
      parts: { executeTimeoutMs: 1_000 },
    });
    await expect(support.execute(call('slow'), { signal: never })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: 'failed to execute transaction: timeout expired while executing transaction',
    });
    expect((await support.execute(call('next'), { signal: never })).response.status).toBe(200);
    expect(runtime.events).toEqual(['launch cc:1']);
    await support[Symbol.asyncDispose]();
  });

  it('replaces a chaincode that was silent for the whole execute timeout: it hangs', async () => {
    const { support, runtime } = peer({
      behave: (start, chaincode) => (start.txid === 'hung' ? Promise.resolve() : answerOk(start, chaincode)),
      parts: { executeTimeoutMs: 1_000 },
    });
    await expect(support.execute(call('hung'), { signal: never })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message:
        'failed to execute transaction: timeout expired while executing transaction: the chaincode was silent for the whole execute ' +
        'timeout of transaction hung; it was stopped and the next call starts a new one, without output',
    });
    expect((await support.execute(call('next'), { signal: never })).response.status).toBe(200);
    expect(runtime.events).toEqual(['launch cc:1', 'stop cc:1', 'launch cc:1']);
    await support[Symbol.asyncDispose]();
  });

  it('lets a silent chaincode be when it is the caller who gives up', async () => {
    const { support, runtime } = peer({
      behave: (start, chaincode) => (start.txid === 'left' ? Promise.resolve() : answerOk(start, chaincode)),
    });
    const caller = new AbortController();
    const left = support.execute(call('left'), { signal: caller.signal });
    await support.execute(call('other'), { signal: never });
    caller.abort(new SelvageError('CANCELLED', 'enough'));
    await expect(left).rejects.toThrow('enough');
    await support.execute(call('next'), { signal: never });
    expect(runtime.events).toEqual(['launch cc:1']);
    await support[Symbol.asyncDispose]();
  });

  it('says in the words of 2.x what came instead of an answer', async () => {
    const application = { capabilities: { level: 'V2_0' } };
    const modern = { id: 'ch', bundle: () => ({ application }), ledger: {} } as unknown as Channel;
    const { support } = peer({
      behave: (start, chaincode) => chaincode.send({ ...start, type: Type.GET_STATE, payload: new Uint8Array(0) }),
      parts: { executeTimeoutMs: 500, channels: { get: () => modern, list: () => [modern] } },
    });
    await expect(support.execute(call('slow'), { signal: never })).rejects.toMatchObject({
      message: 'failed to execute transaction slow: error sending: timeout expired while executing transaction',
    });
    await support[Symbol.asyncDispose]();
  });

  it('says in Fabric’s words that a transaction runs already', async () => {
    const started = deferred<void>();
    const gate = deferred<void>();
    const { support } = peer({
      behave: async (start, chaincode) => {
        started.resolve();
        await gate.promise;
        await answerOk(start, chaincode);
      },
    });
    const running = support.execute(call('t'), { signal: never });
    await started.promise;
    await expect(support.execute(call('t'), { signal: never })).rejects.toThrow(
      'failed to execute transaction: error sending: txid: t(ch) exists',
    );
    gate.resolve();
    await running;
    await support[Symbol.asyncDispose]();
  });

  it('cannot answer with a text that repeats what is no text', async () => {
    const repeats: SystemChaincode = {
      ...qscc,
      invoke: async ({ input }) => ({ status: 500, message: `no ${textOf(input.args?.[0] ?? utf8(''))}`, payload: utf8('') }),
    };
    const { support } = peer({ parts: { system: [repeats] } });
    const chaincode = { name: 'qscc', version: 'syscc', ccid: 'qscc:syscc' };
    const asked = (arg: Uint8Array) =>
      support.execute(call('t', { chaincode, simulator: undefined, input: { args: [arg] } }), { signal: never });
    await expect(asked(new Uint8Array([0xff]))).rejects.toThrow(
      /^transaction returned with failure: failed to marshal response: string field contains invalid UTF-8$/,
    );
    expect((await asked(utf8('\ufffd'))).response.message).toBe('no \ufffd');
  });

  it('runs system chaincode in place, within the execute timeout', async () => {
    const stuck: SystemChaincode = { ...qscc, name: 'stuck', invoke: () => new Promise(() => undefined) };
    const { support, runtime } = peer({ parts: { system: [qscc, stuck], executeTimeoutMs: 500 } });
    expect(support.isSystem('qscc')).toBe(true);
    expect(support.isSystem('cc')).toBe(false);
    const system = (name: string) => call('t', { chaincode: { name, version: 'syscc', ccid: `${name}:syscc` }, simulator: undefined });
    expect(textOf((await support.execute(system('qscc'), { signal: never })).response.payload)).toBe('f');
    await expect(support.execute(system('stuck'), { signal: never })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(runtime.events).toEqual([]);
  });
});

describe('a call between chaincodes', () => {
  /** Calls the chaincode named in its first argument and answers with what came back. */
  const caller: Behaviour = async (start, chaincode) => {
    const [name = utf8('')] = protos.ChaincodeInput.decode(start.payload).args;
    if (textOf(name) === '') return answerOk(start, chaincode);
    const { txid, channelId } = start;
    const payload = protos.ChaincodeSpec.encode({ chaincodeId: { name: textOf(name) }, input: { args: [utf8('')] } });
    await chaincode.send({ type: Type.INVOKE_CHAINCODE, payload, txid, channelId });
    let reply = await chaincode.receiveMessage();
    if (reply.type === Type.TRANSACTION) {
      await answerOk(reply, chaincode); // it was called itself, on another channel
      reply = await chaincode.receiveMessage();
    }
    await chaincode.complete(start, {
      status: 200,
      message: reply.type === Type.ERROR ? textOf(reply.payload) : '',
      payload: reply.payload,
    });
  };
  const callTo = (name: string) => call('t', { input: { args: [utf8(name)] } });

  it('launches the callee and hands back its whole message', async () => {
    const { support, runtime } = peer({ behave: caller });
    const { response } = await support.execute(callTo('callee'), { signal: never });
    const inner = protos.ChaincodeMessage.decode(response.payload);
    expect(inner).toMatchObject({ type: Type.COMPLETED, txid: 't', channelId: 'ch' });
    expect(textOf(protos.Response.decode(inner.payload).payload)).toBe('ok');
    expect(runtime.events).toEqual(['launch cc:1', 'launch callee:1']);
    await support[Symbol.asyncDispose]();
  });

  it('is waited for while somebody debugs the chaincode that was called', async () => {
    const enough = deferred<void>();
    let looks = 0;
    const attached = async ({ remote }: Debuggee): Promise<boolean> => {
      if (remote !== 'callee:1') return false;
      looks += 1;
      if (looks === 4) enough.resolve(); // the limits of both calls are over by then
      return true;
    };
    const behave: Behaviour = async (start, chaincode) => {
      if (textOf(protos.ChaincodeInput.decode(start.payload).args[0] ?? utf8('')) === '') await enough.promise;
      await caller(start, chaincode);
    };
    const { support } = peer({ behave, parts: { debuggers: { attached }, executeTimeoutMs: 600 } });
    const { response } = await support.execute(callTo('callee'), { signal: never });
    expect(protos.ChaincodeMessage.decode(response.payload)).toMatchObject({ type: Type.COMPLETED });
    await support[Symbol.asyncDispose]();
  });

  it('reaches system chaincode', async () => {
    const { support } = peer({ behave: caller });
    const { response } = await support.execute(callTo('qscc'), { signal: never });
    expect(protos.ChaincodeMessage.decode(response.payload)).toMatchObject({ type: Type.COMPLETED, txid: 't', channelId: 'ch' });
    await support[Symbol.asyncDispose]();
  });

  it('to itself fails on its own channel and works on another', async () => {
    const { support } = peer({ behave: caller });
    expect((await support.execute(callTo('cc'), { signal: never })).response.message).toBe(
      'INVOKE_CHAINCODE failed: transaction ID: t: execute failed: error sending: txid: t(ch) exists',
    );
    const elsewhere = await support.execute(callTo('cc/other'), { signal: never });
    expect(protos.ChaincodeMessage.decode(elsewhere.response.payload)).toMatchObject({ type: Type.COMPLETED, channelId: 'other' });
    await support[Symbol.asyncDispose]();
  });

  it('ends with the transaction it belongs to', async () => {
    const { support } = peer({
      behave: (start, chaincode) =>
        protos.ChaincodeInput.decode(start.payload).args[0]?.length === 0 ? Promise.resolve() : caller(start, chaincode),
      parts: { executeTimeoutMs: 60 },
    });
    await expect(support.execute(callTo('silent'), { signal: never })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await support[Symbol.asyncDispose]();
  });
});

describe('launching', () => {
  it('is shared by all who wait', async () => {
    const { support, runtime } = peer();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, at) => support.execute(call(`t${at}`), { signal: new AbortController().signal })),
    );
    expect(outcomes.every(({ response }) => response.status === 200)).toBe(true);
    expect(runtime.events).toEqual(['launch cc:1']);
    await support[Symbol.asyncDispose]();
  });

  it('goes on when a caller gives up, and serves the others', async () => {
    const gate = deferred<void>();
    const { support, runtime } = peer({
      script: async ({ spec }) => {
        await gate.promise;
        void world.connect(spec.ccid);
      },
    });
    const world = { connect: async (ccid: string) => connectTo(support, ccid) };
    const impatient = new AbortController();
    const left = support.makeReady(cc, { signal: impatient.signal });
    const waiting = support.makeReady(cc, { signal: never });
    impatient.abort(new SelvageError('CANCELLED', 'the client left'));
    await expect(left).rejects.toThrow('the client left');
    expect(support.states().get('cc:1')).toMatchObject({ at: 'launching' });
    gate.resolve();
    await waiting;
    expect(runtime.events).toEqual(['launch cc:1']);
    expect(support.states().get('cc:1')).toMatchObject({ at: 'ready' });
    await support[Symbol.asyncDispose]();
  });

  it('fails with code and last output when the chaincode exits before it registers, and is tried again', async () => {
    let attempts = 0;
    const { support, runtime } = peer({
      script: (instance) => {
        attempts += 1;
        if (attempts === 1) instance.exit({ code: 7, lastOutput: ['starting', 'Error: no such module'] });
        else void connectTo(support, instance.spec.ccid);
      },
    });
    const both = [support.makeReady(cc, { signal: never }), support.makeReady(cc, { signal: never })];
    for (const failed of both)
      await expect(failed).rejects.toMatchObject({
        code: 'CHAINCODE_LAUNCH_FAILED',
        message: expect.stringMatching(
          /^could not launch chaincode cc:1: chaincode registration failed: container exited with 7, its last output:\nstarting\nError: no such module\nThe chaincode ended before it registered with the peer\. [^\n]+$/,
        ),
        details: {
          exitCode: 7,
          lastOutput: 'starting\nError: no such module',
          ccid: 'cc:1',
          reason: expect.stringContaining('ended before'),
        },
        advice: expect.stringContaining('by hand'),
      });
    expect(support.states().get('cc:1')).toMatchObject({ at: 'stopped', reason: { code: 'CHAINCODE_LAUNCH_FAILED' } });
    await support.makeReady(cc, { signal: never });
    expect(runtime.events).toEqual(['launch cc:1', 'launch cc:1']);
    await support[Symbol.asyncDispose]();
  });

  it('closes the stream of a chaincode that exits between REGISTER and READY', async () => {
    const chaincode = new ChaincodeOnStream({ capacity: 0 });
    const { support } = peer({
      script: async (instance) => {
        void support.serve(chaincode.connection);
        await chaincode.claim(instance.spec.ccid);
        instance.exit({ code: 1 }); // REGISTERED waits to be read
      },
    });
    await expect(support.makeReady(cc, { signal: never })).rejects.toThrow('container exited with 1');
    await chaincode.closed();
    expect(support.states().get('cc:1')?.at).toBe('stopped');
  });

  it('names the signal that ended the chaincode', async () => {
    const { support } = peer({ script: (instance) => instance.exit({ signal: 'SIGKILL' }) });
    await expect(support.makeReady(cc, { signal: never })).rejects.toThrow('container exited with 137 (SIGKILL)');
  });

  it('stops what it started when nothing registers in time', async () => {
    const { support, runtime } = peer({ script: () => undefined, parts: { startupTimeoutMs: 30 } });
    await expect(support.makeReady(cc, { signal: never })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringMatching(
        /^could not launch chaincode cc:1: timeout expired while starting chaincode cc:1 for transaction: it did not register, without output\nThe chaincode was started and did not register/,
      ),
    });
    expect(runtime.events).toEqual(['launch cc:1', 'stop cc:1']);
  });

  it('stops a build that takes too long', async () => {
    const aborted = deferred<unknown>();
    const { support } = peer({
      script: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            reject(signal.reason);
          });
        }),
      parts: { startupTimeoutMs: 30 },
    });
    await expect(support.makeReady(cc, { signal: never })).rejects.toThrow('timeout expired while starting chaincode cc:1');
    expect(await aborted.promise).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('keeps the code and text of what the runtime and the package store refuse', async () => {
    const refuse = (code: 'CHAINCODE_BUILD_FAILED' | 'CHAINCODE_NOT_FOUND', text: string) => () =>
      Promise.reject(new SelvageError(code, text));
    const unbuildable = peer({ script: refuse('CHAINCODE_BUILD_FAILED', 'npm said no') });
    await expect(unbuildable.support.makeReady(cc, { signal: never })).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: 'could not launch chaincode cc:1: error starting container: npm said no',
    });
    const missing = peer({ parts: { packages: { load: refuse('CHAINCODE_NOT_FOUND', 'not installed') } } });
    await expect(missing.support.makeReady(cc, { signal: never })).rejects.toMatchObject({
      code: 'CHAINCODE_NOT_FOUND',
      message: 'could not launch chaincode cc:1: failed to get chaincode package: not installed',
    });
    expect(missing.runtime.events).toEqual([]);
  });

  it('gives the chaincode its certificate and voids that with the instance', async () => {
    const issued: string[] = [];
    const certificateHash = new Uint8Array([1]);
    const { support, runtime, connected } = peer({
      script: ({ spec }) => {
        expect(spec.tls).toEqual({ clientKey: 'k', clientCert: 'c', rootCert: 'r' });
        void connectTo(support, spec.ccid, certificateHash);
      },
      parts: {
        certificates: {
          issue: async (ccid) => {
            issued.push(ccid);
            return { clientKey: 'k', clientCert: 'c', rootCert: 'r', certificateHash };
          },
        },
      },
    });
    await support.makeReady(cc, { signal: never });
    await support.stop('cc:1');
    expect(issued).toEqual(['cc:1']);
    expect(runtime.running + connected.length).toBe(0);
    const late = new ChaincodeOnStream({ peerCertificateHash: certificateHash });
    const ended = support.serve(late.connection);
    await late.claim('cc:1');
    expect((await ended).message).toBe('Chaincode cc:1 with given certificate hash [1] not found in registry');
  });
});

describe('a running chaincode', () => {
  it('that loses its stream fails its transactions at once, is cleared away and launched again', async () => {
    const started = deferred<void>();
    const { support, runtime, connected } = peer({
      behave: async (start, chaincode) => {
        if (start.txid === 'lost') started.resolve();
        else await answerOk(start, chaincode);
      },
    });
    const lost = support.execute(call('lost'), { signal: never });
    await started.promise;
    connected[0]?.close();
    await expect(lost).rejects.toMatchObject({
      code: 'CHAINCODE_STREAM_ENDED',
      message: 'failed to execute transaction: chaincode stream terminated: the chaincode ended its stream',
    });
    expect((await support.execute(call('next'), { signal: never })).response.status).toBe(200);
    expect(runtime.events).toEqual(['launch cc:1', 'stop cc:1', 'launch cc:1']);
    await support[Symbol.asyncDispose]();
  });

  it('that exits fails its transactions with how it ended', async () => {
    const started = deferred<void>();
    const { support, runtime } = peer({ behave: async () => started.resolve() });
    const lost = support.execute(call('t'), { signal: never });
    await started.promise;
    runtime.instances[0]?.exit({ code: 1, lastOutput: ['boom'] });
    await expect(lost).rejects.toMatchObject({
      code: 'CHAINCODE_STREAM_ENDED',
      message: 'failed to execute transaction: chaincode stream terminated: the chaincode exited with 1, its last output:\nboom',
      details: { exitCode: 1, lastOutput: 'boom' },
    });
    await support[Symbol.asyncDispose]();
  });

  it('that loses its stream a moment before it exits tells both', async () => {
    const started = deferred<void>();
    const { support, runtime, connected } = peer({ behave: async () => started.resolve() });
    const lost = support.execute(call('t'), { signal: never });
    await started.promise;
    connected[0]?.close();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve)); // the end of the stream is seen first
    runtime.instances[0]?.exit({ code: 3, lastOutput: ['x'.repeat(600), 'bye'] });
    await expect(lost).rejects.toThrow(
      `chaincode stream terminated: the chaincode exited with 3, its last output:\n${'x'.repeat(500)}…\nbye`,
    );
    await support[Symbol.asyncDispose]();
  });

  it('is not launched again before the old one is gone', async () => {
    const stopping = deferred<void>();
    const gone = deferred<void>();
    const { support, runtime } = peer({
      onStop: async () => {
        stopping.resolve();
        await gone.promise;
      },
    });
    await support.makeReady(cc, { signal: never });
    const stopped = support.stop('cc:1');
    await stopping.promise;
    expect(support.states().get('cc:1')).toEqual({ at: 'stopping' });
    const again = support.makeReady(cc, { signal: never });
    await Promise.resolve();
    expect(runtime.events).toEqual(['launch cc:1']);
    gone.resolve();
    await stopped;
    await again;
    expect(runtime.events).toEqual(['launch cc:1', 'stop cc:1', 'launch cc:1']);
    await support[Symbol.asyncDispose]();
  });

  it('is stopped with the peer, a launch under way included', async () => {
    const { support, runtime } = peer({ script: () => undefined });
    const waiting = support.makeReady(cc, { signal: never });
    waiting.catch(() => undefined);
    await expect.poll(() => runtime.instances.length).toBe(1);
    await support[Symbol.asyncDispose]();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(runtime.running).toBe(0);
    await expect(support.makeReady(cc, { signal: never })).rejects.toThrow('the peer is stopping');
  });
});

describe('development mode', () => {
  it('takes the chaincode that the user runs and launches nothing', async () => {
    const { support, runtime, connect } = peer({ parts: { userRunsChaincode: true } });
    await expect(support.makeReady(cc, { signal: never })).rejects.toMatchObject({
      message: expect.stringMatching(/^failed to init chaincode: handler not found for chaincode cc:1\n.*CORE_CHAINCODE_ID_NAME=cc:1/),
    });
    await connect('cc:1');
    expect((await support.execute(call('t'), { signal: never })).response.status).toBe(200);
    expect([...support.states()]).toMatchObject([['cc:1', { at: 'ready' }]]);
    expect(runtime.events).toEqual([]);
    await support[Symbol.asyncDispose]();
    expect(support.states().size).toBe(0);
  });
});

/** A chaincode that registers and answers everything. */
async function connectTo(support: ChaincodeSupport, ccid: string, peerCertificateHash?: Uint8Array): Promise<void> {
  const chaincode = new ChaincodeOnStream({ peerCertificateHash });
  void support.serve(chaincode.connection);
  await chaincode.register(ccid);
  await serve(chaincode, answerOk);
}
