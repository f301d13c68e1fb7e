import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeChannel } from '../../../test/fakes/fake-channel.ts';
import { endpointOf, GossipNetwork } from '../../../test/fakes/gossip-network.ts';
import { channelOf, peerSigner, peersOf } from '../../../test/fakes/gossip-peers.ts';
import { RawGossipPeer } from '../../../test/fakes/raw-gossip-peer.ts';
import { equalBytes } from '../../common/bytes.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { gossip } from '../../protos/messages.ts';
import { internalEndpointOf, nestedEnvelope, readEnvelope, unsignedEnvelope } from '../wire/envelope.ts';

let org1: Organization;
let org2: Organization;
let org3: Organization;
let bundle: ChannelBundle;
beforeAll(async () => {
  [org1, org2, org3] = await Promise.all([peersOf('Org1', 4), peersOf('Org2', 2), peersOf('Org3', 1)]);
  const anchor = (org: Organization) => [{ host: `peer0.${org.domain}`, port: 7051 }];
  bundle = await channelOf([org1, org2, org3], { Org1MSP: anchor(org1), Org2MSP: anchor(org2) });
});
let net: GossipNetwork;
beforeEach(() => {
  net = new GossipNetwork();
});
afterEach(() => net[Symbol.asyncDispose]());

const first = () => endpointOf(org1, 0);
const bootstrap = () => ({ bootstrap: [first()] });
const channel = () => new FakeChannel('ch', bundle);

