import { describe, expect, it } from 'vitest';
import { detailsOf, type OrdererAnswer, type SmallGateway, smallGateway } from '../../test/fakes/small-gateway.ts';
import { utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import { common, gateway } from '../protos/messages.ts';
import { orderersOf } from './orderers.ts';
import { quorumOf } from './submit.ts';

const never = { signal: new AbortController().signal };
const { SUCCESS, BAD_REQUEST, FORBIDDEN, SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR } = common.Status;

const transaction = { payload: utf8('transaction'), signature: utf8('signature') };

const request = (init: gateway.SubmitRequestInit): gateway.SubmitRequest =>
  gateway.SubmitRequest.decode(gateway.SubmitRequest.encode({ channelId: 'ch', preparedTransaction: transaction, ...init }));

async function submit(
  answers: readonly OrdererAnswer[],
  consensusType = 'etcdraft',
  init: gateway.SubmitRequestInit = {},
  timeoutMs = 200_000,
) {
  await using small = await smallGateway({
    orderers: answers.map((answer) => () => answer),
    consensusType,
    parts: { broadcastTimeoutMs: timeoutMs },
  });
  const outcome = await small.gateway.submit(request(init), never).then(
    () => ({ taken: true }),
    (thrown: unknown) => {
      const { grpc, message } = SelvageError.from(thrown);
      return { grpc, message, details: detailsOf(thrown).map((each) => named(each, small)) };
    },
  );
  return { ...outcome, ordered: small.ordered };
}

const named = (detail: string, { orderers }: SmallGateway): string =>
  orderers.reduce((text, address, at) => text.replaceAll(address, `orderer ${at}`), detail);

const taken: OrdererAnswer = { status: SUCCESS };

describe('what cannot be submitted', () => {
  it.each([
    ['nothing', { preparedTransaction: undefined }, 'INVALID_ARGUMENT', 'a prepared transaction is required'],
    ['what is not signed', { preparedTransaction: { payload: utf8('x') } }, 'INVALID_ARGUMENT', 'prepared transaction must be signed'],
    [
      'on a channel that is not here',
      { channelId: 'other' },
      'FAILED_PRECONDITION',
      'failed to get config for channel [other]: could not get last config for channel other',
    ],
  ])('%s', async (_, init, grpc, message) => {
    expect(await submit([taken], 'etcdraft', init)).toMatchObject({ grpc, message, ordered: [] });
  });

  it('where the configuration names no orderer', async () => {
    expect(await submit([])).toMatchObject({ grpc: 'UNAVAILABLE', message: 'no orderer nodes available' });
  });
});

describe('to a Raft ordering service', () => {
  it('one orderer is enough', async () => {
    expect(await submit([taken, taken, taken])).toMatchObject({ taken: true, ordered: [expect.any(Number)] });
  });

  it('each is first at times', async () => {
    const first = new Set<number>();
    await using small = await smallGateway({ orderers: [() => taken, () => taken] });
    for (let time = 0; time < 60; time += 1) await small.gateway.submit(request({}), never);
    for (const at of small.ordered) first.add(at);
    expect(first.size).toBe(2);
  });

  it.each<[string, OrdererAnswer]>([
    ['that is not ready', { status: SERVICE_UNAVAILABLE, info: 'no leader' }],
    ['that ends the call', 'end'],
  ])('goes on after one %s', async (_, answer) => {
    for (let time = 0; time < 4; time += 1) expect(await submit([answer, taken])).toMatchObject({ taken: true });
  });

  it('goes on after one that says nothing for too long', async () => {
    for (let silent = false; !silent; ) {
      const outcome = await submit(['silence', taken], 'etcdraft', {}, 2_000);
      expect(outcome).toMatchObject({ taken: true });
      silent = outcome.ordered.includes(0);
    }
  });

  it.each([
    [BAD_REQUEST, 'BAD_REQUEST', 'Message was empty'],
    [FORBIDDEN, 'FORBIDDEN', 'permission denied'],
  ])('asks nobody else after a refusal with %s', async (status, name, info) => {
    const refused: OrdererAnswer = { status, info };
    expect(await submit([refused, refused])).toMatchObject({
      grpc: 'ABORTED',
      message: `received unsuccessful response from orderer: status=${name}, info=${info}`,
      ordered: [expect.any(Number)],
    });
  });

  it('tells what each said when none has taken it', async () => {
    const failed = await submit([
      { status: SERVICE_UNAVAILABLE, info: 'no leader' },
      { status: INTERNAL_SERVER_ERROR, info: 'oops' },
      'end',
    ]);
    expect(failed).toMatchObject({ grpc: 'UNAVAILABLE', message: 'no orderers could successfully process transaction' });
    expect([...('details' in failed ? failed.details : [])].sort()).toEqual([
      'orderer 0 (OrdererMSP): received unsuccessful response from orderer: status=SERVICE_UNAVAILABLE, info=no leader',
      'orderer 1 (OrdererMSP): received unsuccessful response from orderer: status=INTERNAL_SERVER_ERROR, info=oops',
      'orderer 2 (OrdererMSP): rpc error: code = Unavailable desc = the orderer ended the call without an answer',
    ]);
  });

  it('ends when the client has gone', async () => {
    const asked = deferred<void>();
    const silence = (): OrdererAnswer => {
      asked.resolve();
      return 'silence';
    };
    await using small = await smallGateway({ orderers: [silence] });
    const gone = new AbortController();
    const call = small.gateway.submit(request({}), { signal: gone.signal });
    await asked.promise;
    gone.abort(new SelvageError('CANCELLED', 'gone'));
    await expect(call).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: 'submit timeout expired while broadcasting to ordering service',
    });
  });
});

