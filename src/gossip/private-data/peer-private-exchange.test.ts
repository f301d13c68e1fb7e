import { beforeAll, describe, expect, it } from 'vitest';
import { channelOf, peerSigner, peersOf, signerOf } from '../../../test/fakes/gossip-peers.ts';
import { type MemoryLinks, MemoryNetwork } from '../../../test/fakes/memory-links.ts';
import { utf8 } from '../../common/bytes.ts';
import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { silent } from '../../common/log.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';
import type { gossip } from '../../protos/messages.ts';
import type { Member } from '../peers.ts';
import type { PrivateDataHandler } from '../private-exchange.ts';
import { readEnvelope, unsignedEnvelope } from '../wire/envelope.ts';
import { PeerPrivateExchange } from './peer-private-exchange.ts';

const { signal } = new AbortController();
const data = (text = 'rwset'): gossip.PrivatePayloadInit => ({
  collectionName: 'secrets',
  namespace: 'cc',
  txId: 'tx1',
  privateRwset: utf8(text),
  privateSimHeight: 7n,
});
const digest = (seqInBlock: bigint, txId = ''): gossip.PvtDataDigestInit => ({
  txId,
  namespace: 'cc',
  collection: 'secrets',
  blockSeq: 5n,
  seqInBlock,
});

const NOTHING: PrivateDataHandler = { received: async () => undefined, asked: async () => [] };

