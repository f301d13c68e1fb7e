import { beforeAll, describe, expect, it } from 'vitest';
import { equalBytes, utf8 } from '../../src/common/bytes.ts';
import { deferred } from '../../src/common/deferred.ts';
import { linksContract } from '../../src/gossip/links.contract.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { peerSigner, peersOf } from './gossip-peers.ts';
import { MemoryNetwork } from './memory-links.ts';

const signal = new AbortController().signal;
const lossy = { lossy: true, signal };

describe('links in memory', () => {
  let org: Organization;
  beforeAll(async () => {
    org = await peersOf('Org1', 3);
  });
  const open = async (refused: readonly string[] = []) => {
    const network = new MemoryNetwork();
    const heard: string[] = [];
    const peers = await Promise.all(
      [0, 1, 2].map(async (at) => {
        const admits = (): void => {
          if (refused.includes(`${at}`)) throw new Error('no');
        };
        const links = await network.join({ signer: peerSigner(org, at), endpoints: [`peer${at}:7051`], admits });
        links.onEnvelope((from, envelope) => {
          heard.push(`${at} from ${peers.findIndex(({ self }) => equalBytes(self.pkiId, from.pkiId))}: ${Buffer.from(envelope)}`);
        });
        return links;
      }),
    );
    const to = (at: number) => ({ pkiId: peers[at]?.self.pkiId ?? new Uint8Array(), endpoint: `peer${at}:7051` });
    const [a, b, c] = peers;
    if (a === undefined || b === undefined || c === undefined) throw new Error('three peers');
    return { network, heard, a, b, c, to };
  };

  linksContract(async (count) => {
    const network = new MemoryNetwork();
    return Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const links = await network.join({ signer: peerSigner(org, at), endpoints: [`peer${at}:7051`] });
        return { links, pkiId: links.self.pkiId, endpoint: `peer${at}:7051`, leave: async () => network.leave(links) };
      }),
    );
  });

  it('drop lossy envelopes for who is slow, and let others wait', async () => {
    const { network, a, b, to } = await open();
    const release = deferred<void>();
    let heard = 0;
    b.onEnvelope(async () => {
      await release.promise;
      heard += 1;
    });
    for (let at = 0; at < 30; at += 1) await a.send(to(1), utf8('x'), lossy);
    await a.send(to(1), utf8('x'), { ...lossy, lossy: false });
    release.resolve();
    await network.idle();
    expect([heard, network.dropped]).toEqual([21, 10]);
  });

  it('tell of streams that ended and of peers that cannot be reached', async () => {
    const { network, a, b, c, to } = await open(['2']);
    const lost: string[] = [];
    a.onLost((pkiId) => lost.push(equalBytes(pkiId, b.self.pkiId) ? 'b' : 'c'));
    await a.send(to(1), utf8('x'), lossy);
    network.cut(a, b);
    await expect(a.send(to(1), utf8('x'), lossy)).rejects.toThrow('cannot reach peer1:7051');
    network.mend(a, b);
    await a.send(to(1), utf8('x'), lossy);
    await expect(a.send(to(2), utf8('x'), lossy)).rejects.toThrow('no');
    await expect(a.send({ ...to(2), endpoint: 'peer1:7051' }, utf8('x'), lossy)).rejects.toThrow('another peer answers');
    network.leave(b);
    expect(lost).toEqual(['b', 'b', 'c', 'c', 'b']);
    expect([await a.ping('peer1:7051', { signal }), await a.ping('peer2:7051', { signal })]).toEqual([false, true]);
    expect(c.neighbours).toEqual([]);
  });
});
