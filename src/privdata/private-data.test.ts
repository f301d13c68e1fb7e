import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL, PrivateNetwork, type PrivatePeer, put } from '../../test/fakes/private-network.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { silent } from '../common/log.ts';
import { unmeasured } from '../common/metrics.ts';
import { signedByAnyOf } from '../msp/policies/common-policies.ts';
import { gossip, kvrwset, protos } from '../protos/messages.ts';
import { ReceivedBudget } from './received-budget.ts';
import { Responder } from './responder.ts';

const { BAD_PROPOSAL_TXID } = protos.TxValidationCode;
const MEMBERS = ['Org1MSP', 'Org2MSP'];

let network: PrivateNetwork;
beforeEach(async () => {
  network = await PrivateNetwork.open();
});
afterEach(() => network[Symbol.asyncDispose]());

/** Block 1 defines the collections of `cc`. */
async function defined(peer: PrivatePeer, specs: Parameters<PrivatePeer['define']>[1]): Promise<void> {
  await network.order([await peer.define('define', specs)]);
}

/** Two bytes each, and each an object when it is read. */
const emptyReads = (count: number): Uint8Array => Buffer.alloc(2 * count, Buffer.from([0x0a, 0]));

const setOf = (value: string, key = 'k'): Uint8Array => kvrwset.KVRWSet.encode({ writes: [{ key, value: utf8(value) }] });

describe('private data at endorsement', () => {
  it('goes to members alone, one of each organisation first, at most so many as the collection says, and then stays here', async () => {
    const [one, two, twoToo, three] = [
      await network.join({ org: 0 }),
      await network.join({ org: 1 }),
      await network.join({ org: 1, at: 1 }),
      await network.join({ org: 2 }),
    ];
    await defined(one, [
      { name: 'c', members: MEMBERS, required: 1, maximum: 1 },
      { name: 'all', members: [...MEMBERS, 'Org3MSP'], maximum: 2 },
    ]);
    await one.endorse('tx', (simulator) => {
      put('c', 'k', 'v')(simulator);
      put('all', 'k', 'v')(simulator);
    });
    const kept = async (peer: PrivatePeer) => (await peer.ledger.transient.get('tx')).length;
    expect(await kept(one)).toBe(1);
    expect((await kept(two)) + (await kept(twoToo))).toBe(2); // one of them `c`, one of them `all`
    expect(await kept(three)).toBe(1);
    const [own] = await one.ledger.transient.get('tx');
    expect([own?.endorsedAt, own?.collectionConfigs.get('cc')?.config.length]).toEqual([2n, 2]);
  });

  it('is not endorsed where too few members are known, or one that is required does not say that it has it', async () => {
    const one = await network.join({ org: 0, settings: { pushAckTimeoutMs: 1_000 } });
    const two = await network.join({ org: 1 });
    await network.join({ org: 2 });
    await defined(one, [
      { name: 'two', members: MEMBERS, required: 2, maximum: 2 },
      { name: 'c', members: MEMBERS, required: 1, maximum: 1 },
    ]);
    await expect(one.endorse('tx1', put('two', 'k', 'v'))).rejects.toThrow(
      'failed to distribute private collection, txID tx1, channel small: could not build private data dissemination plan for chaincode cc ' +
        'and collection two: required to disseminate to at least 2 peers, but know of only 1 eligible peers',
    );
    for (const [say, failure] of [
      [async () => ({ refused: 'no room' }), 'no room'],
      [async () => 'silence' as const, 'timed out'],
    ] as const) {
      two.answer({ received: say });
      await expect(one.endorse('tx2', put('c', 'k', 'v'))).rejects.toThrow(
        'failed to distribute private collection, txID tx2, channel small: Failed disseminating 1 out of 1 private dissemination plans',
      );
      expect(one.lines.all.at(-1)).toMatchObject({ level: 'error', fields: { txId: 'tx2', collection: 'c', failures: { [failure]: 1 } } });
    }
    expect(await one.ledger.transient.get('tx2')).toEqual([]);
  });

  it('is endorsed where a member that need not have it does not take it', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 1 }]);
    two.mute();
    await one.endorse('tx', put('c', 'k', 'v'));
    expect((await one.ledger.transient.get('tx')).length).toBe(1);
    expect(one.lines.told).toEqual([]);
  });

  it('of an organisation alone goes to another of its peers, and to so many as the configuration says', async () => {
    const implicit = { requiredPeerCount: 1, maxPeerCount: 1 };
    const one = await network.join({ org: 0, settings: { implicit } });
    await network.join({ org: 1 });
    const write = (simulator: Parameters<ReturnType<typeof put>>[0]) =>
      simulator.putPrivateData('_lifecycle', '_implicit_org_Org1MSP', 'k', utf8('v'));
    await expect(one.endorse('tx1', write)).rejects.toThrow(/to at least 1 peers, but know of only 0 eligible peers$/);
    const own = await network.join({ org: 0, at: 1 });
    await one.endorse('tx2', write);
    expect((await own.ledger.transient.get('tx2')).length).toBe(1);
    await one.endorse('tx3', (simulator) => simulator.putPrivateData('_lifecycle', '_implicit_org_Org2MSP', 'k', utf8('v')));
    expect((await network.peers[1]?.ledger.transient.get('tx3'))?.length).toBe(0);
  });
});

