import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeChannel } from '../../../test/fakes/fake-channel.ts';
import { endpointOf, GossipNetwork } from '../../../test/fakes/gossip-network.ts';
import { channelOf, peersOf } from '../../../test/fakes/gossip-peers.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';

let org1: Organization;
let org2: Organization;
let plain: ChannelBundle;
let anchored: ChannelBundle;
beforeAll(async () => {
  [org1, org2] = await Promise.all([peersOf('Org1', 3), peersOf('Org2', 1)]);
  plain = await channelOf([org1, org2]);
  anchored = await channelOf([org1, org2], { Org2MSP: [{ host: `peer0.${org2.domain}`, port: 7051 }] });
});
let net: GossipNetwork;
beforeEach(() => {
  net = new GossipNetwork();
});
afterEach(() => net[Symbol.asyncDispose]());

describe('endpoints that somebody named', () => {
  it('are tried again until somebody is there, soon at first', async () => {
    const a = await net.start(org1, 0, { bootstrap: [endpointOf(org1, 1)] });
    await net.seconds(5);
    expect(a.others).toEqual([]);
    const b = await net.start(org1, 1);
    await net.seconds(3);
    expect(a.others).toEqual([b.name]);
  });

  it('are given up after so many attempts', async () => {
    const a = await net.start(org1, 0, { bootstrap: [endpointOf(org1, 1)], settings: { connectionAttempts: 3 } });
    await net.seconds(10);
    await net.start(org1, 1);
    await net.seconds(60);
    expect(a.others).toEqual([]);
  });

  it('are no bootstrap peers when another organisation is there', async () => {
    const warned: string[] = [];
    const log = { ...console, debug() {}, info() {}, error() {}, warn: (message: string) => void warned.push(message), child: () => log };
    const channels = [new FakeChannel('ch', plain)];
    const a = await net.start(org1, 0, { bootstrap: [endpointOf(org2, 0)], channels, log });
    await net.start(org2, 0, { channels: [new FakeChannel('ch', plain)] });
    await net.seconds(4);
    expect(a.others).toEqual([]);
    expect(warned).toContain(`${endpointOf(org2, 0)} isn't in our organization, cannot be a bootstrap peer`);
  });

  it('are not sought when they are this peer itself', async () => {
    const own = [endpointOf(org1, 0), 'localhost:7051', '127.0.0.1:7051', 'outside:1'];
    const a = await net.start(org1, 0, { bootstrap: own, endpoint: 'outside:1' });
    expect(a.gossip.sizes()).toMatchObject({ contacts: 0 });
  });

  it('come and go with the configuration of a channel', async () => {
    const channel = new FakeChannel('ch', plain);
    const a = await net.start(org1, 0, { channels: [channel] });
    const b = await net.start(org2, 0, { channels: [new FakeChannel('ch', plain)] });
    await net.seconds(10);
    expect(a.others).toEqual([]);
    channel.configure(anchored);
    await net.seconds(1);
    expect([a.others, b.others]).toEqual([[b.name], [a.name]]);
    channel.configure(plain);
    expect(a.gossip.sizes()).toMatchObject({ contacts: 0 });
  });

  it('are sought again when who was there is gone for good', async () => {
    const a = await net.start(org1, 0, { bootstrap: [endpointOf(org1, 1)] });
    const before = await net.start(org1, 1);
    await net.seconds(30);
    expect(a.others).toEqual([before.name]);
    await before[Symbol.asyncDispose]();
    a.identities.remove(before.own.pkiId);
    const after = await net.start(org1, 2, { endpoint: endpointOf(org1, 1) });
    await net.seconds(30);
    expect(a.others).toEqual([after.name]);
  });
});
