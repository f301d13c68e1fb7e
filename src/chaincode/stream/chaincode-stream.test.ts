import { describe, expect, it } from 'vitest';
import { ChaincodeOnStream } from '../../../test/fakes/chaincode-on-stream.ts';
import { MemorySimulator, type MemoryState } from '../../../test/fakes/memory-simulator.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { ChaincodeRegistry } from '../registry.ts';
import { type Admission, ChaincodeStream, type ChaincodeStreamParts, type StreamLimits } from './chaincode-stream.ts';
import { Type } from './message-types.ts';
import type { RequestParts } from './requests/request.ts';

const never = new AbortController().signal;

const requests: RequestParts = {
  calls: { isSystem: () => false, call: () => Promise.reject(new SelvageError('INTERNAL', 'no calls here')) },
  collections: { permissions: async () => ({ read: true, write: true }) },
  capabilities: () => undefined,
  newQueryId: () => 'id',
  totalQueryLimit: 1000,
};

interface Options {
  readonly admission?: Admission;
  readonly limits?: StreamLimits;
  readonly runtimeParams?: protos.ChaincodeAdditionalParamsInit;
  readonly requests?: RequestParts;
  readonly wrap?: (connection: ChaincodeStreamParts['connection']) => ChaincodeStreamParts['connection'];
}

function start({ wrap = (connection) => connection, ...options }: Options = {}) {
  const chaincode = new ChaincodeOnStream();
  const connection = wrap(chaincode.connection);
  const stream = new ChaincodeStream({ id: 's', connection, admission: new ChaincodeRegistry({ open: true }), requests, ...options });
  return { chaincode, stream, ended: stream.run() };
}

async function ready(options: Options = {}) {
  const started = start(options);
  await started.chaincode.register('cc:1');
  return started;
}

/** A call of `cc` on `ch`. */
function call(txId: string, { state, channelId = 'ch' }: { readonly state?: MemoryState; readonly channelId?: string } = {}) {
  const simulator = new MemorySimulator(state);
  const proposal = { signedProposal: { proposalBytes: utf8('p'), signature: utf8('s') }, channelId, txId, creator: utf8('') };
  return { kind: 'transaction' as const, namespace: 'cc', input: { args: [utf8('f')] }, proposal, simulator };
}

const get = (key: string) => protos.GetState.encode({ key });
const put = (key: string, value = utf8('v')) => protos.PutState.encode({ key, value });