describe('to a BFT ordering service', () => {
  const down: OrdererAnswer = { status: SERVICE_UNAVAILABLE, info: 'down' };

  it('a quorum has to take it, and all are asked', async () => {
    const { taken: done, ordered } = { taken: undefined, ...(await submit([taken, down, taken, taken], 'BFT')) };
    expect(done).toBe(true);
    expect(ordered.length).toBeGreaterThanOrEqual(3);
  });

  it('one that has it already counts', async () => {
    const there: OrdererAnswer = { status: SERVICE_UNAVAILABLE, info: 'failed to submit request: request already exists' };
    expect(await submit([there, taken, there, down], 'BFT')).toMatchObject({ taken: true });
  });

  it('fails as soon as a quorum is out of reach', async () => {
    const failed = await submit(['silence', down, down, 'silence'], 'BFT');
    expect(failed).toMatchObject({
      grpc: 'UNAVAILABLE',
      message: 'insufficient number of orderers could successfully process transaction to satisfy quorum requirement',
    });
    expect('details' in failed && failed.details).toHaveLength(2);
  });

  it.each([
    [1, 1],
    [3, 2],
    [4, 3],
    [5, 4],
    [6, 4],
    [7, 5],
    [10, 7],
  ])('of %i nodes a quorum is %i', (nodes, quorum) => expect(quorumOf(nodes)).toBe(quorum));
});

describe('where orderers are', () => {
  const own = [Buffer.from('own')];
  const bundle = {
    ordererEndpoints: [
      { address: 'a:1', tlsRoots: [] },
      { address: 'b:1', tlsRoots: own },
    ],
    orderer: undefined,
  };

  it('is where an override says, with its authorities, and is told so', () => {
    const overrides = new Map([
      ['a:1', { address: 'x:9', tlsRoots: ['root'] }],
      ['b:1', { address: 'y:9', tlsRoots: undefined }],
    ]);
    expect(orderersOf(bundle, overrides)).toEqual([
      { address: 'x:9 (mapped from a:1)', mspId: '', target: { address: 'x:9', tlsRoots: ['root'] } },
      { address: 'y:9 (mapped from b:1)', mspId: '', target: { address: 'y:9', tlsRoots: own } },
    ]);
  });
});
