import { describe, expect, it } from 'vitest';
import { commitBlock } from '../../test/fakes/followed-channel.ts';
import { type SmallGateway, smallGateway } from '../../test/fakes/small-gateway.ts';
import { utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { common, gateway, type orderer, protos } from '../protos/messages.ts';

const never = { signal: new AbortController().signal };
const identity = utf8('user');

const asking = (init: gateway.ChaincodeEventsRequestInit = {}): gateway.SignedChaincodeEventsRequest =>
  gateway.SignedChaincodeEventsRequest.decode(
    gateway.SignedChaincodeEventsRequest.encode({
      request: gateway.ChaincodeEventsRequest.encode({ channelId: 'ch', chaincodeId: 'cc', identity, ...init }),
      signature: utf8('signature'),
    }),
  );

const from = (number: bigint): orderer.SeekPositionInit => ({ specified: { number } });

/** `block: event event`, so many of them. */
async function read(small: SmallGateway, count: number, init: gateway.ChaincodeEventsRequestInit): Promise<string[]> {
  const seen: string[] = [];
  if (count === 0) return seen;
  for await (const bytes of small.gateway.chaincodeEvents(asking(init), never)) {
    const { events, blockNumber } = gateway.ChaincodeEventsResponse.decode(bytes);
    seen.push(`${blockNumber}: ${events.map(({ eventName }) => eventName).join(' ')}`);
    if (seen.length === count) break;
  }
  return seen;
}

describe('what is no request', () => {
  it.each([
    ['nothing', gateway.SignedChaincodeEventsRequest.decode(new Uint8Array()), 'a chaincode events request is required'],
    [
      'bytes that do not parse',
      gateway.SignedChaincodeEventsRequest.decode(gateway.SignedChaincodeEventsRequest.encode({ request: new Uint8Array([255]) })),
      'invalid chaincode events request: proto: cannot parse invalid wire-format data',
    ],
    ['from the oldest', asking({ startPosition: { oldest: {} } }), 'invalid start position type: *orderer.SeekPosition_Oldest'],
    ['from the newest', asking({ startPosition: { newest: {} } }), 'invalid start position type: *orderer.SeekPosition_Newest'],
  ])('%s', async (_, signed, message) => {
    await using small = await smallGateway();
    await expect(small.gateway.chaincodeEvents(signed, never).next()).rejects.toMatchObject({ grpc: 'INVALID_ARGUMENT', message });
  });
});

describe('events of a chaincode', () => {
  const committed = async () => {
    const small = await smallGateway();
    const { channel } = small;
    commitBlock(channel, [{ txId: 't0', event: 'zero' }]);
    commitBlock(channel, [
      { txId: 't1', event: 'one' },
      { txId: 't2', event: { eventName: 'foreign', chaincodeId: 'other' } },
      { txId: 't3', code: protos.TxValidationCode.MVCC_READ_CONFLICT, event: 'invalid' },
      { txId: 't4', event: 'four' },
      { txId: 't5' },
    ]);
    commitBlock(channel, [{ txId: 't6' }]);
    commitBlock(channel, [
      { txId: 't7', event: { eventName: '' } },
      { txId: 't8', event: { eventName: 'nameless', txId: '' } },
      { txId: 't9', event: 'config', type: common.HeaderType.CONFIG },
      { txId: 't10', event: 'ten' },
    ]);
    return small;
  };

  it('come one message a block, of valid transactions, and only where there are any', async () => {
    await using small = await committed();
    expect(await read(small, 3, { startPosition: from(0n) })).toEqual(['0: zero', '1: one four', '3: ten']);
    expect(await read(small, 1, { startPosition: from(0n), chaincodeId: 'other' })).toEqual(['1: foreign']);
  });

  it.each([
    ['a transaction with an event', 't1', ['1: four', '3: ten']],
    ['the last event of a block', 't4', ['3: ten']],
    ['a transaction without one', 't6', ['3: ten']],
    ['one that was invalidated', 't3', ['1: four', '3: ten']],
    ['an event of another chaincode', 't2', ['1: four', '3: ten']],
  ])('go on after %s', async (_, afterTransactionId, expected) => {
    await using small = await committed();
    expect(await read(small, expected.length, { afterTransactionId, startPosition: from(0n) })).toEqual(expected);
  });

  it.each([
    ['without a position', {}],
    ['from the next commit', { startPosition: { nextCommit: {} } }],
  ])('begin with the next block %s', async (_, init) => {
    await using small = await committed();
    const next = read(small, 1, init);
    await new Promise(setImmediate);
    commitBlock(small.channel, [{ txId: 'new', event: 'new' }]);
    expect(await next).toEqual(['4: new']);
  });

  it('wait for a block that is not there yet, and for the transaction that they go on after', async () => {
    await using small = await committed();
    const late = read(small, 1, { startPosition: from(5n) });
    const after = read(small, 2, { startPosition: from(5n), afterTransactionId: 'seen' });
    await new Promise(setImmediate);
    commitBlock(small.channel, [{ txId: 'a', event: 'early' }]);
    commitBlock(small.channel, [
      { txId: 'b', event: 'before' },
      { txId: 'seen', event: 'seen' },
      { txId: 'c', event: 'after' },
    ]);
    commitBlock(small.channel, [{ txId: 'd', event: 'last' }]);
    expect(await late).toEqual(['5: before seen after']);
    expect(await after).toEqual(['5: after', '6: last']);
  });

  it('are encoded once for all who follow', async () => {
    await using small = await committed();
    const streams = Array.from({ length: 200 }, () => small.gateway.chaincodeEvents(asking({ startPosition: from(0n) }), never));
    const first = await Promise.all(streams.map(async (stream) => (await stream.next()).value));
    expect(new Set(first).size).toBe(1);
    expect(small.channel.ledger.blocks.list).toHaveLength(4);
  });

  it('end when the client has gone, or may no longer read', async () => {
    let may = true;
    const access = {
      check: async () => {
        if (!may) throw new SelvageError('ACCESS_DENIED', 'no longer');
      },
      checkLocal: async () => undefined,
    };
    await using other = await smallGateway();
    let sequence = 0n;
    const channel = { ...other.channel, bundle: () => ({ ...other.channel.bundle(), sequence }) };
    await using small = await smallGateway({ parts: { access, channels: { get: () => channel, list: () => [channel] } } });
    const gone = new AbortController();
    const leaving = small.gateway.chaincodeEvents(asking(), gone).next();
    const reading = small.gateway.chaincodeEvents(asking(), never).next();
    await new Promise(setImmediate);
    const reason = new SelvageError('CANCELLED', 'gone');
    gone.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    may = false;
    sequence = 1n;
    commitBlock(other.channel, [{ txId: 'a', event: 'secret' }]);
    await expect(reading).rejects.toMatchObject({ grpc: 'PERMISSION_DENIED', message: 'no longer' });
  });

  it('are for who may read the channel', async () => {
    const access = {
      check: (resource: string) => Promise.reject(new SelvageError('ACCESS_DENIED', `not ${resource}`)),
      checkLocal: async () => undefined,
    };
    await using small = await smallGateway({ parts: { access } });
    await expect(small.gateway.chaincodeEvents(asking(), never).next()).rejects.toMatchObject({
      grpc: 'PERMISSION_DENIED',
      message: 'not gateway/ChaincodeEvents',
    });
    await expect(small.gateway.chaincodeEvents(asking({ channelId: '' }), never).next()).rejects.toMatchObject({
      message: 'Invalid channel ID name on check policy on signed data. Name must be different from nil.',
    });
  });
});
