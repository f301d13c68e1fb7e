import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { FakeChannel } from './fake-channel.ts';
import { endpointOf, GossipNetwork, type GossipPeer } from './gossip-network.ts';

export interface Simulated {
  /** Simulated seconds from the start of the last peer until each knew all others and their state; infinite when it never came to that. */
  readonly completeAfter: number;
  /** Whether it was still so after the time that was measured. */
  readonly stillComplete: boolean;
  /** Envelopes that a peer sent each second, on average, once all knew each other. */
  readonly messagesPerPeerPerSecond: number;
  /** Of these, how many found no room. */
  readonly dropped: number;
  /** What each peer kept of others at the end. */
  readonly sizes: readonly Readonly<Record<string, number>>[];
  /** What waits for its time at the end, per peer. */
  readonly timersPerPeer: number;
}

/**
 * Lets peers of some organisations start one after the other within two seconds, each told of the first of its organisation and all
 * in one channel, whose anchor peers make the organisations meet.
 */
export async function simulated(
  orgs: readonly Organization[],
  bundle: ChannelBundle,
  { peers: count, measuredSeconds }: { readonly peers: number; readonly measuredSeconds: number },
): Promise<Simulated> {
  await using net = new GossipNetwork(count);
  const peers: GossipPeer[] = [];
  const channels: FakeChannel[] = [];
  for (let at = 0; peers.length < count; at += 1) {
    for (const org of orgs) {
      const channel = new FakeChannel('ch', bundle);
      channels.push(channel);
      peers.push(await net.start(org, at, { bootstrap: [endpointOf(org, 0)], channels: [channel] }));
      await net.timers.advance((2_000 / count) * net.random());
    }
  }
  const complete = (): boolean => peers.every((peer) => peer.others.length === count - 1 && peer.membersOf('ch').length === count);
  let seconds = 0;
  for (; !complete() && seconds < 60; seconds += 1) await net.seconds(1);
  const { sent } = net.network;
  for (let second = 0; second < measuredSeconds; second += 1) {
    channels[second % channels.length]?.commit();
    await net.seconds(1);
  }
  return {
    completeAfter: seconds < 60 ? seconds : Number.POSITIVE_INFINITY,
    stillComplete: complete(),
    messagesPerPeerPerSecond: (net.network.sent - sent) / measuredSeconds / count,
    dropped: net.network.dropped,
    sizes: peers.map(({ gossip }) => gossip.sizes()),
    timersPerPeer: net.timers.pending / count,
  };
}