describe('private data between peers', () => {
  let org1: Organization;
  let org2: Organization;
  let org3: Organization;
  let channel: ChannelBundle;
  beforeAll(async () => {
    [org1, org2, org3] = await Promise.all([peersOf('Org1', 1), peersOf('Org2', 1), peersOf('Org3', 1)]);
    channel = await channelOf([org1, org2]);
  });

  const open = async () => {
    const network = new MemoryNetwork();
    const bundleOf = (channelId: string) => (channelId === 'small' ? channel : undefined);
    const peer = async (org: Organization) => {
      const links = await network.join({ signer: peerSigner(org), endpoints: [`${org.mspId}:7051`] });
      return { links, exchange: new PeerPrivateExchange({ links, bundleOf, log: silent }), member: memberOf(links, `${org.mspId}:7051`) };
    };
    const [a, b, c] = await Promise.all([org1, org2, org3].map(peer));
    if (a === undefined || b === undefined || c === undefined) throw new Error('three peers');
    return { network, a, b, c };
  };

  const memberOf = ({ self }: MemoryLinks, endpoint: string): Member => ({
    ...self,
    endpoint,
    internalEndpoint: undefined,
    alive: self.handshake,
    self: false,
  });

  it('is given, and its taker says that it has it', async () => {
    const { a, b } = await open();
    const got: unknown[] = [];
    b.exchange.serve({
      ...NOTHING,
      received: async (payload, channelId, from) =>
        void got.push(payload.txId, Buffer.from(payload.privateRwset).toString(), channelId, from.mspId),
    });
    await a.exchange.push(b.member, 'small', data(), { signal });
    expect(got).toEqual(['tx1', 'rwset', 'small', 'Org1MSP']);
  });

  it('is refused with the words of who does not take it, and with none where it fails for reasons of its own', async () => {
    const { a, b } = await open();
    b.exchange.serve({ ...NOTHING, received: async () => ({ refused: 'no room' }) });
    await expect(a.exchange.push(b.member, 'small', data(), { signal })).rejects.toMatchObject({
      code: 'REFUSED_BY_PEER',
      message: 'no room',
    });
    for (const [thrown, text] of [
      [new SelvageError('DISK_FULL', 'the disk is full'), 'the disk is full'],
      [new Error('/secret/path'), 'internal error'],
    ] as const) {
      b.exchange.serve({ ...NOTHING, received: () => Promise.reject(thrown) });
      await expect(a.exchange.push(b.member, 'small', data(), { signal })).rejects.toThrow(text);
    }
  });

  it('waits for a word as long as its giver does; words of others, and second ones, do not count', async () => {
    const { network, a, b, c } = await open();
    const nonce = deferred<bigint>();
    b.links.onEnvelope((_, envelope) => nonce.resolve(readEnvelope(envelope).message.nonce));
    const enough = new AbortController();
    const push = a.exchange.push(b.member, 'small', data(), { signal: enough.signal });
    const answer = async (from: MemoryLinks, error: string): Promise<void> =>
      from.send({ pkiId: a.links.self.pkiId, endpoint: 'Org1MSP:7051' }, unsignedEnvelope({ nonce: await nonce.promise, ack: { error } }), {
        lossy: false,
        signal,
      });
    await answer(c.links, 'not mine');
    await network.idle();
    await answer(b.links, 'no');
    await answer(b.links, '');
    await expect(push).rejects.toThrow(/^no$/);
    const silence = a.exchange.push(b.member, 'small', data(), { signal: enough.signal });
    await network.idle();
    enough.abort(new SelvageError('DEADLINE_EXCEEDED', 'no word in time'));
    await expect(silence).rejects.toThrow('no word in time');
  });

  it('is not taken from who is no reader of the channel, nor for an unknown channel, nor when there is none', async () => {
    const { network, a, b, c } = await open();
    let calls = 0;
    b.exchange.serve({
      ...NOTHING,
      received: async () => {
        calls += 1;
        return undefined;
      },
    });
    const enough = new AbortController();
    const pushes = [
      c.exchange.push(b.member, 'small', data(), { signal: enough.signal }),
      a.exchange.push(b.member, 'other', data(), { signal: enough.signal }),
      a.exchange.push(b.member, 'small', data(''), { signal: enough.signal }),
    ];
    const outcomes = Promise.allSettled(pushes);
    await network.idle();
    enough.abort(new Error('silence'));
    expect((await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.message : 'taken'))).toEqual(
      Array(3).fill('silence'),
    );
    expect(calls).toBe(0);
  });

  it('is asked for by digests, and what is given must repeat them', async () => {
    const { a, b } = await open();
    const asked: string[] = [];
    b.exchange.serve({
      ...NOTHING,
      asked: async (digests, channelId, from) => {
        asked.push(`${digests.length} of ${channelId} for ${from.mspId}`);
        const [first] = digests;
        return [
          { digest: first, payload: [utf8('one'), utf8('two')] },
          { digest: digest(9n), payload: [utf8('nobody asked')] },
          { payload: [utf8('of what')] },
        ];
      },
    });
    const given = await a.exchange.pull(b.member, 'small', [digest(0n), digest(1n, 'tx')], { signal });
    expect(given.map((element) => [element.digest?.seqInBlock, element.payload.map((each) => Buffer.from(each).toString())])).toEqual([
      [0n, ['one', 'two']],
    ]);
    expect(asked).toEqual(['2 of small for Org1MSP']);
  });

  it('is answered with nothing where there is nothing to give, or reading fails', async () => {
    const { a, b } = await open();
    b.exchange.serve(NOTHING);
    expect(await a.exchange.pull(b.member, 'small', [digest(0n)], { signal })).toEqual([]);
    b.exchange.serve({ ...NOTHING, asked: () => Promise.reject(new Error('broken')) });
    expect(await a.exchange.pull(b.member, 'small', [digest(0n)], { signal })).toEqual([]);
  });

  it('is recognised whatever the nonce of the answer, once all of it is there', async () => {
    const { network, a, b, c } = await open();
    const pull = a.exchange.pull(b.member, 'small', [digest(0n), digest(1n)], { signal });
    const give = (from: MemoryLinks, seq: bigint): Promise<void> =>
      from.send(
        { pkiId: a.links.self.pkiId, endpoint: 'Org1MSP:7051' },
        unsignedEnvelope({ privateRes: { elements: [{ digest: digest(seq), payload: [utf8(`of ${seq}`)] }] } }),
        { lossy: false, signal },
      );
    await network.idle();
    await give(c.links, 0n);
    await give(b.links, 1n);
    await network.idle();
    await give(b.links, 0n);
    expect((await pull).map(({ digest: found }) => found?.seqInBlock)).toEqual([1n, 0n]);
  });

  it('is worked on for one peer a few at a time, and words pass by', async () => {
    const { network, a, b } = await open();
    const release = deferred<void>();
    let running = 0;
    b.exchange.serve({
      ...NOTHING,
      asked: async () => {
        running += 1;
        await release.promise;
        return [];
      },
    });
    a.exchange.serve(NOTHING);
    const pulls = [0n, 1n, 2n].map((seq) => a.exchange.pull(b.member, 'small', [digest(seq)], { signal }));
    await b.exchange.push(a.member, 'small', data(), { signal }); // its word comes on the same stream, behind the requests
    const more = [3n, 4n, 5n, 6n].map((seq) => a.exchange.pull(b.member, 'small', [digest(seq)], { signal }));
    await new Promise(setImmediate);
    expect(running).toBe(4);
    release.resolve();
    await Promise.all([...pulls, ...more]);
    await network.idle();
    expect(running).toBe(7);
  });

  it('of an answer that no message has room for is left out', async () => {
    const { a, b } = await open();
    const large = new Uint8Array(60 * 1024 * 1024);
    b.exchange.serve({ ...NOTHING, asked: async (digests) => digests.map((each) => ({ digest: each, payload: [large] })) });
    const given = await a.exchange.pull(b.member, 'small', [digest(0n), digest(1n)], { signal });
    expect(given.map((element) => element.digest?.seqInBlock)).toEqual([0n]);
  });

  it('is asked for with what a client may show as well, since no role is looked at', async () => {
    const network = new MemoryNetwork();
    const user = org1.users[1] as NonNullable<(typeof org1.users)[1]>;
    const client = await network.join({ signer: signerOf(org1, user), endpoints: [] });
    const links = await network.join({ signer: peerSigner(org2), endpoints: ['b:1'] });
    const exchange = new PeerPrivateExchange({ links, bundleOf: () => channel, log: silent });
    const from = deferred<string>();
    exchange.serve({
      ...NOTHING,
      received: async (_, __, { mspId }) => {
        from.resolve(mspId);
        return undefined;
      },
    });
    await new PeerPrivateExchange({ links: client, bundleOf: () => channel, log: silent }).push(memberOf(links, 'b:1'), 'small', data(), {
      signal,
    });
    expect(await from.promise).toBe('Org1MSP');
  });
});
