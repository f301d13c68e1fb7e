import { describe, expect, it } from 'vitest';
import { ChaincodeOnStream } from '../../../test/fakes/chaincode-on-stream.ts';
import { MemorySimulator } from '../../../test/fakes/memory-simulator.ts';
import { utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { ChaincodeRegistry } from '../registry.ts';
import { ChaincodeStream } from './chaincode-stream.ts';
import { Type, typeName } from './message-types.ts';

/** Deterministic randomness (mulberry32), so that a failure can be run again by its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof random>;

const bytes = (r: Random, most: number): Uint8Array => Uint8Array.from({ length: r(most) }, () => r(256));
const pick = <T>(r: Random, choices: readonly T[], otherwise: T): T => choices[r(choices.length)] ?? otherwise;

const payloads: readonly Uint8Array[] = [
  protos.GetState.encode({ key: 'k' }),
  protos.PutState.encode({ key: 'k', value: utf8('v'), collection: 'c' }),
  protos.GetStateByRange.encode({ metadata: new Uint8Array([0xff]) }),
  protos.GetStateByRange.encode({}),
  protos.QueryStateNext.encode({ id: 'id' }),
  protos.ChaincodeSpec.encode({ chaincodeId: { name: '///::' } }),
  protos.ChaincodeSpec.encode({}),
  protos.WriteBatchState.encode({ rec: [{ type: 9, key: 'k', value: utf8('v') }, { type: 0 }] }),
  protos.Response.encode({ status: -1 }),
  new Uint8Array(0),
];

/** A message that may be of any type, for any transaction, with any payload, whole or damaged. */
function hostileMessage(r: Random, txId: string): Uint8Array {
  const payload = r(3) === 0 ? bytes(r, 40) : pick(r, payloads, new Uint8Array(0));
  const type = r(4) === 0 ? r(60) - 10 : 8 + r(18);
  const message = protos.ChaincodeMessage.encode({
    type,
    payload,
    txid: r(4) === 0 ? `other ${r(3)}` : txId,
    channelId: r(6) === 0 ? pick(r, ['', 'other'], '') : 'ch',
    ...(r(5) === 0 && { chaincodeEvent: { eventName: 'e', chaincodeId: 'somebody else' } }),
  });
  if (r(8) !== 0) return message;
  const damaged = new Uint8Array(message);
  for (let hits = 1 + r(3); hits > 0; hits -= 1) damaged[r(damaged.length)] = r(256);
  return r(2) === 0 ? damaged : damaged.subarray(0, r(damaged.length));
}

function serve() {
  let queries = 0;
  const chaincode = new ChaincodeOnStream();
  const stream = new ChaincodeStream({
    id: 's',
    connection: chaincode.connection,
    admission: new ChaincodeRegistry({ open: true }),
    requests: {
      calls: {
        isSystem: (name) => name === 'qscc',
        call: (_, { name }) => Promise.reject(new SelvageError('CHAINCODE_NOT_FOUND', `chaincode ${name} not found`)),
      },
      collections: { permissions: async () => ({ read: true, write: false }) },
      capabilities: () => undefined,
      newQueryId: () => (queries++ === 0 ? 'id' : `id ${queries}`), // the first has the one that is asked for
      totalQueryLimit: 1000,
    },
    limits: { backlog: { messages: 8, bytes: 10_000 }, maxOpenQueries: 5 },
  });
  return { chaincode, stream, ended: stream.run() };
}

const callOf = (txId: string) => ({
  kind: 'transaction' as const,
  namespace: 'cc',
  input: {},
  proposal: { signedProposal: { proposalBytes: utf8(''), signature: utf8('') }, channelId: 'ch', txId, creator: utf8('') },
  simulator: new MemorySimulator({ values: new Map(Array.from({ length: 120 }, (_, at) => [`cc/k${at}`, utf8('v')])) }),
});

/** One chaincode that talks nonsense after it registered. Everything must settle, and each outcome be an answer or one clear error. */
async function torment(seed: number): Promise<string> {
  const r = random(seed);
  const { chaincode, stream, ended } = serve();
  await chaincode.register('cc:1');
  const call = callOf('t');
  const running = stream.execute(call, { signal: new AbortController().signal });
  const drained = chaincode.closed();
  const talk = async () => {
    for (let at = 0; at < 60; at += 1) await chaincode.sendBytes(hostileMessage(r, 't'));
  };
  await talk().catch(() => undefined); // the peer hangs up in the middle
  chaincode.close();
  const reason = await ended;
  await drained;
  const outcome = await running.then(
    ({ message }) => typeName(message.type),
    (thrown: unknown) => SelvageError.from(thrown).message.split(': ')[0] ?? '',
  );
  expect(['COMPLETED', 'ERROR', 'chaincode stream terminated'], `seed ${seed}`).toContain(outcome);
  expect(['CHAINCODE_PROTOCOL', 'MALFORMED', 'CHAINCODE_STREAM_ENDED'], `seed ${seed}: ${reason.message}`).toContain(reason.code);
  expect(stream.transactions, `seed ${seed}`).toBe(0);
  expect(call.simulator.openIterators, `seed ${seed}`).toBe(0);
  return outcome;
}

describe('a chaincode that talks nonsense', () => {
  it('never crashes or hangs the peer, whatever it says in a transaction', async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 400; seed += 1) outcomes.add(await torment(seed));
    expect([...outcomes].sort()).toEqual(['COMPLETED', 'ERROR', 'chaincode stream terminated']); // the seeds reach all three
  });

  it('never crashes or hangs the peer, whatever it says first', async () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const r = random(seed);
      const { chaincode, stream, ended } = serve();
      const drained = chaincode.closed();
      const talk = async () => {
        for (let at = 0; at < 5; at += 1) await chaincode.sendBytes(r(3) === 0 ? bytes(r, 30) : hostileMessage(r, 't'));
      };
      await talk().catch(() => undefined);
      chaincode.close();
      expect(['CHAINCODE_PROTOCOL', 'MALFORMED', 'CHAINCODE_STREAM_ENDED'], `seed ${seed}`).toContain((await ended).code);
      await drained;
      expect(stream.state.at).toBe('ended');
    }
  });

  it('leaves other transactions of its stream alone as long as it speaks the protocol', async () => {
    const { chaincode, stream } = serve();
    await chaincode.register('cc:1');
    const good = stream.execute(callOf('good'), { signal: new AbortController().signal });
    const start = await chaincode.receiveMessage();
    for (const type of [8, 9, 10, 11, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25]) {
      const orphan = await chaincode.ask({ ...start, txid: 'unknown' }, type, new Uint8Array(0));
      expect(orphan).toMatchObject({ type: Type.ERROR, txid: 'unknown' });
    }
    await chaincode.send({ type: Type.COMPLETED, txid: 'unknown', channelId: 'ch' });
    await chaincode.send({ type: Type.ERROR, txid: 'good', channelId: 'other' });
    await chaincode.complete(start, { status: 200 });
    expect(protos.Response.decode((await good).message.payload).status).toBe(200);
  });
});