describe('private data that another peer gives', () => {
  const payload = {
    collectionName: 'c',
    namespace: 'cc',
    txId: 'tx',
    privateRwset: setOf('v'),
    privateSimHeight: 2n,
    collectionConfigs: undefined,
  };

  it('is taken from readers of the channel, for members, and what is no write set from nobody', async () => {
    const [one, two, three] = [await network.join({ org: 0 }), await network.join({ org: 1 }), await network.join({ org: 2 })];
    await defined(one, [{ name: 'c', members: MEMBERS }]);
    const give = (peer: PrivatePeer, changed: object = {}, from = two.neighbour, channel = CHANNEL) =>
      peer.receiver.received({ ...payload, ...changed }, channel, from);
    expect(await give(one)).toBeUndefined();
    expect(await give(three)).toEqual({ refused: 'Org3MSP is no member of collection c of chaincode cc' });
    expect(await give(one, { collectionName: 'unknown' })).toEqual({
      refused: 'Org1MSP is no member of collection unknown of chaincode cc',
    });
    expect(await give(one, {}, two.neighbour, 'other')).toBe('silence');
    expect(await give(one, {}, { ...two.neighbour, handshake: { payload: utf8('x'), signature: utf8('y') } })).toBe('silence');
    for (const broken of [
      { privateRwset: utf8('') },
      { privateRwset: utf8('no set') },
      { txId: '' },
      { txId: 'x'.repeat(2000) },
      { namespace: 'a\0b' },
      { privateRwset: emptyReads(1_000_001) },
    ])
      expect(await give(one, broken)).toBe('silence');
    expect((await one.ledger.transient.get('tx')).length).toBe(1);
    const config = { name: 'newer', memberOrgsPolicy: { signaturePolicy: { rule: undefined, identities: [] } } };
    const packaged = (members: readonly string[]) => ({
      config: [{ staticCollectionConfig: { ...config, memberOrgsPolicy: { signaturePolicy: { identities: members.map(principal) } } } }],
    });
    expect(await give(one, { collectionName: 'newer', collectionConfigs: packaged(['Org1MSP']) })).toBeUndefined();
    expect(await give(one, { collectionName: 'newer', collectionConfigs: packaged(['Org2MSP']) })).toMatchObject({ refused: /no member/ });
    expect(await give(one, { collectionName: '_implicit_org_Org1MSP' })).toBeUndefined();
    expect(await give(one, { collectionName: '_implicit_org_Org2MSP' })).toMatchObject({ refused: expect.any(String) });
    expect(one.lines.told).toEqual(['warn private data of another peer is not taken']); // the first; the others are counted
  });

  it('has room for so much of a peer, an organisation and all, until the transactions are committed', async () => {
    const budget = new ReceivedBudget({ perSender: 2_600, perOrganization: 4_000, total: 6_000 });
    const one = await network.join({ org: 0, budget });
    const [two, twoToo, three] = [await network.join({ org: 1 }), await network.join({ org: 1, at: 1 }), await network.join({ org: 2 })];
    await defined(one, [{ name: 'c', members: [...MEMBERS, 'Org3MSP'], maximum: 0 }]);
    const give = (txId: string, from: PrivatePeer) => one.receiver.received({ ...payload, txId }, CHANNEL, from.neighbour);
    const tx = await two.endorse('tx1', put('c', 'k', 'v'));
    expect([await give('tx1', two), await give('tx2', two)]).toEqual([undefined, undefined]);
    const size = payload.privateRwset.length;
    expect(await give('tx3', two)).toEqual({ refused: `no room for ${size} more bytes of private data from Org2MSP` });
    expect(await give('tx3', twoToo)).toBeUndefined();
    expect(await give('tx4', twoToo)).toMatchObject({ refused: expect.any(String) });
    expect([await give('tx5', three), await give('tx6', three)]).toEqual([undefined, undefined]);
    await network.order([tx], { by: [one] });
    expect(await give('tx3', two)).toBeUndefined();
    expect(budget.held).toBeLessThanOrEqual(6_000);
  });

  it('counts with the configuration that it comes with', async () => {
    const budget = new ReceivedBudget({ perSender: 50_000, perOrganization: 50_000, total: 50_000 });
    const [one, two] = [await network.join({ org: 0, budget }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS }]);
    const large = { config: [{ staticCollectionConfig: { name: 'x'.repeat(60_000) } }] };
    const { collectionConfigs } = gossip.PrivatePayload.decode(gossip.PrivatePayload.encode({ collectionConfigs: large }));
    expect(await one.receiver.received({ ...payload, collectionConfigs }, CHANNEL, two.neighbour)).toMatchObject({
      refused: expect.stringMatching(/^no room for 60\d\d\d more bytes/),
    });
    expect([budget.held, await one.ledger.transient.get('tx')]).toEqual([0, []]);
  });
});

