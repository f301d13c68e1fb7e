import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeChannel } from '../../../test/fakes/fake-channel.ts';
import { GossipNetwork } from '../../../test/fakes/gossip-network.ts';
import { channelOf, peerSigner, peersOf } from '../../../test/fakes/gossip-peers.ts';
import { RawGossipPeer } from '../../../test/fakes/raw-gossip-peer.ts';
import { hex } from '../../common/bytes.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { gossip } from '../../protos/messages.ts';
import { signedEnvelope } from '../wire/envelope.ts';
import { pkiIdOf } from '../wire/ids.ts';
import { pullEnvelope } from './identity-server.ts';

const { IDENTITY_MSG } = gossip.PullMsgType;
let org1: Organization;
let org2: Organization;
let bundle: ChannelBundle;
beforeAll(async () => {
  [org1, org2] = await Promise.all([peersOf('Org1', 5), peersOf('Org2', 2)]);
  bundle = await channelOf([org1, org2]);
});
let net: GossipNetwork;
beforeEach(() => {
  net = new GossipNetwork();
});
afterEach(() => net[Symbol.asyncDispose]());

const idOf = (org: Organization, at: number): Uint8Array => pkiIdOf(peerSigner(org, at).serialized);
const identityMessage = (
  org: Organization,
  at: number,
  { cert = peerSigner(org, at).serialized, signer = peerSigner(org, at), padding = 0 } = {},
) =>
  signedEnvelope(
    { tag: gossip.GossipMessage_Tag.EMPTY, channel: new Uint8Array(padding), peerIdentity: { pkiId: idOf(org, at), cert } },
    signer,
  ).then((envelope) => gossip.Envelope.decode(envelope));

const hello = (nonce: bigint) => pullEnvelope({ hello: { nonce, msgType: IDENTITY_MSG } });
const request = (nonce: bigint, ...digests: Uint8Array[]) => pullEnvelope({ dataReq: { nonce, digests, msgType: IDENTITY_MSG } });

describe('a peer that is asked for identities', () => {
  it('lists what it has and gives what is wanted of it, for as long as the hello counts', async () => {
    const a = await net.start(org1, 0);
    const raw = await RawGossipPeer.join(net, org1, 1);
    await raw.send(a, request(5n, a.own.pkiId));
    await raw.send(a, hello(5n));
    await net.seconds(1);
    expect(raw.heardOf('dataDig').map(({ nonce, digests }) => [nonce, digests.map(hex)])).toEqual([[5n, [hex(a.own.pkiId)]]]);
    await raw.send(a, request(6n, a.own.pkiId));
    await raw.send(a, request(5n, a.own.pkiId, idOf(org1, 2)));
    await net.seconds(0.4);
    const [update, ...more] = raw.heardOf('dataUpdate');
    expect([update?.nonce, update?.data.length, more]).toEqual([5n, 1, []]);
    await net.seconds(0.2);
    await raw.send(a, request(5n, a.own.pkiId));
    await net.seconds(1);
    expect(raw.heardOf('dataUpdate')).toHaveLength(1);
  });

  it('tells others of whom they may know', async () => {
    const a = await net.start(org1, 0, { channels: [new FakeChannel('ch', bundle)] });
    const hidden = await net.start(org1, 1, { bootstrap: [a.name], endpoint: '', channels: [new FakeChannel('ch', bundle)] });
    const open = await net.start(org1, 2, { bootstrap: [a.name], channels: [new FakeChannel('ch', bundle)] });
    await net.seconds(12);
    const [mate, foreign] = [await RawGossipPeer.join(net, org1, 3), await RawGossipPeer.join(net, org2, 0)];
    for (const raw of [mate, foreign]) await raw.send(a, hello(1n));
    await net.seconds(0.5);
    const told = (raw: RawGossipPeer) =>
      raw
        .heardOf('dataDig')
        .flatMap(({ digests }) => digests.map(hex))
        .sort();
    expect(told(mate)).toEqual([a, hidden, open].map(({ own }) => hex(own.pkiId)).sort());
    expect(told(foreign)).toEqual([a, open].map(({ own }) => hex(own.pkiId)).sort());
    await foreign.send(a, request(1n, hidden.own.pkiId));
    await net.seconds(0.5);
    expect(foreign.heardOf('dataUpdate')).toEqual([]);
  });

  it('remembers a few hellos of one neighbour, and answers one at a time', async () => {
    const a = await net.start(org1, 0);
    const raw = await RawGossipPeer.join(net, org1, 1);
    for (let nonce = 1n; nonce <= 100n; nonce += 1n) await raw.send(a, hello(nonce));
    await net.seconds(0.5);
    expect(raw.heardOf('dataDig').length).toBeLessThanOrEqual(8);
  });
});

