import { describe, expect, it } from 'vitest';
import { added, FakeChannel } from '../../../test/fakes/fake-channel.ts';
import { bundleOf, genesisOf, organization } from '../../../test/fakes/small-network.ts';
import { type Deferred, deferred } from '../../common/deferred.ts';
import { silent } from '../../common/log.ts';
import { systemTimers } from '../../common/timers.ts';
import { gossip } from '../../protos/messages.ts';
import { GossipView } from '../gossip-view.ts';
import { MemberTable } from '../membership/member-table.ts';
import { OwnAlive } from '../membership/own-alive.ts';
import type { OwnPeer } from '../own-peer.ts';
import { channelMac } from '../wire/ids.ts';
import { type OwnChannel, OwnChannels } from './own-channels.ts';
import type { NamedChaincode } from './own-state-info.ts';

const peer: OwnPeer = {
  pkiId: new Uint8Array(32).fill(7),
  mspId: 'Org1MSP',
  identity: new Uint8Array([1]),
  endpoint: 'peer0:7051',
  internalEndpoint: 'inside:7051',
  incarnation: 5n,
  sign: (message) => new Uint8Array([message.length % 256]),
};

const org1 = await organization('peer', 'Org1');
const org2 = await organization('peer', 'Org2');
const orderer = await organization('orderer', 'Orderer');
const bundleWith = (...peers: (typeof org1)[]) => bundleOf(genesisOf({ peers, orderers: [[orderer, ['localhost:7050']]] }));
const both = bundleWith(org1, org2);
const withoutUs = bundleWith(org2);