const anyOf3And2 = signedByAnyOf(['Org3MSP', 'Org2MSP'], 'MEMBER');

const principal = (mspIdentifier: string) => ({
  principalClassification: 0,
  principal: Buffer.concat([Buffer.from([10, mspIdentifier.length]), Buffer.from(mspIdentifier)]),
});

describe('private data at commit', () => {
  it('comes from the transient store by its hash, else from peers that have it', async () => {
    const [one, two, three] = [await network.join({ org: 0 }), await network.join({ org: 1 }), await network.join({ org: 2 })];
    await defined(one, [
      { name: 'c', members: MEMBERS, maximum: 0 },
      { name: 'pushed', members: MEMBERS, maximum: 1 },
    ]);
    const tx = await one.endorse('tx', (simulator) => {
      put('c', 'k', 'v')(simulator);
      put('pushed', 'k', 'p')(simulator);
    });
    await two.ledger.transient.put('tx', 1n, utf8('not a write set'));
    await network.order([tx]);
    for (const peer of [one, two]) expect([await peer.plain('c', 'k'), await peer.plain('pushed', 'k')]).toEqual(['v', 'p']);
    expect([await three.plain('c', 'k'), three.pulls, await three.missing('ineligible')]).toEqual([undefined, [], ['2.0 pushed', '2.0 c']]);
    expect(two.pulls).toEqual([{ to: 'Org1MSP', digests: 1 }]);
    expect(await two.missing()).toEqual([]);
  });

  it('is asked of who endorsed it before others', async () => {
    const [one, oneToo, two] = [await network.join({ org: 0 }), await network.join({ org: 0, at: 1 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    const asked: string[] = [];
    for (const peer of [one, oneToo])
      peer.answer({
        asked: (...told) => {
          asked.push(peer === one ? 'endorser' : 'other');
          return peer.responder.asked(...told);
        },
      });
    for (let number = 0; number < 4; number += 1)
      await network.order([await one.endorse(`tx${number}`, put('c', 'k', `${number}`))], { by: [one, two] });
    expect(asked).toEqual(['endorser', 'endorser', 'endorser', 'endorser']);
    expect(await two.plain('c', 'k')).toBe('3');
  });

  it('that comes while the block waits is taken, and a liar is passed over', async () => {
    const [one, liar, two] = [await network.join({ org: 0 }), await network.join({ org: 0, at: 1 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    const tx = await one.endorse('tx', put('c', 'k', 'v'));
    one.mute();
    liar.mute();
    two.onPause = () => one.answer();
    await network.order([tx], { by: [two] });
    expect(await two.plain('c', 'k')).toBe('v');
    liar.answer({ asked: async (digests) => digests.map((digest) => ({ digest, payload: [setOf('lie')] })) });
    const next = await one.endorse('tx2', put('c', 'k', 'w'));
    one.mute();
    await network.order([next], { by: [two] });
    expect([await two.plain('c', 'k'), await two.missing()]).toEqual(['v', ['3.0 c']]);
    expect(two.lines.told).toContain('warn a peer gave private data that do not have the hash of the transaction');
  });

  it('that nobody gives is missing, the block is committed, and the next ones do not wait for that collection', async () => {
    const pullRetryThresholdMs = 1_500;
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1, settings: { pullRetryThresholdMs } })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    const txs = [
      await one.endorse('tx1', put('c', 'k', '1')),
      await one.endorse('tx2', put('c', 'k', '2')),
      await one.endorse('tx3', put('c', 'k', '3')),
    ];
    one.mute();
    const [first, second, third] = txs.map((tx) => [tx]);
    let pauses = 0;
    two.onPause = () => {
      pauses += 1;
      return new Promise((resolve) => setImmediate(resolve));
    };
    await network.order(first ?? [], { by: [two] });
    expect([await two.missing(), pauses > 0]).toEqual([['2.0 c'], true]);
    expect(two.lines.told).toContain('warn private data of a collection cannot be had; blocks no longer wait for it');
    pauses = 0;
    two.pulls.length = 0;
    await network.order(second ?? [], { by: [two] });
    expect([await two.missing(), pauses, two.pulls]).toEqual([['3.0 c', '2.0 c'], 0, []]); // nor for who did not answer a moment ago
    one.answer();
    await one.catchUp();
    two.pulls.length = 0;
    await two.reconcile();
    await network.order(third ?? [], { by: [two] });
    expect([await two.missing(), await two.plain('c', 'k')]).toEqual([[], '3']);
  });

  it('is not waited for where everybody who may have it committed the block without it', async () => {
    const [one, oneToo, two] = [await network.join({ org: 0 }), await network.join({ org: 0, at: 1 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    const tx = await one.endorse('tx', put('c', 'k', '1'));
    await one.ledger.transient.purge(['tx'], 0n);
    for (const peer of [one, oneToo]) peer.mute();
    await network.order([], { by: [] });
    network.blocks.pop();
    one.answer();
    oneToo.answer();
    two.onPause = () => Promise.reject(new Error('it waits'));
    for (const peer of [one, oneToo]) peer.claims = { height: 10n };
    await network.order([tx], { by: [two] });
    expect(await two.missing()).toEqual(['2.0 c']);
  });

  it('that is about to expire is not asked for, with a margin of ten blocks', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0, blockToLive: 20n }]);
    for (const [number, height, value] of [
      [2n, 11n, 'had'], // 11 + 10 < 2 + 20
      [3n, 13n, undefined], // 13 + 10 = 3 + 20
    ] as const) {
      const tx = await one.endorse(`tx${number}`, put('c', `k${number}`, 'had'));
      one.claims = { height };
      two.pulls.length = 0;
      await network.order([tx], { by: [two] });
      expect([await two.plain('c', `k${number}`), two.pulls.length]).toEqual([value, value === undefined ? 0 : 1]);
      one.claims = {};
      await one.catchUp();
    }
  });

  it('of invalid transactions is had too, unless that is switched off', async () => {
    const one = await network.join({ org: 0 });
    const two = await network.join({ org: 1 });
    const without = await network.join({ org: 1, at: 1, settings: { skipPullingInvalid: true } });
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    const tx = await one.endorse('tx', put('c', 'k', 'v'));
    await network.order([tx], { codes: [BAD_PROPOSAL_TXID] });
    const kept = async (peer: PrivatePeer) => (await peer.ledger.privateData.ofBlock(2n)).size;
    expect([await kept(one), await kept(two), await kept(without)]).toEqual([1, 1, 0]);
    expect([await two.plain('c', 'k'), await two.missing(), await without.missing()]).toEqual([undefined, [], ['2.0 c']]);
  });
});

describe('private data of an invalid transaction', () => {
  it('is not waited for: nobody has it where its writer is no member', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: ['Org2MSP'], maximum: 0 }]);
    two.onPause = () => Promise.reject(new Error('it waits'));
    const tx = await one.endorse('tx', put('c', 'k', 'v'));
    await network.order([tx], { codes: [BAD_PROPOSAL_TXID] });
    expect([await two.missing(), await two.plain('c', 'k')]).toEqual([['2.0 c'], undefined]);
    expect(two.lines.told).toEqual([
      'warn Could not fetch (or mark to reconcile later) 1 eligible collection private write sets for block [2] (0 from local cache, 0 from ' +
        'transient store, 0 from other peers). Will commit block with missing private write sets:[txID: tx, seq: 0, namespace: cc, collection: c]',
    ]);
  });
});

