import { describe, expect, it } from 'vitest';
import type { ChannelMember, PeerView } from '../../src/gossip/peers.ts';
import { exchangeContract } from '../../src/gossip/private-exchange.contract.ts';
import { pkiIdOf } from '../../src/gossip/wire/ids.ts';
import type { LocalSigner } from '../../src/msp/identities/local-signer.ts';
import { peerSigner, peersOf } from './gossip-peers.ts';
import { ProcessNeighbourhood } from './process-neighbourhood.ts';

const NOTHING = { payload: new Uint8Array(0), signature: new Uint8Array(0) };

const memberOf = ({ mspId, serialized: identity }: LocalSigner): ChannelMember => ({
  pkiId: pkiIdOf(identity),
  mspId,
  identity,
  endpoint: '',
  internalEndpoint: undefined,
  alive: NOTHING,
  stateInfo: NOTHING,
  self: true,
  height: 1n,
  chaincodes: [],
});

const alone = (member: ChannelMember, channels: readonly string[]): PeerView => ({
  members: () => [member],
  membersOf: (id) => (channels.includes(id) ? [member] : []),
  organizations: () => [member.mspId],
  onChanged: () => ({ [Symbol.dispose]: () => undefined }),
});

function join(neighbourhood: ProcessNeighbourhood, signer: LocalSigner, channels: readonly string[] = ['small']) {
  const member = memberOf(signer);
  return { ...neighbourhood.join(alone(member, channels), signer), member };
}

exchangeContract('peers of one process', async () => {
  const org = await peersOf('Org1', 3);
  const neighbourhood = new ProcessNeighbourhood();
  const [one, other] = [join(neighbourhood, peerSigner(org, 0)), join(neighbourhood, peerSigner(org, 1))];
  return {
    channelId: 'small',
    one,
    other,
    unreachable: memberOf(peerSigner(org, 2)),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

describe('peers of one process', () => {
  it('see each other on the channels that they share, and no longer when one has left', async () => {
    const org = await peersOf('Org1', 2);
    const neighbourhood = new ProcessNeighbourhood();
    const one = join(neighbourhood, peerSigner(org, 0), ['small', 'mine']);
    let changes = 0;
    using _listening = one.peers.onChanged(() => (changes += 1));
    const other = join(neighbourhood, peerSigner(org, 1));
    expect(one.peers.membersOf('small').map(({ self }) => self)).toEqual([true, false]);
    expect([one.peers.membersOf('mine').length, other.peers.membersOf('mine').length]).toEqual([1, 0]);
    other[Symbol.dispose]();
    expect([one.peers.members().length, changes]).toEqual([1, 2]);
  });
});
