import { describe, expect, it } from 'vitest';
import { ears, said } from '../../test/fakes/gossip-ears.ts';
import { hex } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { gossip } from '../protos/messages.ts';
import type { Destination, Links, Neighbour } from './links.ts';
import { readEnvelope, unsignedEnvelope } from './wire/envelope.ts';

/** A peer on the net that a test runs on. */
export interface ContractPeer {
  readonly links: Links & { readonly neighbours: readonly Neighbour[] };
  readonly pkiId: Uint8Array;
  readonly endpoint: string;
  /** Takes it off the net. */
  leave(): Promise<void>;
}

const { signal } = new AbortController();
const LOSSY = { lossy: true, signal };
const SURE = { lossy: false, signal };
const NOTHING = new Uint8Array(0);
const message = (nonce: number): Uint8Array => unsignedEnvelope({ nonce: BigInt(nonce) });

/** What streams to other peers promise, whatever carries them. @param open peers of one organisation that reach each other */
export function linksContract(open: (count: number) => Promise<readonly ContractPeer[]>): void {
  const to = ({ pkiId, endpoint }: ContractPeer): Destination => ({ pkiId, endpoint });
  const peers = async <const N extends 2 | 3>(count: N) =>
    (await open(count)) as unknown as N extends 2 ? [ContractPeer, ContractPeer] : [ContractPeer, ContractPeer, ContractPeer];

  const none = async (...of: ContractPeer[]): Promise<void> => {
    while (of.some(({ links }) => links.neighbours.length > 0)) await new Promise(setImmediate);
  };

  describe('links', () => {
    it('carry messages both ways over one stream, in order, whoever dialled', async () => {
      const [a, b] = await peers(2);
      const [heardByA, heardByB] = [ears(a), ears(b)];
      await Promise.all([1, 2, 3].map((nonce) => a.links.send(to(b), message(nonce), SURE)));
      expect(await heardByB(3)).toEqual(said(a, 1, 2, 3));
      await b.links.send({ ...to(a), endpoint: 'nobody.example:1' }, message(4), LOSSY);
      await b.links.reply(b.links.neighbours[0] as Neighbour, message(5));
      expect(await heardByA(2)).toEqual(said(b, 4, 5));
      expect([a.links.neighbours.length, b.links.neighbours.length]).toEqual([1, 1]);
    });

    it('say who is at the other end, with what proves it', async () => {
      const [a, b] = await peers(2);
      const heard = deferred<Neighbour>();
      b.links.onEnvelope((neighbour) => heard.resolve(neighbour));
      await a.links.send(to(b), message(1), SURE);
      const neighbour = await heard.promise;
      expect([hex(neighbour.pkiId), neighbour.mspId]).toEqual([hex(a.pkiId), 'Org1MSP']);
      const { conn } = gossip.GossipMessage.decode(neighbour.handshake.payload);
      expect([hex(conn?.pkiId ?? NOTHING), hex(conn?.identity ?? NOTHING)]).toEqual([hex(a.pkiId), hex(neighbour.identity)]);
      expect(neighbour.handshake.signature.length).toBeGreaterThan(60);
    });

    it('learn who answers somewhere and leave no stream', async () => {
      const [a, b] = await peers(2);
      expect(hex((await a.links.probe(b.endpoint, { signal })).pkiId)).toBe(hex(b.pkiId));
      expect(await a.links.ping(b.endpoint, { signal })).toBe(true);
      await none(a, b);
      await b.leave();
      expect(await a.links.ping(b.endpoint, { signal })).toBe(false);
      await expect(a.links.probe(b.endpoint, { signal })).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    });

    it('tell of a stream that ended, and of one that cannot be made', async () => {
      const [a, b] = await peers(2);
      const lost = [deferred<string>(), deferred<string>()];
      let at = 0;
      a.links.onLost((pkiId) => lost[at++]?.resolve(hex(pkiId)));
      await a.links.send(to(b), message(1), SURE);
      await b.leave();
      expect(await lost[0]?.promise).toBe(hex(b.pkiId));
      await expect(a.links.send(to(b), message(2), LOSSY)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
      expect(await lost[1]?.promise).toBe(hex(b.pkiId));
    });

    it('end on both sides when one closes them, and answers to who is gone go nowhere', async () => {
      const [a, b] = await peers(2);
      const heard = ears(b);
      await a.links.send(to(b), message(1), SURE);
      await heard(1);
      const [neighbour] = b.links.neighbours;
      a.links.close(b.pkiId);
      await none(a, b);
      await b.links.reply(neighbour as Neighbour, message(2));
      await a.links.send(to(b), message(3), SURE);
      expect(await heard(2)).toEqual(said(a, 1, 3));
    });

    it('read the next message of a peer when the one before was listened to; other peers do not wait', async () => {
      const [a, b, c] = await peers(3);
      const release = deferred<void>();
      const heard: number[] = [];
      const other = deferred<void>();
      a.links.onEnvelope(async (_, envelope) => {
        const nonce = Number(readEnvelope(envelope).message.nonce);
        heard.push(nonce);
        if (nonce === 9) other.resolve();
        else await release.promise;
      });
      for (const nonce of [1, 2]) await b.links.send(to(a), message(nonce), SURE);
      await c.links.send(to(a), message(9), SURE);
      await other.promise;
      expect(heard.filter((nonce) => nonce < 9).length).toBeLessThanOrEqual(1);
      release.resolve();
    });

    it('are given up with the caller who waits for one', async () => {
      const [a, b] = await peers(2);
      const reason = new Error('given up');
      await expect(a.links.send(to(b), message(1), { lossy: true, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await expect(a.links.probe(b.endpoint, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await expect(a.links.ping(b.endpoint, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });
  });
}