describe('handshake', () => {
  it('answers REGISTER with REGISTERED and a bare READY', async () => {
    const { chaincode, stream } = start();
    await chaincode.claim('cc:1');
    expect(protos.ChaincodeMessage.encode(await chaincode.receiveMessage())).toEqual(new Uint8Array([8, 2]));
    expect(protos.ChaincodeMessage.encode(await chaincode.receiveMessage())).toEqual(new Uint8Array([8, 4]));
    await expect.poll(() => stream.state).toEqual({ at: 'ready', ccid: 'cc:1' });
  });

  it('tells shims of 3.1 what it can do', async () => {
    const runtimeParams = { useWriteBatch: true, maxSizeWriteBatch: 1000, useGetMultipleKeys: true, maxSizeGetMultipleKeys: 500 };
    const { payload } = await start({ runtimeParams }).chaincode.register('cc:1');
    expect(protos.ChaincodeAdditionalParams.decode(payload)).toEqual(runtimeParams);
  });

  it('closes a stream that is refused, and says why', async () => {
    const admission: Admission = {
      secured: false,
      admit: () => {
        throw new SelvageError('CHAINCODE_PROTOCOL', 'duplicate chaincodeID: cc:1');
      },
    };
    const { chaincode, ended } = start({ admission });
    await chaincode.claim('cc:1');
    expect(await ended).toMatchObject({ code: 'CHAINCODE_PROTOCOL', message: 'duplicate chaincodeID: cc:1' });
    await chaincode.closed();
  });

  it('closes a stream whose REGISTER does not parse', async () => {
    const { chaincode, ended } = start();
    await chaincode.send({ type: Type.REGISTER, payload: new Uint8Array([0xff]) });
    expect((await ended).code).toBe('MALFORMED');
  });

  it('refuses a name that is too long, in few words, whoever may come', async () => {
    const { chaincode, stream, ended } = start();
    await chaincode.send({ type: Type.REGISTER, payload: protos.ChaincodeID.encode({ name: 'x'.repeat(100_000) }) });
    expect((await ended).message).toMatch(/^a REGISTER of 1000\d\d bytes, where a name takes 8192 at most$/);
    expect(stream.state).toMatchObject({ at: 'ended' });
  });

  it('refuses anything but REGISTER first, in the words of who guards the way in', async () => {
    const open = start();
    await open.chaincode.send({ type: Type.COMPLETED, txid: 'abcdefghij' });
    expect((await open.ended).message).toBe('[abcdefgh] Fabric side handler cannot handle message (COMPLETED) while in created state');
    const admission: Admission = { secured: true, admit: () => ({ ready: () => undefined, [Symbol.dispose]: () => undefined }) };
    const guarded = start({ admission });
    await guarded.chaincode.send({ type: Type.COMPLETED });
    expect((await guarded.ended).message).toBe('First message needs to be a register');
  });

  it('takes no transaction before READY and none after the end', async () => {
    const { chaincode, stream, ended } = start();
    await expect(stream.execute(call('t'), { signal: never })).rejects.toMatchObject({ code: 'CHAINCODE_STREAM_ENDED' });
    chaincode.close();
    await ended;
    await expect(stream.execute(call('t'), { signal: never })).rejects.toThrow('chaincode stream terminated');
  });
});

