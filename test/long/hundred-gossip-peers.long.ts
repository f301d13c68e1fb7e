import { beforeAll, describe, expect, it } from 'vitest';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { channelOf, peersOf } from '../fakes/gossip-peers.ts';
import { type Simulated, simulated } from '../fakes/gossip-simulation.ts';

describe('a hundred peers that gossip', () => {
  let orgs: readonly Organization[];
  let bundle: ChannelBundle;
  beforeAll(async () => {
    orgs = await Promise.all([peersOf('Org1', 50), peersOf('Org2', 50)]);
    const anchor = (org: Organization) => [{ host: `peer0.${org.domain}`, port: 7051 }];
    bundle = await channelOf(orgs, Object.fromEntries(orgs.map((org) => [org.mspId, anchor(org)])));
  });

  it('know each other within 20 seconds, each sending as much as one of 26 does', async () => {
    const runs = new Map<number, Simulated>();
    for (const peers of [26, 50, 100]) runs.set(peers, await simulated(orgs, bundle, { peers, measuredSeconds: 20 }));
    for (const [peers, run] of runs) {
      expect(run.completeAfter).toBeLessThan(20);
      expect(run).toMatchObject({ stillComplete: true, dropped: 0 });
      expect(run.timersPerPeer).toBeLessThan(20);
      for (const sizes of run.sizes) {
        expect(sizes).toMatchObject({
          members: peers - 1,
          timestamps: peers - 1,
          stateInfos: peers - 1,
          identityMessages: peers,
          answers: 0,
        });
        expect(sizes['identityMessages']).toBeLessThanOrEqual(peers);
        for (const transient of ['outbox', 'propagation', 'offers', 'exchanges']) expect(sizes[transient]).toBeLessThan(30);
      }
    }
    const rates = [...runs.values()].map(({ messagesPerPeerPerSecond }) => messagesPerPeerPerSecond);
    expect(Math.max(...rates) / Math.min(...rates)).toBeLessThan(1.15);
    console.info(
      Object.fromEntries(
        [...runs].map(([peers, run]) => [peers, `${run.completeAfter} s, ${run.messagesPerPeerPerSecond.toFixed(1)} a second`]),
      ),
    );
  });
});