describe('members of one organisation', () => {
  it('learn of each other through the one that both were told of', async () => {
    const a = await net.start(org1, 0);
    const b = await net.start(org1, 1, bootstrap());
    const c = await net.start(org1, 2, bootstrap());
    await net.seconds(5);
    expect(a.others).toEqual([b.name, c.name]);
    expect(b.others).toEqual([a.name, c.name]);
    expect(b.members.find(({ self }) => !self)).toMatchObject({ mspId: 'Org1MSP', self: false });
    expect(b.members.every(({ self, alive }) => self === (alive.signature.length === 0))).toBe(true);
  });

  it('count as dead when they were silent for 25 seconds, and come back with their next word', async () => {
    const a = await net.start(org1, 0);
    const raw = await RawGossipPeer.join(net, org1, 1);
    await raw.send(a, await raw.alive({ sequence: 1n }));
    await net.seconds(25);
    expect(a.others).toHaveLength(1);
    await net.seconds(2.6);
    expect(a.others).toEqual([]);
    await raw.send(a, await raw.alive({ sequence: 1n }));
    await net.seconds(1);
    expect(a.others).toEqual([]);
    await raw.send(a, await raw.alive({ sequence: 2n }));
    await net.seconds(1);
    expect(a.others).toEqual([raw.internalEndpoint]);
  });

  it('are dead at once when their stream ends and no other can be made', async () => {
    const a = await net.start(org1, 0);
    const b = await net.start(org1, 1, bootstrap());
    await net.seconds(3);
    expect(a.others).toEqual([b.name]);
    await b[Symbol.asyncDispose]();
    await net.seconds(1);
    expect(a.others).toEqual([]);
  });

  it('stay alive when their stream ends and another one is made', async () => {
    const a = await net.start(org1, 0);
    const b = await net.start(org1, 1, bootstrap());
    await net.seconds(3);
    a.links.close(b.own.pkiId);
    await net.seconds(2);
    expect([a.others, b.others]).toEqual([[b.name], [a.name]]);
    expect(a.links.neighbours).toHaveLength(1);
  });

  it('that restart are believed with a larger incarnation, and not with a smaller one', async () => {
    const a = await net.start(org1, 0);
    for (const [incarnation, believed] of [
      [100n, true],
      [99n, false],
      [101n, true],
    ] as const) {
      const b = await net.start(org1, 1, { ...bootstrap(), incarnation });
      await net.seconds(6);
      expect(a.others).toEqual(believed ? [b.name] : []);
      await b[Symbol.asyncDispose]();
      await net.seconds(1);
      expect(a.others).toEqual([]);
    }
  });

  it('that are dead are found again when they answer, and forgotten after 500 seconds unless somebody named them', async () => {
    const named = await net.start(org1, 0);
    const b = await net.start(org1, 1, bootstrap());
    const other = await net.start(org1, 2, bootstrap());
    await net.seconds(5);
    expect(b.others).toEqual([named.name, other.name]);
    await named[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await net.seconds(495);
    expect(b.others).toEqual([]);
    expect(b.gossip.sizes()).toMatchObject({ members: 2 });
    await net.seconds(20);
    expect(b.gossip.sizes()).toMatchObject({ members: 1, timestamps: 2 });
    const again = await net.start(org1, 0);
    await net.seconds(30);
    expect([b.others, again.others]).toEqual([[again.name], [b.name]]);
  });

  it('are told of the dead that they do not know', async () => {
    const a = await net.start(org1, 0);
    const b = await net.start(org1, 1, bootstrap());
    await net.seconds(3);
    await b[Symbol.asyncDispose]();
    await net.seconds(2);
    const c = await net.start(org1, 2, bootstrap());
    await net.seconds(8);
    expect(c.others).toEqual([a.name]);
    expect(c.gossip.sizes()).toMatchObject({ members: 2 });
  });
});

describe('organisations', () => {
  it('meet through an anchor peer of one of them, and learn of those who can be reached from outside', async () => {
    const a0 = await net.start(org1, 0, { channels: [channel()] });
    const a1 = await net.start(org1, 1, { ...bootstrap(), endpoint: '', channels: [channel()] });
    const b0 = await net.start(org2, 0, { channels: [channel()] });
    await net.seconds(20);
    expect(a0.others).toEqual([b0.name, a1.name]);
    expect(b0.others).toEqual([a0.name]); // a1 has no endpoint for others
    expect(a1.others).toEqual([a0.name]); // nor is it told of others
    expect(b0.members.find(({ self }) => !self)?.internalEndpoint).toBeUndefined();
    expect(a1.members.find(({ self }) => !self)?.internalEndpoint).toBe(a0.name);
    expect([...a0.gossip.view.organizations()].sort()).toEqual(['Org1MSP', 'Org2MSP']);
  });

  it('without an endpoint for others leave foreign anchor peers alone', async () => {
    const a0 = await net.start(org1, 0, { endpoint: '', channels: [channel()] });
    await net.seconds(1);
    expect(a0.gossip.sizes()).toMatchObject({ contacts: 0 });
  });

  it('are told of no third one', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const [b, c] = [await RawGossipPeer.join(net, org2, 0), await RawGossipPeer.join(net, org3, 0)];
    for (const raw of [b, c]) await raw.send(a, await raw.alive());
    await net.seconds(1);
    await c.send(a, c.memReq(await c.alive({ sequence: 2n }), 7n));
    await net.seconds(1);
    const [response] = c.heardOf('memRes');
    const told = response?.alive.map((nested) => readEnvelope(nestedEnvelope(nested))) ?? [];
    expect(told.map(({ message }) => message.aliveMsg?.membership?.endpoint)).toEqual([c.internalEndpoint, a.own.endpoint]);
    expect(told.map(internalEndpointOf)).toEqual([undefined, undefined]);
    expect(c.heard.filter(({ secret }) => secret !== undefined)).toEqual([]);
  });

  it('that cannot be reached get no answer, and lose their stream', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const b = await RawGossipPeer.join(net, org2, 1);
    await b.send(a, b.memReq(await b.alive({ endpoint: '' })));
    await net.seconds(0.05);
    expect(b.heardOf('memRes')).toEqual([]);
    expect(b.links.neighbours).toEqual([]);
  });

  it('whose certificate authority leaves the channel are purged at once', async () => {
    const own = channel();
    const a = await net.start(org1, 0, { channels: [own] });
    const b = await net.start(org2, 0, { channels: [channel()] });
    await net.seconds(10);
    expect(a.others).toEqual([b.name]);
    own.configure(await channelOf([org1, org3]));
    await net.seconds(0.1);
    expect(a.others).toEqual([]);
    expect(a.gossip.view.organizations()).toEqual(['Org1MSP']);
    expect(a.gossip.sizes()).toMatchObject({ members: 0, timestamps: 0, stateInfos: 0, identityMessages: 1 });
  });
});

