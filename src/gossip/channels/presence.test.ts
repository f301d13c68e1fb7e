import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeChannel } from '../../../test/fakes/fake-channel.ts';
import { GossipNetwork, type GossipPeer } from '../../../test/fakes/gossip-network.ts';
import { channelOf, peerSigner, peersOf } from '../../../test/fakes/gossip-peers.ts';
import { RawGossipPeer } from '../../../test/fakes/raw-gossip-peer.ts';
import { hex } from '../../common/bytes.ts';
import type { LogFields, Logger } from '../../common/log.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { gossip } from '../../protos/messages.ts';
import { nestedEnvelope, readEnvelope, signedEnvelope, unsignedEnvelope } from '../wire/envelope.ts';

let org1: Organization;
let org2: Organization;
let org3: Organization;
let bundle: ChannelBundle;
let withoutOrg2: ChannelBundle;
let withoutOrg1: ChannelBundle;
beforeAll(async () => {
  [org1, org2, org3] = await Promise.all([peersOf('Org1', 3), peersOf('Org2', 2), peersOf('Org3', 1)]);
  bundle = await channelOf([org1, org2]);
  withoutOrg2 = await channelOf([org1, org3]);
  withoutOrg1 = await channelOf([org2]);
});
let net: GossipNetwork;
beforeEach(() => {
  net = new GossipNetwork();
});
afterEach(() => net[Symbol.asyncDispose]());

const channel = (id = 'ch') => new FakeChannel(id, bundle);
const heights = (peer: GossipPeer, id = 'ch') => peer.membersOf(id).map(({ height, self }) => `${self ? 'own ' : ''}${height}`);

describe('members of a channel', () => {
  it('know each other’s heights and chaincodes, a new chaincode at once', async () => {
    const [ch0, ch1] = [channel(), channel()];
    const a = await net.start(org1, 0, { channels: [ch0] });
    const b = await net.start(org1, 1, { channels: [ch1], bootstrap: [a.name] });
    await net.seconds(9);
    expect([heights(a), heights(b)]).toEqual([
      ['own 1', '1'],
      ['own 1', '1'],
    ]);
    ch1.commit(41);
    expect(heights(b)).toEqual(['own 42', '1']);
    await net.seconds(5);
    expect(heights(a)).toEqual(['own 1', '42']);
    b.endorses([{ name: 'basic', version: '3' }]);
    await net.seconds(0.1);
    const [, seen] = a.membersOf('ch');
    expect(seen).toMatchObject({ chaincodes: [{ name: 'basic', version: '3' }], height: 42n, mspId: 'Org1MSP', self: false });
    expect(gossip.GossipMessage.decode(seen?.stateInfo.payload ?? new Uint8Array()).stateInfo?.properties?.ledgerHeight).toBe(42n);
  });

  it('say something at most every four seconds, and only when it is news', async () => {
    const ch = channel();
    const a = await net.start(org1, 0, { channels: [ch] });
    const raw = await RawGossipPeer.join(net, org1, 1);
    const keepAlive = async (sequence: bigint) => raw.send(a, await raw.alive({ sequence }));
    await keepAlive(1n);
    await net.seconds(8);
    raw.forget();
    for (let second = 0; second < 12; second += 1) {
      ch.commit();
      await net.seconds(1);
      await keepAlive(BigInt(second + 2));
    }
    await net.seconds(0.5);
    expect(raw.heardOf('stateInfo')).toHaveLength(3);
    await net.seconds(4);
    raw.forget();
    await keepAlive(100n);
    await net.seconds(12);
    expect(raw.heardOf('stateInfo')).toEqual([]);
  });

  it('are those alone who are alive, and have not left', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const raw = await RawGossipPeer.join(net, org1, 1);
    await raw.send(a, await raw.stateInfo({ height: 7n }));
    await net.seconds(1);
    expect(heights(a)).toEqual(['own 1']);
    await raw.send(a, await raw.alive());
    await net.seconds(1);
    expect(heights(a)).toEqual(['own 1', '7']);
    await raw.send(a, await raw.stateInfo({ height: 7n, sequence: 2n, left: true }));
    await net.seconds(1);
    expect(heights(a)).toEqual(['own 1']);
    await raw.send(a, await raw.stateInfo({ height: 8n, sequence: 3n }));
    await net.seconds(1);
    expect(heights(a)).toEqual(['own 1', '8']);
    await net.seconds(28);
    expect(heights(a)).toEqual(['own 1']);
    expect(a.gossip.sizes()).toMatchObject({ stateInfos: 1 });
    await net.seconds(500);
    expect(a.gossip.sizes()).toMatchObject({ stateInfos: 0 });
  });

  it('are not changed by what is forged, stale, of another channel or about this peer', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const raw = await RawGossipPeer.join(net, org1, 1);
    await raw.send(a, await raw.alive());
    await raw.send(a, await raw.stateInfo({ height: 7n, sequence: 5n }));
    await net.seconds(1);
    const other = peerSigner(org1, 2);
    for (const envelope of [
      await raw.stateInfo({ height: 99n, sequence: 6n, signer: other }),
      await raw.stateInfo({ height: 99n, sequence: 5n }),
      await raw.stateInfo({ height: 99n, sequence: 4n }),
      await raw.stateInfo({ height: 99n, sequence: 6n, channelId: 'other' }),
      await raw.stateInfo({ height: 99n, sequence: 6n, signer: peerSigner(org1, 0), pkiId: a.own.pkiId }),
    ])
      await raw.send(a, envelope);
    await net.seconds(1);
    expect(heights(a)).toEqual(['own 1', '7']);
  });

  it('must be of its organisations, which a configuration can change', async () => {
    const ch = channel();
    const a = await net.start(org1, 0, { channels: [ch] });
    const raw = await RawGossipPeer.join(net, org2, 0);
    await raw.send(a, await raw.alive());
    await raw.send(a, await raw.stateInfo({ height: 7n }));
    await net.seconds(1);
    expect(heights(a)).toEqual(['own 1', '7']);
    ch.configure(withoutOrg2);
    await net.seconds(0.1);
    expect(heights(a)).toEqual(['own 1']);
    expect(a.gossip.sizes()).toMatchObject({ stateInfos: 0 });
  });

  it('are nobody where this peer’s organisation is not, which says good-bye', async () => {
    const ch = channel();
    const a = await net.start(org1, 0, { channels: [ch] });
    const raw = await RawGossipPeer.join(net, org2, 0);
    await raw.send(a, await raw.alive());
    await raw.send(a, await raw.stateInfo());
    await net.seconds(1);
    ch.configure(withoutOrg1);
    expect(a.membersOf('ch')).toEqual([]);
    await net.seconds(0.1);
    expect(raw.heardOf('stateInfo').at(-1)?.properties).toMatchObject({ leftChannel: true });
    ch.configure(bundle);
    await net.seconds(0.1);
    expect(raw.heardOf('stateInfo').at(-1)?.properties).toMatchObject({ leftChannel: false });
    expect(heights(a)[0]).toBe('own 1');
  });

  it('of a channel that is joined later are asked for at once', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const b = await net.start(org1, 1, { bootstrap: [a.name] });
    await net.seconds(3);
    b.join(channel());
    await net.seconds(5);
    expect([heights(a), heights(b)]).toEqual([
      ['own 1', '1'],
      ['own 1', '1'],
    ]);
  });
});

