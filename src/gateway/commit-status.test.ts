import { describe, expect, it } from 'vitest';
import { announceBlock, commitBlock, storeBlock } from '../../test/fakes/followed-channel.ts';
import { smallGateway } from '../../test/fakes/small-gateway.ts';
import { hex, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { AccessControl } from '../msp/acl.ts';
import { gateway, protos } from '../protos/messages.ts';

const never = { signal: new AbortController().signal };
const identity = utf8('user');

const asking = (init: gateway.CommitStatusRequestInit): gateway.SignedCommitStatusRequest =>
  gateway.SignedCommitStatusRequest.decode(
    gateway.SignedCommitStatusRequest.encode({
      request: gateway.CommitStatusRequest.encode({ channelId: 'ch', transactionId: 'tx', identity, ...init }),
      signature: utf8('signature'),
    }),
  );

describe('what is no request', () => {
  it.each([
    ['nothing', gateway.SignedCommitStatusRequest.decode(new Uint8Array()), 'a commit status request is required'],
    [
      'bytes that do not parse',
      gateway.SignedCommitStatusRequest.decode(gateway.SignedCommitStatusRequest.encode({ request: new Uint8Array([255]) })),
      'invalid status request: proto: cannot parse invalid wire-format data',
    ],
    ['without an identity', asking({ identity: new Uint8Array() }), 'no identity provided'],
    ['without a channel', asking({ channelId: '' }), 'no channel ID provided'],
    ['without a transaction', asking({ transactionId: '' }), 'transaction ID should not be empty'],
  ])('%s', async (_, signed, message) => {
    await using small = await smallGateway();
    await expect(small.gateway.commitStatus(signed, never)).rejects.toMatchObject({ grpc: 'INVALID_ARGUMENT', message });
  });
});

describe('who may ask', () => {
  it('somebody who may read the channel, and nobody learns which channels there are', async () => {
    const judged: unknown[] = [];
    const access = {
      check: async (resource: string, _bundle: unknown, subject: Parameters<AccessControl['check']>[2]) => {
        judged.push([resource, ...[subject].flat().map((each) => ('data' in each ? Object.values(each).map(hex) : []))]);
        throw new SelvageError('ACCESS_DENIED', 'not you');
      },
      checkLocal: async () => undefined,
    };
    await using small = await smallGateway({ parts: { access } });
    const signed = asking({});
    await expect(small.gateway.commitStatus(signed, never)).rejects.toMatchObject({ grpc: 'PERMISSION_DENIED', message: 'not you' });
    expect(judged).toEqual([['gateway/CommitStatus', [signed.request, identity, utf8('signature')].map(hex)]]);
    await expect(small.gateway.commitStatus(asking({ channelId: 'other' }), never)).rejects.toMatchObject({
      grpc: 'PERMISSION_DENIED',
      message: 'Failed to get policy manager for channel [other]',
    });
  });
});

describe('how a transaction ended', () => {
  it('is told at once when it is on the ledger', async () => {
    await using small = await smallGateway();
    commitBlock(small.channel, [{ txId: 'other' }]);
    commitBlock(small.channel, [{ txId: 'first' }, { txId: 'tx', code: protos.TxValidationCode.MVCC_READ_CONFLICT }]);
    expect(await small.gateway.commitStatus(asking({}), never)).toEqual({ result: 11, blockNumber: 1n });
  });

  it('is told to all who wait, when it comes', async () => {
    await using small = await smallGateway();
    const waiting = Array.from({ length: 50 }, () => small.gateway.commitStatus(asking({}), never));
    const other = small.gateway.commitStatus(asking({ transactionId: 'later' }), never);
    commitBlock(small.channel, [{ txId: 'a' }]);
    commitBlock(small.channel, [{ txId: 'tx', code: 10 }]);
    expect(new Set((await Promise.all(waiting)).map(({ result, blockNumber }) => `${result} ${blockNumber}`))).toEqual(new Set(['10 1']));
    commitBlock(small.channel, [{ txId: 'later' }]);
    expect(await other).toEqual({ result: 0, blockNumber: 2n });
  });

  it('is not missed between the look at the ledger and the wait', async () => {
    await using small = await smallGateway();
    const { blocks } = small.channel.ledger;
    const { transaction } = blocks;
    let commit: (() => void) | undefined;
    const looked = new Promise<void>((resolve) => {
      blocks.transaction = (txId) => {
        const found = transaction.call(blocks, txId);
        if (commit === undefined) {
          const block = storeBlock(small.channel, [{ txId: 'tx' }]);
          commit = () => announceBlock(small.channel, block);
          resolve();
        }
        return found;
      };
    });
    const status = small.gateway.commitStatus(asking({}), never);
    await looked;
    commit?.();
    expect(await status).toEqual({ result: 0, blockNumber: 0n });
  });

  it('is not told to who left, of whom nothing stays', async () => {
    await using small = await smallGateway();
    const gone = new AbortController();
    const waiting = Array.from({ length: 1_000 }, (_, at) =>
      small.gateway.commitStatus(asking({ transactionId: `tx ${at}` }), gone).catch((thrown: unknown) => thrown),
    );
    await new Promise(setImmediate);
    const reason = new SelvageError('CANCELLED', 'gone');
    gone.abort(reason);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([reason]));
    let read = 0;
    const { at } = small.channel.feed;
    small.channel.feed.at = (number) => {
      read += 1;
      return at.call(small.channel.feed, number);
    };
    commitBlock(small.channel, [{ txId: 'tx 1' }]);
    await new Promise(setImmediate);
    expect(read).toBe(0); // nobody follows the channel any more
  });

  it('looks at each block once, however many wait', async () => {
    await using small = await smallGateway();
    let read = 0;
    const { at } = small.channel.feed;
    small.channel.feed.at = (number) => {
      read += 1;
      return at.call(small.channel.feed, number);
    };
    const waiting = Array.from({ length: 1_000 }, (_, at) => small.gateway.commitStatus(asking({ transactionId: `tx ${at}` }), never));
    await new Promise(setImmediate);
    for (let block = 0; block < 10; block += 1)
      commitBlock(
        small.channel,
        Array.from({ length: 100 }, (_, at) => ({ txId: `tx ${100 * block + at}` })),
      );
    expect((await Promise.all(waiting)).map(({ blockNumber }) => blockNumber)).toEqual(
      Array.from({ length: 1_000 }, (_, at) => BigInt(Math.floor(at / 100))),
    );
    expect(read).toBe(10);
  });

  it('ends when the channel is closed, or will never have it', async () => {
    await using small = await smallGateway();
    const waiting = small.gateway.commitStatus(asking({}), never);
    await new Promise(setImmediate);
    small.channel.feed.close(new Error('closed'));
    await expect(waiting).rejects.toMatchObject({ grpc: 'ABORTED', message: 'unexpected close of commit notification channel' });
    await using halted = await smallGateway();
    const channel = { ...halted.channel, halted: () => new SelvageError('CHANNEL_HALTED', 'stopped for good') };
    await using stopped = await smallGateway({ parts: { channels: { get: () => channel, list: () => [channel] } } });
    await expect(stopped.gateway.commitStatus(asking({}), never)).rejects.toMatchObject({ code: 'CHANNEL_HALTED' });
  });
});