describe('private data that is asked for', () => {
  const digest = (blockSeq: bigint, txId: string, collection = 'c') => ({ txId, namespace: 'cc', collection, blockSeq, seqInBlock: 0n });
  const texts = (elements: Awaited<ReturnType<PrivatePeer['responder']['asked']>>) =>
    elements.flatMap(({ payload = [] }) => payload.flatMap((set) => kvrwset.KVRWSet.decode(set).writes.map(({ value }) => textOf(value))));

  it('is told to members by the latest policy, by the one that was in force, and to nobody else', async () => {
    const [one, two, three] = [await network.join({ org: 0 }), await network.join({ org: 1 }), await network.join({ org: 2 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    await network.order([await one.endorse('tx', put('c', 'k', 'v'))], { by: [one] });
    const ask = async (of: PrivatePeer) => texts(await one.responder.asked([digest(2n, '')], CHANNEL, of.neighbour));
    expect([await ask(two), await ask(three)]).toEqual([['v'], []]);
    await network.order([await one.define('redefine', [{ name: 'c', members: ['Org1MSP', 'Org3MSP'] }])], { by: [one] });
    expect([await ask(two), await ask(three)]).toEqual([['v'], ['v']]); // then, and now
    await network.order([await one.define('again', [{ name: 'c', members: ['Org1MSP'] }])], { by: [one] });
    expect([await ask(two), await ask(three)]).toEqual([['v'], []]);
    expect(one.lines.told).toEqual(['warn private data is not told to another peer']);
  });

  it('is told before its block is committed by the configuration that it came with, if its transaction is named', async () => {
    const [one, two, three] = [await network.join({ org: 0 }), await network.join({ org: 1 }), await network.join({ org: 2 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    await one.endorse('tx', put('c', 'k', 'v'));
    const ask = async (of: PrivatePeer, txId: string, collection?: string) =>
      texts(await one.responder.asked([digest(99n, txId, collection)], CHANNEL, of.neighbour));
    expect([await ask(two, 'tx'), await ask(three, 'tx'), await ask(two, ''), await ask(two, 'tx', 'other')]).toEqual([['v'], [], [], []]);
    expect(await one.responder.asked([digest(99n, 'tx')], 'other', two.neighbour)).toEqual([]);
    expect(texts(await one.responder.asked([{ ...digest(1n, 'tx'), seqInBlock: 2n ** 40n }], CHANNEL, two.neighbour))).toEqual([]);
  });

  it('is told by the configuration that it came with itself, not by one that somebody else gave of the same transaction', async () => {
    const [one, two, three] = [await network.join({ org: 0 }), await network.join({ org: 1 }), await network.join({ org: 2 })];
    await defined(one, [{ name: 'c', members: MEMBERS, required: 1, maximum: 1 }]);
    await one.endorse('tx', put('c', 'k', 'v')); // given to `two`
    for (const height of [1n, 2n, 3n, 4n, 5n]) {
      const packaged = { config: [{ staticCollectionConfig: { name: 'c', memberOrgsPolicy: { signaturePolicy: anyOf3And2 } } }] };
      const given = { namespace: 'cc', collectionName: 'c', txId: 'tx', privateRwset: setOf('bait'), privateSimHeight: height };
      const message = gossip.PrivatePayload.encode({ ...given, collectionConfigs: packaged });
      expect(await two.receiver.received(gossip.PrivatePayload.decode(message), CHANNEL, three.neighbour)).toBeUndefined();
    }
    const ask = async (of: PrivatePeer) => new Set(texts(await two.responder.asked([digest(99n, 'tx')], CHANNEL, of.neighbour)));
    expect([await ask(three), await ask(one)]).toEqual([new Set(['bait']), new Set(['v'])]);
  });

  it('is told once, however often one asks for it', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    await network.order([await one.endorse('tx', put('c', 'k', 'v'))], { by: [one] });
    await one.endorse('early', put('c', 'k', 'early'));
    const many = [digest(2n, ''), digest(99n, 'early')].flatMap((each) => new Array<typeof each>(1_000).fill(each));
    expect(texts(await one.responder.asked(many, CHANNEL, two.neighbour))).toEqual(['v', 'early']);
  });

  it('is told to nobody whose identity is not valid any more, or who does not prove it', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    await network.order([await one.endorse('tx', put('c', 'k', 'v'))], { by: [one] });
    const forged = { ...two.neighbour, handshake: { payload: utf8('a'), signature: two.neighbour.handshake.signature } };
    expect(await one.responder.asked([digest(2n, '')], CHANNEL, forged)).toEqual([]);
    const unknown = { ...two.neighbour, identity: utf8('nobody') };
    expect(await one.responder.asked([digest(2n, '')], CHANNEL, unknown)).toEqual([]);
    const asked = async (now: Date) => {
      const channels = { get: () => one.channel, list: () => [one.channel] };
      const responder = new Responder({ channels, clock: { now: () => now }, metrics: unmeasured, log: silent });
      return texts(await responder.asked([digest(2n, '')], CHANNEL, two.neighbour));
    };
    expect([await asked(new Date()), await asked(new Date(Date.now() + 100 * 365 * 86_400_000))]).toEqual([['v'], []]);
  });
});

describe('private data that is missing', () => {
  it('is asked for again, the newest blocks first, and what nobody had more rarely', async () => {
    const settings = { pullRetryThresholdMs: 0, reconcileBatchSize: 2 };
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1, settings })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    for (let number = 0; number < 5; number += 1) await network.order([await one.endorse(`tx${number}`, put('c', `k${number}`, 'v'))]);
    expect(await two.missing()).toEqual(['6.0 c', '5.0 c', '4.0 c', '3.0 c', '2.0 c']);
    const asked: string[] = [];
    one.answer({
      asked: async (digests, ...told) => {
        asked.push(digests.map(({ blockSeq, txId }) => `${blockSeq}${txId}`).join(' '));
        return one.responder.asked(
          digests.filter(({ blockSeq }) => blockSeq !== 4n),
          ...told,
        );
      },
    });
    await two.reconcile();
    expect(asked).toEqual(['6 5', '4 3', '2']);
    expect([await two.missing(), await two.missing('deprioritized')]).toEqual([[], ['4.0 c']]);
    expect(await Promise.all([0, 1, 2, 3, 4].map((number) => two.plain('c', `k${number}`)))).toEqual(['v', 'v', undefined, 'v', 'v']);
    const done = 'info Reconciliation cycle finished successfully. reconciled 4 private data keys from blocks range [2 - 6]';
    expect(two.lines.told.at(-1)).toBe(done);
    one.answer();
    await two.reconcile();
    expect(await two.missing('deprioritized')).toEqual(['4.0 c']);
    await two.timers.advance(60 * 60_000);
    await two.reconcile();
    expect([await two.missing('deprioritized'), await two.plain('c', 'k2')]).toEqual([[], 'v']);
  });

  it('stays as it is while nobody is there to ask', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1, settings: { pullRetryThresholdMs: 0 } })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    await network.order([await one.endorse('tx', put('c', 'k', 'v'))]);
    await one[Symbol.asyncDispose]();
    await two.reconcile();
    expect([await two.missing(), await two.missing('deprioritized')]).toEqual([['2.0 c'], []]);
  });

  it('that a liar gives is not taken, and is had from the next one', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1, settings: { pullRetryThresholdMs: 0 } })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    await network.order([await one.endorse('tx', put('c', 'k', 'v'))]);
    one.answer({ asked: async (digests) => digests.map((digest) => ({ digest, payload: [setOf('lie')] })) });
    await two.reconcile();
    expect([await two.missing(), await two.plain('c', 'k')]).toEqual([['2.0 c'], undefined]);
    expect(two.lines.all.at(-1)).toMatchObject({
      message: 'Failed to reconcile pvtdata',
      fields: { collection: 'c', reason: 'Hash mismatched' },
    });
    one.answer();
    await two.reconcile();
    expect(await two.plain('c', 'k')).toBe('v');
  });

  it('of a collection whose members change meanwhile comes to those who are members now', async () => {
    const [one, two, three] = [await network.join({ org: 0 }), await network.join({ org: 1 }), await network.join({ org: 2 })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    await network.order([await one.endorse('tx', put('c', 'k', 'v'))]);
    await three.reconcile();
    expect([await three.missing(), await three.missing('ineligible')]).toEqual([[], ['2.0 c']]);
    await network.order([await one.define('more', [{ name: 'c', members: [...MEMBERS, 'Org3MSP'], maximum: 0 }])]);
    await three.reconcile();
    expect([await three.plain('c', 'k'), await three.missing('ineligible')]).toEqual(['v', []]);
    await network.order([await one.define('fewer', [{ name: 'c', members: ['Org1MSP'], maximum: 0 }])]);
    await network.order([await one.endorse('tx2', put('c', 'k', 'w'))]);
    await two.reconcile();
    expect([await two.plain('c', 'k'), await two.missing('ineligible')]).toEqual(['v', ['5.0 c']]);
  });

  it('that was purged meanwhile does not come back, and what is purged as a whole is no longer asked for', async () => {
    const [one, two] = [await network.join({ org: 0 }), await network.join({ org: 1, settings: { pullRetryThresholdMs: 0 } })];
    await defined(one, [{ name: 'c', members: MEMBERS, maximum: 0 }]);
    const both = await one.endorse('tx1', (simulator) => {
      put('c', 'a', 'secret')(simulator);
      put('c', 'b', 'stays')(simulator);
    });
    await network.order([both, await one.endorse('tx2', put('c', 'a', 'secret again'))]);
    const purge = await one.endorse('tx3', (simulator) => simulator.purgePrivateData('cc', 'c', 'a'));
    const late = await one.responder.asked(
      [{ txId: '', namespace: 'cc', collection: 'c', blockSeq: 2n, seqInBlock: 0n }],
      CHANNEL,
      two.neighbour,
    );
    await network.order([purge]);
    one.answer({ asked: async (digests) => digests.flatMap((digest) => (digest.seqInBlock === 0n && digest.blockSeq === 2n ? late : [])) });
    await two.reconcile(); // from somebody who has not seen the purge
    expect([await two.plain('c', 'a'), await two.plain('c', 'b')]).toEqual([undefined, 'stays']);
    expect([await two.missing(), await two.missing('deprioritized')]).toEqual([[], []]);
    const whole = { txId: '', namespace: 'cc', collection: 'c', blockSeq: 2n, seqInBlock: 1n };
    const told = await one.responder.asked([whole], CHANNEL, two.neighbour);
    expect(told.map(({ payload }) => payload?.map(({ length }) => length))).toEqual([[0]]);
    for (const index of [0, 1]) {
      const kept = await two.ledger.privateData.writeSet({ blockNum: 2n, index, namespace: 'cc', collection: 'c' });
      expect(Buffer.from(kept ?? new Uint8Array(0)).toString('latin1')).not.toMatch(/secret/);
    }
  });
});