describe('transactions', () => {
  it('go out whole, and come back as the chaincode sent them', async () => {
    const { chaincode, stream } = await ready();
    const running = stream.execute(call('t'), { signal: never });
    const message = await chaincode.receiveMessage();
    expect(message).toMatchObject({ type: Type.TRANSACTION, txid: 't', channelId: 'ch' });
    expect(message.proposal).toEqual({ proposalBytes: Buffer.from('p'), signature: Buffer.from('s') });
    expect(protos.ChaincodeInput.decode(message.payload).args.map(textOf)).toEqual(['f']);
    await chaincode.complete(message, { status: 200, payload: utf8('done') });
    expect(protos.Response.decode((await running).message.payload)).toMatchObject({ status: 200, payload: Buffer.from('done') });
    expect(stream.transactions).toBe(0);
  });

  it('run side by side, each with its own state', async () => {
    const { chaincode, stream } = await ready();
    const gate = deferred<void>();
    const slow = stream.execute(call('slow', { state: { values: new Map([['cc/k', utf8('1')]]), beforeRead: () => gate.promise } }), {
      signal: never,
    });
    const slowStart = await chaincode.receiveMessage();
    const fast = stream.execute(call('fast', { state: { values: new Map([['cc/k', utf8('2')]]) } }), { signal: never });
    const fastStart = await chaincode.receiveMessage();
    await chaincode.send({ type: Type.GET_STATE, payload: get('k'), txid: 'slow', channelId: 'ch' });
    expect(textOf((await chaincode.ask(fastStart, Type.GET_STATE, get('k'))).payload)).toBe('2');
    await chaincode.complete(fastStart, { status: 200 });
    await fast;
    gate.resolve();
    expect(await chaincode.receiveMessage()).toMatchObject({ txid: 'slow', payload: Buffer.from('1') });
    await chaincode.complete(slowStart, { status: 200 });
    await slow;
  });

  it('serve their requests in order, one at a time, none dropped', async () => {
    const { chaincode, stream } = await ready();
    const gate = deferred<void>();
    const transaction = call('t', { state: { beforeRead: () => gate.promise } });
    const running = stream.execute(transaction, { signal: never });
    const { txid, channelId } = await chaincode.receiveMessage();
    await chaincode.send({ type: Type.GET_STATE, payload: get('a'), txid, channelId });
    for (const key of ['1', '2', '3']) await chaincode.send({ type: Type.PUT_STATE, payload: put(key), txid, channelId });
    await chaincode.send({ type: Type.COMPLETED, payload: protos.Response.encode({ status: 200 }), txid, channelId });
    await chaincode.send({ type: Type.PUT_STATE, payload: put('after the end'), txid, channelId });
    await new Promise((resolve) => setImmediate(resolve));
    expect(transaction.simulator.writes).toEqual([]);
    gate.resolve();
    await running;
    for (let at = 0; at < 4; at += 1) expect((await chaincode.receiveMessage()).type).toBe(Type.RESPONSE);
    expect(textOf((await chaincode.receiveMessage()).payload)).toBe('PUT_STATE failed: transaction ID: t: no ledger context');
    expect(transaction.simulator.writes).toEqual(['put cc/1=v', 'put cc/2=v', 'put cc/3=v']);
  });

  it('exist once per channel and id', async () => {
    const { chaincode, stream } = await ready();
    const running = stream.execute(call('t'), { signal: never });
    const message = await chaincode.receiveMessage();
    await expect(stream.execute(call('t'), { signal: never })).rejects.toThrow('error sending: txid: t(ch) exists');
    const elsewhere = stream.execute(call('t', { channelId: 'other' }), { signal: never });
    await chaincode.complete(await chaincode.receiveMessage(), { status: 200 });
    await elsewhere;
    await chaincode.complete(message, { status: 200 });
    await running;
    const again = stream.execute(call('t'), { signal: never });
    await chaincode.complete(await chaincode.receiveMessage(), { status: 200 });
    await again;
  });

  it('are not mixed up when channel and id join to the same text', async () => {
    const { chaincode, stream } = await ready();
    const one = stream.execute(call('bc', { channelId: 'a' }), { signal: never });
    const first = await chaincode.receiveMessage();
    const two = stream.execute(call('c', { channelId: 'ab' }), { signal: never });
    await chaincode.complete(await chaincode.receiveMessage(), { status: 202 });
    expect(protos.Response.decode((await two).message.payload).status).toBe(202);
    await chaincode.complete(first, { status: 201 });
    expect(protos.Response.decode((await one).message.payload).status).toBe(201);
  });

  it('give up when their caller does, after the running request, and then answer no more', async () => {
    const { chaincode, stream } = await ready();
    const gate = deferred<void>();
    const reading = deferred<void>();
    const transaction = call('t', {
      state: {
        beforeRead: () => {
          reading.resolve();
          return gate.promise;
        },
      },
    });
    const caller = new AbortController();
    const running = stream.execute(transaction, { signal: caller.signal }).finally(() => transaction.simulator[Symbol.asyncDispose]());
    const { txid, channelId } = await chaincode.receiveMessage();
    await chaincode.send({ type: Type.GET_STATE, payload: get('a'), txid, channelId });
    await chaincode.send({ type: Type.PUT_STATE, payload: put('late'), txid, channelId });
    await reading.promise;
    caller.abort(new SelvageError('DEADLINE_EXCEEDED', 'timeout expired while executing transaction'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(transaction.simulator.disposed).toBe(false);
    gate.resolve();
    await expect(running).rejects.toThrow('timeout expired while executing transaction');
    expect(transaction.simulator).toMatchObject({ readsAtDisposal: 0, writes: [] });
    expect((await chaincode.receiveMessage()).type).toBe(Type.RESPONSE);
    expect(textOf((await chaincode.receiveMessage()).payload)).toBe('PUT_STATE failed: transaction ID: t: no ledger context');
    await chaincode.send({ type: Type.COMPLETED, txid, channelId }); // too late; ignored
    expect(textOf((await chaincode.ask({ ...(await begin(stream, chaincode, 't2')), txid }, Type.GET_STATE, get('a'))).payload)).toContain(
      'no ledger context',
    );
  });

  it('close their iterators however they end', async () => {
    const { chaincode, stream } = await ready();
    const values = new Map(Array.from({ length: 150 }, (_, at) => [`cc/k${at}`, utf8('v')]));
    for (const end of ['completed', 'aborted', 'lost'] as const) {
      const transaction = call(end, { state: { values } });
      const caller = new AbortController();
      const running = stream.execute(transaction, { signal: caller.signal });
      const message = await chaincode.receiveMessage();
      await chaincode.ask(message, Type.GET_STATE_BY_RANGE, protos.GetStateByRange.encode({}));
      expect(transaction.simulator.openIterators).toBe(1);
      if (end === 'completed') await chaincode.complete(message, { status: 200 });
      else if (end === 'aborted') caller.abort(new SelvageError('CANCELLED', 'left'));
      else chaincode.close();
      await running.catch(() => undefined);
      expect(transaction.simulator.openIterators).toBe(0);
    }
  });

  it('fail at once when the stream is lost, with the cause', async () => {
    const { chaincode, stream, ended } = await ready();
    const running = [stream.execute(call('a'), { signal: never }), stream.execute(call('b'), { signal: never })];
    await chaincode.receive();
    await chaincode.receive();
    stream.close(new SelvageError('CHAINCODE_STREAM_ENDED', 'the chaincode exited with 3'));
    for (const lost of running)
      await expect(lost).rejects.toMatchObject({
        code: 'CHAINCODE_STREAM_ENDED',
        message: 'chaincode stream terminated: the chaincode exited with 3',
      });
    expect((await ended).message).toBe('the chaincode exited with 3');
  });

  it('end when the caller gives up, even if the chaincode never reads an answer', async () => {
    const caller = new AbortController();
    const sending = deferred<void>();
    let deaf = false;
    const { chaincode, stream } = await ready({
      wrap: (connection) => ({
        ...connection,
        send: (message) => {
          if (!deaf) return connection.send(message);
          sending.resolve();
          return new Promise(() => undefined);
        },
      }),
    });
    const running = stream.execute(call('t'), { signal: caller.signal });
    const { txid, channelId } = await chaincode.receiveMessage();
    deaf = true;
    for (let at = 0; at < 3; at += 1) await chaincode.send({ type: Type.GET_STATE, payload: get('a'), txid, channelId });
    await sending.promise;
    caller.abort(new SelvageError('DEADLINE_EXCEEDED', 'enough'));
    await expect(running).rejects.toThrow('enough');
    expect(stream.transactions).toBe(0);
  });

  it('fail when they cannot be sent', async () => {
    let broken = false;
    const { stream, ended } = await ready({
      wrap: (connection) => ({
        ...connection,
        send: (message) => (broken ? Promise.reject(new Error('EPIPE')) : connection.send(message)),
      }),
    });
    broken = true;
    await expect(stream.execute(call('t'), { signal: never })).rejects.toThrow('chaincode stream terminated');
    expect(await ended).toMatchObject({ message: 'the chaincode cannot be reached', cause: { message: 'EPIPE' } });
  });

  it('end with the first answer; a second one is ignored', async () => {
    const { chaincode, stream } = await ready();
    const running = stream.execute(call('t'), { signal: never });
    const message = await chaincode.receiveMessage();
    await chaincode.complete(message, { status: 200 });
    await chaincode.complete(message, { status: 500 });
    expect(protos.Response.decode((await running).message.payload).status).toBe(200);
    const next = stream.execute(call('u'), { signal: never });
    await chaincode.complete(await chaincode.receiveMessage(), { status: 200 });
    await next;
  });
});

describe('a flood', () => {
  it('is not read beyond the limit, and read on when there is room', async () => {
    const gate = deferred<void>();
    let taken = 0;
    const { chaincode, stream } = await ready({
      limits: { backlog: { messages: 4, bytes: 1_000_000 }, maxOpenQueries: 10 },
      wrap: (connection) => ({
        ...connection,
        incoming: (async function* () {
          for await (const message of connection.incoming) {
            taken += 1;
            yield message;
          }
        })(),
      }),
    });
    const transaction = call('t', { state: { beforeRead: () => gate.promise } });
    const running = stream.execute(transaction, { signal: never });
    const { txid, channelId } = await chaincode.receiveMessage();
    await chaincode.send({ type: Type.GET_STATE, payload: get('a'), txid, channelId });
    const flood = Array.from({ length: 200 }, (_, at) => chaincode.send({ type: Type.PUT_STATE, payload: put(`${at}`), txid, channelId }));
    await flood[0];
    for (let turn = 0; turn < 500; turn += 1) await Promise.resolve();
    expect(taken).toBe(1 + 1 + 4); // REGISTER, the read that waits, and the backlog
    gate.resolve();
    for (let at = 0; at < 201; at += 1) expect((await chaincode.receiveMessage()).type).toBe(Type.RESPONSE);
    await Promise.all(flood);
    await chaincode.send({ type: Type.COMPLETED, txid, channelId });
    await running;
    expect(transaction.simulator.writes).toHaveLength(200);
  });

  it('is limited in bytes too, and is let go when its stream ends', async () => {
    const released = deferred<void>();
    const { chaincode, stream, ended } = await ready({
      limits: { backlog: { messages: 1000, bytes: 100 }, maxOpenQueries: 10 },
      wrap: (connection) => ({
        ...connection,
        incoming: (async function* () {
          try {
            yield* connection.incoming;
          } finally {
            released.resolve();
          }
        })(),
      }),
    });
    const gate = deferred<void>();
    const running = stream.execute(call('t', { state: { beforeRead: () => gate.promise } }), { signal: never });
    const { txid, channelId } = await chaincode.receiveMessage();
    await chaincode.send({ type: Type.GET_STATE, payload: get('a'), txid, channelId });
    const request = { type: Type.PUT_STATE, payload: put('k', new Uint8Array(200)), txid, channelId };
    const flood = Array.from({ length: 50 }, () => chaincode.send(request));
    await flood[0];
    await new Promise((resolve) => setImmediate(resolve));
    stream.close(new SelvageError('CANCELLED', 'enough'));
    await released.promise; // the reader does not wait for room any more
    gate.resolve();
    await Promise.allSettled(flood);
    await expect(running).rejects.toThrow('chaincode stream terminated');
    expect((await ended).message).toBe('enough');
  });
});

describe('protocol errors', () => {
  it.each([
    ['an unknown type', { type: 77, txid: 't' }, '[t] Fabric side handler cannot handle message (77) while in ready state'],
    ['a second REGISTER', { type: Type.REGISTER }, '[] Fabric side handler cannot handle message (REGISTER) while in ready state'],
    [
      'a message of the peer',
      { type: Type.TRANSACTION },
      '[] Fabric side handler cannot handle message (TRANSACTION) while in ready state',
    ],
  ])('end the stream: %s', async (_, message, text) => {
    const { chaincode, stream, ended } = await ready();
    const running = stream.execute(call('t'), { signal: never });
    await chaincode.send(message);
    await expect(running).rejects.toMatchObject({
      message: `chaincode stream terminated: ${text}`,
      cause: { code: 'CHAINCODE_PROTOCOL', message: text },
    });
    expect((await ended).message).toBe(text);
    await chaincode.closed();
  });

  it('end the stream: bytes that are no message', async () => {
    const { chaincode, ended } = await ready();
    await chaincode.sendBytes(new Uint8Array([0xff, 0xff, 0xff]));
    expect((await ended).code).toBe('MALFORMED');
  });

  it('do not come from KEEPALIVE, in any state', async () => {
    const { chaincode, stream } = start();
    await chaincode.send({ type: Type.KEEPALIVE });
    await chaincode.register('cc:1');
    await chaincode.send({ type: Type.KEEPALIVE });
    const running = stream.execute(call('t'), { signal: never });
    await chaincode.complete(await chaincode.receiveMessage(), { status: 200 });
    await running;
  });
});

/** Starts a transaction that is left running, for requests that follow another. */
async function begin(stream: ChaincodeStream, chaincode: ChaincodeOnStream, txId: string): Promise<protos.ChaincodeMessage> {
  stream.execute(call(txId), { signal: never }).catch(() => undefined);
  return chaincode.receiveMessage();
}
