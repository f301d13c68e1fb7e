import { beforeAll, describe, expect, it } from 'vitest';
import { channelOf, peersOf } from '../../test/fakes/gossip-peers.ts';
import { simulated } from '../../test/fakes/gossip-simulation.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../msp/material/organization.ts';

// A hundred of them: test/long/hundred-gossip-peers.long.ts
describe('peers of two organisations that meet through their anchor peers', () => {
  let orgs: readonly Organization[];
  let bundle: ChannelBundle;
  beforeAll(async () => {
    orgs = await Promise.all([peersOf('Org1', 16), peersOf('Org2', 16)]);
    const anchor = (org: Organization) => [{ host: `peer0.${org.domain}`, port: 7051 }];
    bundle = await channelOf(orgs, Object.fromEntries(orgs.map((org) => [org.mspId, anchor(org)])));
  });

  it('all know each other within 20 seconds, and keep no more than one entry for each', async () => {
    const run = await simulated(orgs, bundle, { peers: 32, measuredSeconds: 8 });
    expect(run.completeAfter).toBeLessThan(20);
    expect(run.stillComplete).toBe(true);
    for (const sizes of run.sizes) {
      expect(sizes).toMatchObject({ members: 31, timestamps: 31, stateInfos: 31 });
      for (const kept of ['identityMessages', 'offers', 'outbox', 'propagation', 'contacts']) expect(sizes[kept]).toBeLessThanOrEqual(32);
    }
  });
});
