import { describe, expect, it } from 'vitest';
import { channelsOf } from '../../test/fakes/recorded-channel.ts';
import { BlockFeed } from '../channel/block-feed.ts';
import type { Channel } from '../channel/channel.ts';
import { CommittedBlock } from '../channel/committed-block.ts';
import type { ByteStream, CallContext } from '../comm/method.ts';
import { utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { silent } from '../common/log.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { common, orderer, protos } from '../protos/messages.ts';
import { peerDeliverService } from './peer-deliver-service.ts';

const NOW = new Date('2026-06-01T12:00:00Z');

/** An endorser transaction, or bytes of one that do not parse. */
function envelope(data = utf8('')): Uint8Array {
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.ENDORSER_TRANSACTION, txId: 'tx', channelId: 'ch' });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader, signatureHeader: utf8('') }, data }) });
}

const blockOf = (number: bigint, transaction = envelope()): common.Block =>
  common.Block.decode(common.Block.encode({ header: { number }, data: { data: [transaction] }, metadata: { metadata: [] } }));

/** Asks for all blocks from the first on, for ever. */
function seekAll(): Uint8Array {
  const seek = { start: { specified: { number: 0n } }, stop: { specified: { number: 0xffff_ffff_ffff_ffffn } } };
  const timestamp = { seconds: BigInt(NOW.getTime() / 1000), nanos: 0 };
  const header = { channelHeader: common.ChannelHeader.encode({ channelId: 'ch', timestamp }), signatureHeader: utf8('') };
  return common.Envelope.encode({ payload: common.Payload.encode({ header, data: orderer.SeekInfo.encode(seek) }) });
}

function open({ concurrency = 0, keptBytes }: { readonly concurrency?: number; readonly keptBytes?: number } = {}) {
  const chain = [blockOf(0n)];
  const reads: bigint[] = [];
  const blocks = {
    info: () => ({ height: BigInt(chain.length), currentBlockHash: utf8(''), previousBlockHash: utf8('') }),
    block: (number: bigint) => {
      reads.push(number);
      return chain[Number(number)];
    },
  };
  const feed = new BlockFeed({ channelId: 'ch', blocks, keptBytes });
  const bundle = { sequence: 0n, msps: { deserialize: () => ({ notAfter: undefined }) } } as unknown as ChannelBundle;
  const channel = { id: 'ch', feed, bundle: () => bundle, halted: () => undefined } as unknown as Channel;
  const methods = peerDeliverService({
    channels: channelsOf(channel),
    acl: { check: async () => undefined, checkLocal: async () => undefined },
    timeWindowMs: 1_000,
    mutualTls: false,
    concurrency,
    clock: { now: () => NOW },
    log: silent,
  });
  const commit = (transaction?: Uint8Array): void => {
    const block = blockOf(BigInt(chain.length), transaction);
    chain.push(block);
    feed.announce({ block: new CommittedBlock('ch', block), reasons: [] });
  };
  /** A stream of a client that takes `takes` messages and then no more, until it goes on. */
  const follow = (name: 'Deliver' | 'DeliverFiltered', takes = Number.POSITIVE_INFINITY) => {
    const method = methods.find(({ path }) => path === `/protos.Deliver/${name}`);
    if (method?.kind !== 'bidi') throw new Error(`there is no ${name}`);
    const sent: Uint8Array[] = [];
    const goesOn = deferred<void>();
    const gone = new AbortController();
    const heard = new Set<() => void>();
    const stream: ByteStream = {
      incoming: (async function* () {
        yield seekAll();
      })(),
      send: async (bytes) => {
        sent.push(bytes);
        for (const each of heard) each();
        if (sent.length > takes)
          await Promise.race([goesOn.promise, new Promise((resolve) => gone.signal.addEventListener('abort', resolve))]);
        gone.signal.throwIfAborted();
      },
    };
    const context: CallContext = { signal: gone.signal, remote: 'client', peerCertificate: undefined };
    const ended = method.handle(stream, context);
    ended.catch(() => undefined);
    const until = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => void (sent.length >= count && resolve());
        heard.add(look);
        look();
      });
    return { sent, ended, until, goOn: () => goesOn.resolve(), leave: () => gone.abort(new Error('left')) };
  };
  return { commit, follow, reads, height: () => chain.length };
}

const numbersIn = (sent: readonly Uint8Array[]): readonly (number | undefined)[] =>
  sent.map((bytes) => protos.DeliverResponse.decode(bytes)).map(({ block }) => block?.header && Number(block.header.number));

describe('deliver', () => {
  it('sends one encoded block to all who follow, and nothing more to those who do not read', async () => {
    const { commit, follow, reads } = open();
    const stuck = Array.from({ length: 200 }, () => follow('Deliver', 1));
    const reader = follow('Deliver');
    await Promise.all(stuck.map(({ until }) => until(1)));
    for (let number = 1; number <= 20; number += 1) {
      commit();
      await reader.until(number + 1);
    }
    expect(numbersIn(reader.sent)).toEqual(Array.from({ length: 21 }, (_, number) => number));
    expect(new Set(stuck.map(({ sent }) => sent.length))).toEqual(new Set([2]));
    for (const { sent } of stuck) expect(sent[1]).toBe(reader.sent[1]);
    expect(reads).toEqual([0n]);
    for (const { leave } of [...stuck, reader]) leave();
  });

  it('lets a slow reader read on from the disk', async () => {
    const { commit, follow, reads } = open({ keptBytes: 1 });
    const slow = follow('Deliver', 1);
    for (let number = 1; number <= 5; number += 1) commit();
    await slow.until(2);
    slow.goOn();
    await slow.until(6);
    expect(numbersIn(slow.sent)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(reads).toEqual([0n, 1n, 2n, 3n, 4n]);
    slow.leave();
  });

  it('tells with a status of a block that cannot be filtered, and goes on', async () => {
    const { commit, follow } = open();
    const reader = follow('DeliverFiltered');
    commit(envelope(utf8('\xff\xff')));
    commit();
    await reader.until(3);
    const answers = reader.sent.map((bytes) => protos.DeliverResponse.decode(bytes));
    expect(answers.map(({ filteredBlock, status }) => filteredBlock?.number ?? status)).toEqual([0n, common.Status.BAD_REQUEST, 2n]);
    reader.leave();
  });

  it('refuses streams beyond the limit, of both kinds together, until one ends', async () => {
    const { follow } = open({ concurrency: 2 });
    const first = follow('Deliver');
    const second = follow('DeliverFiltered');
    await Promise.all([first.until(1), second.until(1)]);
    const refusal = { code: 'OVERLOADED', message: 'too many requests for /protos.Deliver, exceeding concurrency limit (2)' };
    await expect(follow('Deliver').ended).rejects.toMatchObject(refusal);
    await expect(follow('DeliverFiltered').ended).rejects.toMatchObject(refusal);
    first.leave();
    await first.ended.catch(() => undefined);
    await follow('Deliver').until(1);
  });
});