describe('a peer that asks for identities', () => {
  const greeted = async () => {
    const a = await net.start(org1, 0);
    const raw = await RawGossipPeer.join(net, org1, 1);
    await raw.send(a, await raw.alive());
    await net.seconds(4.1);
    const nonce = raw.heardOf('hello').at(-1)?.nonce ?? 0n;
    const offer = (...digests: Uint8Array[]) => raw.send(a, pullEnvelope({ dataDig: { nonce, digests, msgType: IDENTITY_MSG } }));
    const give = (...data: gossip.Envelope[]) => raw.send(a, pullEnvelope({ dataUpdate: { nonce, data, msgType: IDENTITY_MSG } }));
    const knows = (at: number): boolean => a.identities.get(idOf(org1, at)) !== undefined;
    return { a, raw, nonce, offer, give, knows };
  };

  it('wants what it cannot pass on yet, once it has waited for all offers, and takes it', async () => {
    const { a, raw, nonce, offer, give, knows } = await greeted();
    await offer(idOf(org1, 2), a.own.pkiId, new Uint8Array(31));
    await net.seconds(0.5);
    expect(raw.heardOf('dataReq')).toEqual([]);
    await net.seconds(0.6);
    expect(raw.heardOf('dataReq').map((wanted) => [wanted.nonce, wanted.digests.map(hex)])).toEqual([[nonce, [hex(idOf(org1, 2))]]]);
    await give(await identityMessage(org1, 2), await identityMessage(org1, 3));
    await net.seconds(0.1);
    expect([knows(2), knows(3)]).toEqual([true, false]);
    expect(a.gossip.sizes()).toMatchObject({ identityMessages: 2 });
  });

  it('passes over one that somebody has blown up, and takes those beside it', async () => {
    const { a, offer, give, knows } = await greeted();
    await offer(idOf(org1, 2), idOf(org1, 3));
    await net.seconds(1.1);
    await give(await identityMessage(org1, 2, { padding: 100_000 }), await identityMessage(org1, 3));
    await net.seconds(0.1);
    expect([knows(2), knows(3)]).toEqual([false, true]);
    expect(a.gossip.sizes()).toMatchObject({ identityMessages: 2 });
  });

  it('takes nothing of an update in which one is not genuine, or that it did not ask for', async () => {
    const { offer, give, knows } = await greeted();
    await give(await identityMessage(org1, 2));
    await net.seconds(0.1);
    expect(knows(2)).toBe(false);
    await offer(idOf(org1, 2), idOf(org1, 3));
    await net.seconds(1.1);
    await give(await identityMessage(org1, 2), await identityMessage(org1, 3, { signer: peerSigner(org1, 4) }));
    await net.seconds(0.1);
    expect([knows(2), knows(3)]).toEqual([false, false]);
    await give(await identityMessage(org1, 2)); // an answer comes once
    await net.seconds(0.1);
    expect(knows(2)).toBe(false);
  });

  it('takes no identity under another one’s id, and none that comes too late', async () => {
    const { offer, give, knows } = await greeted();
    await offer(idOf(org1, 2));
    await net.seconds(1.1);
    await give(await identityMessage(org1, 2, { cert: peerSigner(org1, 3).serialized, signer: peerSigner(org1, 3) }));
    await net.seconds(0.1);
    expect([knows(2), knows(3)]).toEqual([false, false]);
    await net.seconds(2);
    await give(await identityMessage(org1, 2));
    await net.seconds(0.1);
    expect(knows(2)).toBe(false);
  });

  it('takes up no peer of an organisation that it does not know', async () => {
    const { offer, give, a } = await greeted();
    await offer(idOf(org2, 0));
    await net.seconds(1.1);
    await give(await identityMessage(org2, 0));
    await net.seconds(0.1);
    expect(a.identities.get(idOf(org2, 0))).toBeUndefined();
  });
});