describe('what is not true', () => {
  it('is not believed: a forged, altered or foreign alive message changes nothing and ends no stream', async () => {
    const a = await net.start(org1, 0);
    const raw = await RawGossipPeer.join(net, org1, 1);
    const other = peerSigner(org1, 2);
    const altered = gossip.Envelope.decode(await raw.alive());
    const forged = [
      await raw.alive({ signer: other }),
      await raw.alive({ identity: other.serialized }),
      await raw.alive({ pkiId: new Uint8Array(32) }),
      gossip.Envelope.encode({ ...altered, signature: undefined }),
      gossip.Envelope.encode({ ...altered, payload: new Uint8Array([...altered.payload, 0x78, 0x01]) }),
      gossip.Envelope.encode({ ...altered, secretEnvelope: { ...altered.secretEnvelope, signature: altered.signature } }),
    ];
    for (const envelope of forged) await raw.send(a, envelope);
    await net.seconds(1);
    expect(a.others).toEqual([]);
    expect(raw.links.neighbours).toHaveLength(1);
    await raw.send(a, await raw.alive());
    await net.seconds(1);
    expect(a.others).toEqual([raw.internalEndpoint]);
  });

  it('that somebody has blown up is passed over in an answer, and those beside it are not', async () => {
    const a = await net.start(org1, 0);
    const [raw, large, other] = [
      await RawGossipPeer.join(net, org1, 1),
      await RawGossipPeer.join(net, org1, 2),
      await RawGossipPeer.join(net, org1, 3),
    ];
    const told = [await large.alive({ endpoint: 'x'.repeat(20_000) }), await other.alive()];
    const alive = told.map((each) => gossip.Envelope.decode(each));
    await raw.send(a, unsignedEnvelope({ tag: gossip.GossipMessage_Tag.EMPTY, memRes: { alive } }));
    await net.seconds(0.1);
    expect(a.others).toEqual([other.internalEndpoint]);
  });

  it('asks for members in nobody else’s name', async () => {
    const a = await net.start(org1, 0);
    const [raw, other] = [await RawGossipPeer.join(net, org1, 1), await RawGossipPeer.join(net, org1, 2)];
    await raw.send(a, raw.memReq(await other.alive()));
    await raw.send(a, raw.memReq(await raw.stateInfo()));
    await net.seconds(1);
    expect([raw.heardOf('memRes'), a.others]).toEqual([[], []]);
    await raw.send(a, raw.memReq(await raw.alive(), 9n));
    await net.seconds(1);
    expect(raw.heard.filter(({ message }) => message.memRes !== undefined).map(({ message }) => message.nonce)).toEqual([9n]);
  });

  it('is told once when somebody else has this peer’s identity', async () => {
    const errors: string[] = [];
    const log = { ...console, debug() {}, info() {}, warn() {}, error: (message: string) => void errors.push(message), child: () => log };
    const a = await net.start(org1, 0, { log });
    const raw = await RawGossipPeer.join(net, org1, 1);
    const own = peerSigner(org1, 0);
    const claim = { signer: own, pkiId: a.own.pkiId, identity: own.serialized };
    for (const sequence of [1n, 2n]) await raw.send(a, await raw.alive({ ...claim, sequence, endpoint: 'elsewhere:1' }));
    await raw.send(a, await raw.alive({ ...claim, endpoint: 'forged:1', signer: raw.signer }));
    await net.seconds(1);
    expect(errors).toEqual(['Bad configuration detected: Received AliveMessage from a peer with the same PKI-ID as myself']);
    expect(a.others).toEqual([]);
  });

  it('ends the stream when it is no message at all', async () => {
    const a = await net.start(org1, 0);
    const raw = await RawGossipPeer.join(net, org1, 1);
    await raw.send(a, gossip.Envelope.encode({ payload: new Uint8Array([0xff, 0xff]) }));
    await net.seconds(0.1);
    expect(raw.links.neighbours).toEqual([]);
  });

  it('is dropped where the tag is wrong, and so is what this peer does not do', async () => {
    const a = await net.start(org1, 0, { channels: [channel()] });
    const raw = await RawGossipPeer.join(net, org1, 1);
    const { payload } = gossip.Envelope.decode(await raw.alive());
    const { EMPTY, ORG_ONLY, CHAN_AND_ORG, CHAN_OR_ORG } = gossip.GossipMessage_Tag;
    const message = gossip.GossipMessage.decode(payload);
    const ch = new TextEncoder().encode('ch');
    const sent = [
      { ...message, tag: ORG_ONLY },
      { tag: CHAN_AND_ORG, channel: ch, hello: { nonce: 1n, msgType: gossip.PullMsgType.BLOCK_MSG } },
      { tag: EMPTY, hello: { nonce: 1n } },
      { tag: CHAN_AND_ORG, channel: ch, dataMsg: { payload: { seqNum: 1n, data: ch } } },
      { tag: CHAN_AND_ORG, channel: ch, leadershipMsg: { pkiId: raw.pkiId } },
      { tag: CHAN_OR_ORG, channel: ch, stateRequest: { startSeqNum: 0n, endSeqNum: 1n } },
      { tag: CHAN_OR_ORG, channel: ch, stateResponse: {} },
      { tag: EMPTY, peerIdentity: { pkiId: raw.pkiId } },
      {},
    ];
    for (const each of sent) await raw.send(a, unsignedEnvelope(each));
    await net.seconds(1);
    expect([a.others, raw.heard]).toEqual([[], []]);
    expect(raw.links.neighbours).toHaveLength(1);
  });

  it('costs a bounded amount of work: who floods is not listened to, and others are', async () => {
    const a = await net.start(org1, 0);
    const [flooder, honest] = [await RawGossipPeer.join(net, org1, 1), await RawGossipPeer.join(net, org1, 2)];
    const valid = await flooder.alive({ sequence: 1n });
    for (let at = 0; at < 6_000; at += 1) {
      const { secretEnvelope, ...rest } = gossip.Envelope.decode(valid);
      await flooder.send(a, gossip.Envelope.encode({ ...rest, signature: new Uint8Array([at % 250, at / 250]) }));
    }
    await net.timers.advance(0);
    await flooder.send(a, await flooder.alive({ sequence: 2n }));
    await honest.send(a, await honest.alive());
    await net.timers.advance(10);
    expect(a.others).toEqual([honest.internalEndpoint]);
    await net.seconds(1);
    await flooder.send(a, await flooder.alive({ sequence: 3n }));
    await net.timers.advance(10);
    expect(a.others).toEqual([flooder.internalEndpoint, honest.internalEndpoint].sort());
    expect(a.gossip.sizes()).toMatchObject({ members: 2, timestamps: 2 });
  });

  it('is not made more by this peer: what one says over and over is passed on a few times a second', async () => {
    const a = await net.start(org1, 0);
    const [talker, hearer] = [await RawGossipPeer.join(net, org1, 1), await RawGossipPeer.join(net, org1, 2)];
    await hearer.send(a, await hearer.alive());
    await net.seconds(1);
    hearer.forget();
    for (let at = 1; at <= 200; at += 1) await talker.send(a, await talker.alive({ sequence: BigInt(at), endpoint: `elsewhere${at}:1` }));
    await net.seconds(1);
    expect(a.members.find(({ self, endpoint }) => !self && endpoint === 'elsewhere200:1')).toBeDefined();
    const passedOn = hearer.heardOf('aliveMsg').filter(({ membership }) => membership?.endpoint.startsWith('elsewhere'));
    expect(passedOn.length).toBeLessThanOrEqual(9); // the first one because it is new, and eight
    expect(passedOn.length).toBeGreaterThan(0);
  });
});

describe('identities', () => {
  it('are passed on, so that peers who never met believe each other after their first ten seconds', async () => {
    const a = await net.start(org1, 0);
    await net.seconds(15);
    const b = await net.start(org1, 1, bootstrap());
    await net.seconds(12);
    const late = await net.start(org1, 2, bootstrap());
    await net.seconds(9);
    expect(late.others).toEqual([a.name, b.name]);
    expect(late.gossip.sizes()).toMatchObject({ identityMessages: 3 });
    expect(late.identities.list().some(({ pkiId }) => equalBytes(pkiId, b.own.pkiId))).toBe(true);
  });
});