describe('a snapshot of a channel', () => {
  const elements = (raw: RawGossipPeer) =>
    raw
      .heardOf('stateSnapshot')
      .map(({ elements: all }) =>
        all.map((nested) => hex(readEnvelope(nestedEnvelope(nested)).message.stateInfo?.pkiId ?? new Uint8Array())).sort(),
      );

  it('is given to who knows the channel and belongs to it, as far as he may know its members', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const hidden = await net.start(org1, 1, { bootstrap: [a.name], endpoint: '', channels: [channel()] });
    const [mate, member, stranger] = [
      await RawGossipPeer.join(net, org1, 2),
      await RawGossipPeer.join(net, org2, 0),
      await RawGossipPeer.join(net, org2, 1),
    ];
    await member.send(a, await member.alive());
    await member.send(a, await member.stateInfo());
    await net.seconds(9);
    for (const raw of [mate, member]) await raw.send(a, raw.stateRequest());
    await stranger.send(a, stranger.stateRequest('another'));
    const { payload } = gossip.Envelope.decode(member.stateRequest());
    await stranger.send(a, gossip.Envelope.encode({ payload })); // with somebody else's MAC
    await net.seconds(0.1);
    const [own, hers, theirs] = [hex(a.own.pkiId), hex(hidden.own.pkiId), member.key];
    expect(elements(mate)).toEqual([[own, hers, theirs].sort()]);
    expect(elements(member)).toEqual([[own, theirs].sort()]);
    expect(elements(stranger)).toEqual([]);
  });

  it('is read as far as it is right, and for members alone', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const [raw, second, third] = [
      await RawGossipPeer.join(net, org1, 1),
      await RawGossipPeer.join(net, org1, 2),
      await RawGossipPeer.join(net, org2, 0),
    ];
    for (const each of [raw, third]) await each.send(a, await each.alive());
    await second.send(a, second.stateRequest()); // known, and no member
    await net.seconds(0.1);
    const snapshot = async (...envelopes: Promise<Uint8Array>[]) =>
      unsignedEnvelope({
        tag: gossip.GossipMessage_Tag.CHAN_OR_ORG,
        channel: new TextEncoder().encode('ch'),
        stateSnapshot: { elements: (await Promise.all(envelopes)).map((each) => gossip.Envelope.decode(each)) },
      });
    const blownUp = signedEnvelope({ tag: gossip.GossipMessage_Tag.CHAN_OR_ORG, channel: new Uint8Array(70_000) }, raw.signer);
    await raw.send(
      a,
      await snapshot(
        second.stateInfo({ height: 5n }),
        blownUp,
        raw.stateInfo({ height: 6n }),
        raw.alive(),
        third.stateInfo({ height: 7n }),
      ),
    );
    await net.seconds(0.1);
    expect(heights(a)).toEqual(['own 1', '6']);
    expect(a.gossip.sizes()).toMatchObject({ stateInfos: 1 });
  });
});