/** What a peer endorses, which tests change, and when it is known, which tests may hold up. */
async function opened({ channels = [new FakeChannel('ch', both)], now = 1_000 } = {}) {
  const joined = new Set<(channel: OwnChannel) => void>();
  const changed = new Set<(channelId: string | undefined) => void>();
  const state = {
    chaincodes: [{ name: '_lifecycle', version: '1' }] as readonly NamedChaincode[],
    reads: 0,
    hold: undefined as Deferred<void> | undefined,
  };
  const own = await OwnChannels.open({
    channels: { list: () => channels, onJoined: (listener) => added(joined, listener) },
    chaincodes: {
      on: async () => {
        state.reads += 1;
        await state.hold?.promise;
        return state.chaincodes;
      },
      onChanged: (listener) => added(changed, listener),
    },
    peer,
    clock: { now: () => new Date(now) },
    log: silent,
  });
  const view = new GossipView({
    peer,
    own: new OwnAlive({ peer, timers: systemTimers, publishIdentityMs: 0 }),
    identities: { list: () => [{ ...peer, notAfter: new Date() }] },
    table: new MemberTable(),
    channels: own,
    presences: { get: () => undefined },
  });
  own.onChanged(() => view.changed());
  return {
    own,
    view,
    state,
    channels,
    join: (c: OwnChannel) => joined.forEach((l) => void l(c)),
    tell: (id?: string) => changed.forEach((l) => void l(id)),
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const infoOf = (payload: Uint8Array | undefined) => gossip.GossipMessage.decode(payload ?? new Uint8Array());
const plain = (bytes: Uint8Array | undefined) => bytes && new Uint8Array(bytes);

describe('what a peer says of itself in a channel', () => {
  it('is signed state info with height and chaincodes', async () => {
    const { view } = await opened();
    const [own, ...others] = view.membersOf('ch');
    expect(others).toEqual([]);
    expect(own).toMatchObject({ self: true, height: 1n, chaincodes: [{ name: '_lifecycle', version: '1' }], endpoint: 'peer0:7051' });
    const payload = own?.stateInfo.payload ?? new Uint8Array();
    const { stateInfo, ...rest } = infoOf(payload);
    expect(rest).toMatchObject({ tag: gossip.GossipMessage_Tag.CHAN_OR_ORG, nonce: 0n });
    expect(rest.channel).toHaveLength(0);
    expect(plain(stateInfo?.pkiId)).toEqual(peer.pkiId);
    expect(plain(stateInfo?.channelMAC)).toEqual(channelMac(peer.pkiId, 'ch'));
    expect(stateInfo).toMatchObject({
      timestamp: { incNum: 5n, seqNum: 1_000_000_000n },
      properties: { ledgerHeight: 1n, leftChannel: false, chaincodes: [{ name: '_lifecycle', version: '1' }] },
    });
    expect(own?.stateInfo.signature).toEqual(peer.sign(payload));
  });

  it('follows blocks, with a larger sequence each time, and is signed once for each', async () => {
    const { view, channels } = await opened();
    const changes: bigint[] = [];
    using _ = view.onChanged(() => changes.push(view.membersOf('ch')[0]?.height ?? 0n));
    channels[0]?.commit();
    channels[0]?.commit();
    expect(changes).toEqual([2n, 3n]);
    const [own] = view.membersOf('ch');
    expect(view.membersOf('ch')[0]?.stateInfo).toBe(own?.stateInfo);
    const info = infoOf(own?.stateInfo.payload).stateInfo;
    expect(info).toMatchObject({ properties: { ledgerHeight: 3n }, timestamp: { seqNum: 1_000_000_001n } });
  });

  it('follows what can be endorsed, and asks once more when that changes while it is being read', async () => {
    const { view, state, tell } = await opened();
    state.hold = deferred<void>();
    tell('ch');
    tell('ch');
    tell();
    expect(state.reads).toBe(2);
    state.chaincodes = [{ name: 'basic', version: '2' }, ...state.chaincodes];
    state.hold.resolve();
    state.hold = undefined;
    await settled();
    expect(state.reads).toBe(3);
    expect(view.membersOf('ch')[0]?.chaincodes).toEqual([
      { name: 'basic', version: '2' },
      { name: '_lifecycle', version: '1' },
    ]);
  });

  it('begins with a join', async () => {
    const { view, join } = await opened({ channels: [] });
    expect(view.membersOf('late')).toEqual([]);
    join(new FakeChannel('late', both));
    expect(view.membersOf('late')).toMatchObject([{ height: 1n }]);
  });

  it('is nothing in a channel that its organisation is not in', async () => {
    const { view, channels } = await opened();
    let told = 0;
    using _ = view.onChanged(() => (told += 1));
    channels[0]?.configure(withoutUs);
    expect(view.membersOf('ch')).toEqual([]);
    channels[0]?.configure(both);
    expect(view.membersOf('ch')).toHaveLength(1);
    expect(told).toBe(2);
  });

  it('is told nobody any more after the end', async () => {
    const { own, view, channels } = await opened();
    let told = 0;
    using _ = view.onChanged(() => (told += 1));
    await own[Symbol.asyncDispose]();
    channels[0]?.commit();
    expect(told).toBe(0);
  });
});

describe('the view of a peer that is alone', () => {
  it('has itself, with an unsigned alive message', async () => {
    const { view } = await opened();
    const [self] = view.members();
    expect(view.members()).toHaveLength(1);
    expect(self).toMatchObject({ self: true, mspId: 'Org1MSP', endpoint: 'peer0:7051', internalEndpoint: 'inside:7051' });
    expect(self?.alive.signature).toHaveLength(0);
    const { tag, aliveMsg } = infoOf(self?.alive.payload);
    expect(tag).toBe(gossip.GossipMessage_Tag.EMPTY);
    expect(aliveMsg).toMatchObject({ membership: { endpoint: 'peer0:7051' }, timestamp: { incNum: 5n } });
    expect(plain(aliveMsg?.membership?.pkiId)).toEqual(peer.pkiId);
    expect(aliveMsg?.identity).toHaveLength(0);
    expect(view.organizations()).toEqual(['Org1MSP']);
  });
});
