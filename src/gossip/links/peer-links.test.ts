import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { ears, said } from '../../../test/fakes/gossip-ears.ts';
import { type LinkedPeer, type LinkedPeerSpec, linkedPeer } from '../../../test/fakes/gossip-links.ts';
import { channelOf, peerSigner, peersOf } from '../../../test/fakes/gossip-peers.ts';
import { Stranger } from '../../../test/fakes/gossip-stranger.ts';
import { hex } from '../../common/bytes.ts';
import { deferred } from '../../common/deferred.ts';
import { Scope } from '../../common/scope.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { linksContract } from '../links.contract.ts';
import type { Destination } from '../links.ts';
import { unsignedEnvelope } from '../wire/envelope.ts';

const { signal } = new AbortController();
const LOSSY = { lossy: true, signal };
const SURE = { lossy: false, signal };
const message = (nonce: number, size = 0): Uint8Array => unsignedEnvelope({ nonce: BigInt(nonce), channel: new Uint8Array(size) });

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

describe('links to other peers', () => {
  let org1: Organization;
  let org2: Organization;
  let channel: ChannelBundle;
  beforeAll(async () => {
    [org1, org2] = await Promise.all([peersOf('Org1', 3), peersOf('Org2', 1)]);
    channel = await channelOf([org1, org2]);
  });
  const open = (at = 0, spec: Partial<LinkedPeerSpec> = {}): Promise<LinkedPeer> =>
    linkedPeer(scope, { org: org1, at, channels: [channel], trusts: [org1, org2], ...spec });
  const to = ({ pkiId, endpoint }: LinkedPeer): Destination => ({ pkiId, endpoint });

  linksContract((count) =>
    Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const { links, pkiId, endpoint, server } = await open(at);
        const leave = async (): Promise<void> => {
          links[Symbol.dispose]();
          await server[Symbol.asyncDispose]();
        };
        return { links, pkiId, endpoint, leave };
      }),
    ),
  );

  it('reach peers of other organisations through a channel, and learn who they are without a stream', async () => {
    const [a, c] = await Promise.all([open(0), open(0, { org: org2 })]);
    const found = await a.links.probe(c.endpoint, { signal });
    expect([hex(found.pkiId), found.mspId]).toEqual([hex(c.pkiId), 'Org2MSP']);
    expect(await a.links.ping(c.endpoint, { signal })).toBe(true);
    expect([a.links.neighbours, c.links.neighbours]).toEqual([[], []]);
    const stranger = await open(0, { channels: [] });
    await expect(stranger.links.probe(c.endpoint, { signal })).rejects.toMatchObject({
      code: 'GOSSIP_REFUSED',
      message: expect.stringContaining('No MSP found able to do that'),
    });
    const distrustful = await open(2, { trusts: [org1] });
    await expect(distrustful.links.probe(c.endpoint, { signal })).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    expect(await distrustful.links.ping(c.endpoint, { signal })).toBe(false);
  });

  it('expect the right peer: one of another organisation is hung up on, one of the same has taken its place', async () => {
    const [a, b, c] = await Promise.all([open(0), open(1), open(0, { org: org2 })]);
    await a.links.probe(b.endpoint, { signal });
    const lost: string[] = [];
    a.links.onLost((pkiId) => lost.push(hex(pkiId)));
    await expect(a.links.send({ ...to(b), endpoint: c.endpoint }, message(1), SURE)).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
      message: expect.stringContaining('authentication failure'),
    });
    expect(a.links.neighbours).toEqual([]);
    const moved = peerSigner(org1, 2);
    const old = a.store.put((await open(2)).pkiId, moved.serialized);
    await expect(a.links.send({ pkiId: old.pkiId, endpoint: b.endpoint }, message(1), SURE)).rejects.toThrow('another identity now');
    expect(a.store.get(old.pkiId)).toBeUndefined();
    expect(a.links.neighbours.map(({ pkiId }) => hex(pkiId))).toEqual([hex(b.pkiId)]);
    expect(lost).toEqual([b.pkiId, old.pkiId].map(hex));
  });

  it('that are dialled from both sides at the same time lose nothing, and one is left', async () => {
    const timers = new FakeTimers({ start: Date.now() });
    const [a, b] = await Promise.all([open(0, { timers }), open(1, { timers })]);
    const [heardByA, heardByB] = [ears(a), ears(b)];
    await Promise.all([a.links.send(to(b), message(1), SURE), b.links.send(to(a), message(2), SURE)]);
    expect([await heardByB(1), await heardByA(1)]).toEqual([said(a, 1), said(b, 2)]);
    await timers.advance(5_000);
    while (a.links.neighbours.length + b.links.neighbours.length > 2) await new Promise(setImmediate);
    await Promise.all([a.links.send(to(b), message(3), SURE), b.links.send(to(a), message(4), SURE)]);
    expect([await heardByB(2), await heardByA(2)]).toEqual([said(a, 1, 3), said(b, 2, 4)]);
    expect([a.links.neighbours.length, b.links.neighbours.length]).toEqual([1, 1]);
  });

  it('share one dial among all who want to send', async () => {
    const [a, b] = await Promise.all([open(0), open(1)]);
    const heard = ears(b);
    await Promise.all(Array.from({ length: 10 }, (_, nonce) => a.links.send(to(b), message(nonce), LOSSY)));
    expect(await heard(10)).toHaveLength(10);
    expect(b.links.neighbours).toHaveLength(1);
  });

  it('end with the identity of their peer, and when they are closed', async () => {
    const [a, b] = await Promise.all([open(0), open(1)]);
    for (const end of [() => a.store.remove(b.pkiId), () => a.links.close(b.pkiId), () => b.links.close(a.pkiId)]) {
      const lost = deferred<void>();
      using _ = b.links.onLost(() => lost.resolve());
      await a.links.send(to(b), message(1), SURE);
      await new Promise<void>((resolve) => b.links.onEnvelope(() => resolve()));
      end();
      await lost.promise;
      while (a.links.neighbours.length > 0) await new Promise(setImmediate);
    }
  });

  it('drop what may be lost when a peer does not read, and give it up when it takes no answer for too long', async () => {
    const timers = new FakeTimers({ start: Date.now() });
    const a = await open(0, { timers, parts: { limits: { waiting: 3 } } });
    const slow = new Stranger(scope, { endpoint: a.endpoint, trusts: org1, shows: org2.nodes[0]?.tls });
    await slow.introduce(peerSigner(org1, 1));
    await slow.next();
    await slow.send(message(1));
    await new Promise<void>((resolve) => a.links.onEnvelope(() => resolve()));
    const [neighbour] = a.links.neighbours;
    if (neighbour === undefined) throw new Error('no neighbour');
    const destination = { pkiId: neighbour.pkiId, endpoint: 'nobody.example:1' };
    const large = 3 * 1024 * 1024; // the transport takes some of them, and the queue three at most
    for (let sent = 0; sent < 30; sent += 1) await a.links.send(destination, message(sent, large), LOSSY);
    const lost = deferred<void>();
    a.links.onLost(() => lost.resolve());
    const answers = Promise.all(Array.from({ length: 30 }, (_, at) => a.links.reply(neighbour, message(100 + at, large))));
    await timers.advance(30_000);
    await Promise.all([answers, lost.promise]);
    expect(a.links.neighbours).toEqual([]);
  });

  it('of one organisation are bounded in number', async () => {
    const a = await open(0, { parts: { limits: { ofOrganization: 1 } } });
    const [b, c, d] = await Promise.all([open(1), open(2), open(0, { org: org2 })]);
    await b.links.send(to(a), message(1), SURE);
    await new Promise<void>((resolve) => a.links.onEnvelope(() => resolve()));
    await d.links.send(to(a), message(1), SURE);
    await c.links.send(to(a), message(1), SURE).catch(() => undefined); // it hears of the refusal now or when it reads
    while (c.links.neighbours.length > 0) await new Promise(setImmediate);
    expect(a.links.neighbours.map(({ mspId }) => mspId)).toEqual(['Org1MSP', 'Org2MSP']);
  });
});
