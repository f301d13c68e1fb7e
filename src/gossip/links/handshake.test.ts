import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { type LinkedPeer, type LinkedPeerSpec, linkedPeer } from '../../../test/fakes/gossip-links.ts';
import { channelOf, ordererOrganization, peerSigner, peersOf } from '../../../test/fakes/gossip-peers.ts';
import { type ConnInit, Stranger } from '../../../test/fakes/gossip-stranger.ts';
import { loadGrpcJs, OWN } from '../../comm/chosen-transport.ts';
import { hex } from '../../common/bytes.ts';
import { Scope } from '../../common/scope.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { KeyedCertificate } from '../../msp/material/certificate-authority.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { gossip } from '../../protos/messages.ts';
import { unsignedEnvelope } from '../wire/envelope.ts';
import { pkiIdOf } from '../wire/ids.ts';

const TEN_YEARS = 3650 * 24 * 3_600_000;
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

describe.each([
  { name: 'our own transport', served: OWN },
  { name: 'grpc-js', served: await loadGrpcJs() },
])('a stream that comes over $name', ({ served }) => {
  let org1: Organization;
  let org2: Organization;
  let expired: Organization;
  let orderers: Organization;
  let channel: ChannelBundle;
  beforeAll(async () => {
    [org1, org2, expired] = await Promise.all([
      peersOf('Org1', 2),
      peersOf('Org2', 1),
      peersOf('Expired', 1, new Date(Date.now() - TEN_YEARS)),
    ]);
    orderers = await ordererOrganization();
    channel = await channelOf([org1, org2, expired], {}, Promise.resolve(orderers));
  });
  const open = (spec: Partial<LinkedPeerSpec> = {}): Promise<LinkedPeer> =>
    linkedPeer(scope, { org: org1, channels: [channel], served, ...spec });
  const tlsOf = (org: Organization, at = 0): KeyedCertificate => org.nodes[at]?.tls as KeyedCertificate;
  const stranger = ({ endpoint }: LinkedPeer, shows: KeyedCertificate | undefined = tlsOf(org2)): Stranger =>
    new Stranger(scope, { endpoint, trusts: org1, shows });

  /** What a stream that says this about itself ends with. */
  const refusal = async (conn: ConnInit, org = org1, at = 1): Promise<string> => {
    const peer = await open();
    const other = stranger(peer);
    await other.introduce(peerSigner(org, at), conn);
    const why = await other.ended();
    expect([peer.links.neighbours, peer.links.strangers]).toEqual([[], 0]);
    return why;
  };

  it.each(['own', 'another'])('is that of a peer of its %s organisation which proves who it is', async (whose) => {
    const peer = await open();
    const other = stranger(peer);
    const signer = whose === 'own' ? peerSigner(org1, 1) : peerSigner(org2);
    await other.introduce(signer);
    const hello = await other.next();
    expect(hello).toMatchObject({ nonce: 0n, tag: gossip.GossipMessage_Tag.EMPTY, channel: new Uint8Array(), conn: { probe: false } });
    expect(hex(hello?.conn?.pkiId ?? new Uint8Array())).toBe(hex(peer.pkiId));
    const heard = new Promise((resolve) => peer.links.onEnvelope(resolve));
    await other.send(unsignedEnvelope({ nonce: 1n }));
    expect(await heard).toMatchObject({ mspId: signer.mspId, pkiId: pkiIdOf(signer.serialized), identity: signer.serialized });
    expect(peer.store.get(pkiIdOf(signer.serialized))).toBeDefined();
  });

  it('without a certificate is refused before anything is said', async () => {
    const other = new Stranger(scope, { endpoint: (await open()).endpoint, trusts: org1 });
    await expect(other.next()).rejects.toThrow(/^no TLS certificate$/);
  });

  it('that was signed for another session is refused: what somebody said to others cannot be passed on', async () => {
    expect(await refusal({ tlsCertHash: new Uint8Array(32) })).toMatch(
      /^Expected \[(\d+ ){31}\d+\] in remote hash of TLS cert, but got \[(0 ){31}0\]$/,
    );
    expect(await refusal({ tlsCertHash: new Uint8Array() })).toMatch(/^Expected \[.*\] in remote hash of TLS cert, but got \[\]$/);
  });

  it("with another's pki id is refused", async () => {
    expect(await refusal({ pkiId: pkiIdOf(peerSigner(org1, 0).serialized) })).toBe("identity doesn't match the computed pkiID");
    expect(await refusal({ pkiId: new Uint8Array() })).toBe('no PKI-ID');
  });

  it("with another's identity is refused, and that identity is not taken up", async () => {
    const peer = await open();
    const other = stranger(peer);
    await other.introduce(peerSigner(org2), { signedBy: peerSigner(org1, 1) });
    expect(await other.ended()).toMatch(/implicit policy evaluation failed/);
    expect(await refusal({ signedBy: peerSigner(org2) })).toBe('The signature is invalid');
    expect(peer.store.list()).toHaveLength(1);
  });

  it('with an identity that has expired, or is of an organisation that no channel has, is refused', async () => {
    expect(await refusal({}, expired, 0)).toBe('gossipping peer identity expired');
    const unknown = await peersOf('Unknown', 1);
    expect(await refusal({}, unknown, 0)).toMatch(
      /^failed classifying identity: Unable to extract msp.Identity from peer Identity: Peer Identity .* No MSP found able to do that.$/,
    );
  });

  it('of an orderer organisation is refused: it is in the channel, and no reader of it', async () => {
    expect(await refusal({}, orderers, 0)).toMatch(
      /implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Readers' sub-policies/,
    );
  });

  it('that only wants to know who is here is answered, and leaves nothing', async () => {
    const peer = await open();
    const other = stranger(peer);
    await other.introduce(peerSigner(org1, 1), { probe: true });
    expect(hex((await other.next())?.conn?.pkiId ?? new Uint8Array())).toBe(hex(peer.pkiId));
    expect(await other.ended()).toBe('OK');
    expect([peer.links.neighbours, peer.links.strangers]).toEqual([[], 0]);
  });

  it('that says nothing, or something else first, is refused', async () => {
    const timers = new FakeTimers({ start: Date.now() });
    const peer = await open({ timers });
    const silent = stranger(peer);
    await silent.next();
    const ended = silent.ended();
    await timers.advance(2_000);
    expect(await ended).toMatch(/^timed out waiting for connection message from .*127\.0\.0\.1:\d+$/);
    const hasty = stranger(peer);
    await hasty.send(unsignedEnvelope({ tag: 1, memReq: {} }));
    expect(await hasty.ended()).toBe('wrong type');
    const garbled = stranger(peer);
    await garbled.send(gossip.Envelope.encode({ payload: new Uint8Array([0xff]) }));
    expect(await garbled.ended()).toMatch(/^Failed unmarshalling GossipMessage from envelope: /);
  });

  it('may not be large before it is known whose it is', async () => {
    const peer = await open();
    const other = stranger(peer);
    await other.next();
    await other.send(new Uint8Array(100_000));
    expect(await other.ended()).toMatch(/the server holds as much for requests in progress as it may|reset the stream/);
    const known = stranger(peer);
    await known.introduce(peerSigner(org2));
    await known.next();
    const heard = new Promise<number>((resolve) => peer.links.onEnvelope((_, { length }) => resolve(length)));
    await known.send(unsignedEnvelope({ channel: new Uint8Array(6_000_000) }));
    expect(await heard).toBeGreaterThan(6_000_000);
  });

  it('waits among a bounded number of strangers', async () => {
    const peer = await open({ parts: { limits: { strangers: 3, strangersOfHost: 2 } } });
    const [one, two] = [stranger(peer), stranger(peer)];
    await Promise.all([one.next(), two.next()]);
    expect(await stranger(peer).ended()).toBe('too many streams have not said yet who they are; try again later');
    await one.introduce(peerSigner(org1, 1));
    await one.send(unsignedEnvelope({ nonce: 1n }));
    await new Promise<void>((resolve) => peer.links.onEnvelope(() => resolve()));
    expect((await stranger(peer).next())?.conn).toBeDefined();
  });

  it('ends when it brings what is no message, and only then', async () => {
    const peer = await open();
    const other = stranger(peer);
    await other.introduce(peerSigner(org1, 1));
    await other.next();
    await other.send(new Uint8Array());
    await other.send(gossip.Envelope.encode({ payload: new Uint8Array([0xff]) }));
    expect(await other.ended()).toMatch(/^Failed unmarshalling GossipMessage from envelope: proto:.cannot parse invalid wire-format data$/);
  });

  it('ends when it brings very many parts, each of which would become an object', async () => {
    const peer = await open();
    const other = stranger(peer);
    await other.introduce(peerSigner(org1, 1));
    await other.next();
    await other.send(unsignedEnvelope({ tag: 1, dataDig: { digests: new Array(300_000).fill(new Uint8Array()) } }));
    expect(await other.ended()).toMatch(/^Failed unmarshalling GossipMessage from envelope: /);
  });

  it('gives way to a newer one of the same peer', async () => {
    const peer = await open();
    const [old, young] = [stranger(peer), stranger(peer)];
    await old.introduce(peerSigner(org1, 1));
    await old.next();
    await old.send(unsignedEnvelope({ nonce: 1n }));
    await new Promise<void>((resolve) => peer.links.onEnvelope(() => resolve()));
    await young.introduce(peerSigner(org1, 1));
    expect(await old.ended()).toBe('OK');
    await young.next();
    await peer.links.reply(peer.links.neighbours[0] as NonNullable<(typeof peer.links.neighbours)[0]>, unsignedEnvelope({ nonce: 7n }));
    expect(await young.next()).toMatchObject({ nonce: 7n });
  });

  it('of a peer with the same identity is refused, unless it only asks', async () => {
    const peer = await open();
    const other = stranger(peer);
    await other.introduce(peerSigner(org1, 0));
    expect(await other.ended()).toBe('this peer has the same identity');
  });

  it('is bound by nothing where there is no TLS', async () => {
    const peer = await open({ tls: false });
    const other = new Stranger(scope, { endpoint: peer.endpoint });
    await other.introduce(peerSigner(org1, 1));
    expect(await other.next()).toMatchObject({ conn: { tlsCertHash: new Uint8Array() } });
    await other.send(unsignedEnvelope({ nonce: 1n }));
    await new Promise<void>((resolve) => peer.links.onEnvelope(() => resolve()));
    expect(peer.links.neighbours).toHaveLength(1);
  });
});
