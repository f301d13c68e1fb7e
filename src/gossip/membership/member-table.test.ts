import { describe, expect, it } from 'vitest';
import { gossip } from '../../protos/messages.ts';
import type { KnownIdentity } from '../identities/identity-store.ts';
import { readEnvelope } from '../wire/envelope.ts';
import { type AliveMessage, aliveIn } from './alive-message.ts';
import { MemberTable } from './member-table.ts';

const id = (fill: number): KnownIdentity => ({
  pkiId: new Uint8Array(32).fill(fill),
  mspId: 'Org1MSP',
  identity: new Uint8Array([fill]),
  notAfter: new Date(0),
});

function alive({ fill = 1, incarnation = 1n, sequence = 1n, endpoint = 'a:1', internal = '' } = {}): AliveMessage {
  const payload = gossip.GossipMessage.encode({
    aliveMsg: { membership: { endpoint, pkiId: id(fill).pkiId }, timestamp: { incNum: incarnation, seqNum: sequence } },
  });
  const secretEnvelope = internal === '' ? undefined : { payload: gossip.Secret.encode({ internalEndpoint: internal }) };
  const found = aliveIn(readEnvelope(gossip.Envelope.encode({ payload, signature: new Uint8Array([1]), secretEnvelope })));
  if (found === undefined) throw new Error('no alive message');
  return found;
}

describe('the table of members', () => {
  it('takes in what is newer, by incarnation and then by sequence, and nothing else', () => {
    const table = new MemberTable();
    expect(table.learn(alive({ sequence: 5n }), id(1), 1)).toBe('new');
    for (const stale of [{ sequence: 5n }, { sequence: 4n }, { incarnation: 0n, sequence: 9n }])
      expect(table.learn(alive(stale), id(1), 2)).toBe('stale');
    expect(table.alive()[0]).toMatchObject({ lastSeen: 1, dead: false });
    expect(table.learn(alive({ sequence: 6n }), id(1), 3)).toBe('refreshed');
    expect(table.learn(alive({ incarnation: 2n }), id(1), 4)).toBe('refreshed');
    expect(table.learn(alive({ incarnation: 2n, sequence: 2n, endpoint: 'b:2' }), id(1), 5)).toBe('changed');
    expect(table.alive()).toMatchObject([{ endpoint: 'b:2', lastSeen: 5 }]);
  });

  it('keeps an internal endpoint that a later message does not tell', () => {
    const table = new MemberTable();
    table.learn(alive({ internal: 'inside:1' }), id(1), 1);
    expect(table.learn(alive({ sequence: 2n }), id(1), 2)).toBe('refreshed');
    expect(table.get(id(1).pkiId)?.internalEndpoint).toBe('inside:1');
    expect(table.learn(alive({ sequence: 3n, internal: 'elsewhere:1' }), id(1), 2)).toBe('changed');
  });

  it('holds a silent peer for dead until a newer message of it comes', () => {
    const table = new MemberTable();
    table.learn(alive({ sequence: 5n }), id(1), 1_000);
    table.learn(alive({ fill: 2 }), id(2), 9_000);
    expect(table.silentSince(5_000).map(({ pkiId }) => pkiId[0])).toEqual([1]);
    expect(table.presumeDead(id(1).pkiId)).toMatchObject({ endpoint: 'a:1' });
    expect(table.presumeDead(id(1).pkiId)).toBeUndefined();
    expect(table.alive()).toHaveLength(1);
    expect(table.learn(alive({ sequence: 5n }), id(1), 10_000)).toBe('stale');
    expect(table.dead()).toHaveLength(1);
    expect(table.learn(alive({ sequence: 6n }), id(1), 10_000)).toBe('resurrected');
    expect(table.dead()).toEqual([]);
  });

  it('takes the word of others for who is dead only where it knows nothing itself', () => {
    const table = new MemberTable();
    table.learn(alive(), id(1), 1);
    expect(table.learnDead(alive({ sequence: 2n }), id(1), 2)).toBe(false);
    expect(table.learnDead(alive({ fill: 2 }), id(2), 2)).toBe(true);
    expect(table.learnDead(alive({ fill: 2 }), id(2), 2)).toBe(false);
    expect([table.alive().length, table.dead().length]).toEqual([1, 1]);
  });

  it('forgets the dead, but not those that somebody named, and believes no old message of them afterwards', () => {
    const table = new MemberTable();
    table.learn(alive({ sequence: 5n }), id(1), 1_000);
    table.learn(alive({ fill: 2, endpoint: 'anchor:1' }), id(2), 1_000);
    table.learn(alive({ fill: 3, internal: 'bootstrap:1' }), id(3), 1_000);
    for (const fill of [1, 2, 3]) table.presumeDead(id(fill).pkiId);
    const gone = table.forgetSilentSince(2_000, (endpoint) => ['anchor:1', 'bootstrap:1'].includes(endpoint));
    expect(gone.map(({ pkiId }) => pkiId[0])).toEqual([1]);
    expect(table.learn(alive({ sequence: 5n }), id(1), 3_000)).toBe('stale');
    expect(table.learn(alive({ sequence: 6n }), id(1), 3_000)).toBe('new');
  });

  it('forgets everything of a peer whose identity is gone', () => {
    const table = new MemberTable();
    table.learn(alive({ sequence: 5n }), id(1), 1);
    expect(table.purge(id(1).pkiId)).toMatchObject({ endpoint: 'a:1' });
    expect(table.sizes).toEqual({ members: 0, timestamps: 0 });
    expect(table.purge(id(1).pkiId)).toBeUndefined();
  });
});