describe('snapshots without an end', () => {
  it('are read for so many state infos, and then again after a while', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const raw = await RawGossipPeer.join(net, org1, 1);
    await raw.send(a, await raw.alive());
    await net.seconds(0.1);
    const old = gossip.Envelope.decode(await raw.stateInfo());
    const snapshot = (...elements: gossip.Envelope[]) =>
      unsignedEnvelope({
        tag: gossip.GossipMessage_Tag.CHAN_OR_ORG,
        channel: new TextEncoder().encode('ch'),
        stateSnapshot: { elements },
      });
    const many = snapshot(...new Array<gossip.Envelope>(5_000).fill(old));
    for (let at = 0; at < 5; at += 1) await raw.send(a, many);
    const news = snapshot(gossip.Envelope.decode(await raw.stateInfo({ sequence: 2n, height: 9n })));
    await raw.send(a, news);
    await net.seconds(0); // all of it has come
    expect(heights(a)).toEqual(['own 1', '1']);
    await net.seconds(1);
    await raw.send(a, news);
    await net.seconds(0.1);
    expect(heights(a)).toEqual(['own 1', '9']);
  });
});

describe('state info of a channel that this peer is not in', () => {
  it('is passed on within the organisation, once', async () => {
    const a = await net.start(org1, 0);
    const [raw, mate] = [await RawGossipPeer.join(net, org1, 1), await RawGossipPeer.join(net, org1, 2)];
    for (const each of [raw, mate]) await each.send(a, await each.alive());
    await net.seconds(0.1);
    for (let times = 0; times < 3; times += 1) await raw.send(a, await raw.stateInfo({ height: 7n }));
    await raw.send(a, await raw.stateInfo({ height: 9n, sequence: 9n, signer: mate.signer }));
    await net.seconds(0.1);
    expect(mate.heardOf('stateInfo').map(({ properties }) => properties?.ledgerHeight)).toEqual([7n]);
    expect(raw.heardOf('stateInfo')).toEqual([]);
  });
});

describe('the log', () => {
  it('tells who came to a channel and who went, as tools look for it, and the metrics how many there are', async () => {
    const lines: string[] = [];
    const log: Logger = {
      debug: () => undefined,
      info: (message: string, _fields?: LogFields) => void lines.push(message),
      warn: () => undefined,
      error: () => undefined,
      child: () => log,
    };
    const known: number[] = [];
    const gauge = { set: (value: number) => void known.push(value), add: () => undefined };
    const nothing = { add: () => undefined, observe: () => undefined };
    const metrics = { counter: () => nothing, gauge: () => gauge, histogram: () => nothing };
    const a = await net.start(org1, 0, { channels: [channel()], log, metrics });
    const b = await net.start(org1, 1, { bootstrap: [a.name], endpoint: 'outside:1', channels: [channel()] });
    await net.seconds(10);
    await b[Symbol.asyncDispose]();
    await net.seconds(6);
    expect(lines.filter((line) => line.startsWith('[ch]'))).toEqual([
      `[ch] Membership view has changed. peers went online:  [[outside:1 ${b.name}]] , current view:  [[outside:1 ${b.name}]]`,
      `[ch] Membership view has changed. peers went offline:  [[outside:1 ${b.name}]] , current view:  []`,
    ]);
    expect([...new Set(known)].sort()).toEqual([0, 1]);
    expect(known.at(-1)).toBe(0);
  });
});
