import { beforeAll, describe, expect, it } from 'vitest';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { channelOf, identitiesOf, peerSigner, peersOf, signerOf } from '../../../test/fakes/gossip-peers.ts';
import { concatBytes, utf8 } from '../../common/bytes.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { msp } from '../../protos/messages.ts';
import { readEnvelope, signedEnvelope } from '../wire/envelope.ts';
import { pkiIdOf } from '../wire/ids.ts';

const HOUR = 60 * 60 * 1000;

describe('the identities of peers', () => {
  let org1: Organization;
  let org2: Organization;
  let org3: Organization;
  let channel: ChannelBundle;
  beforeAll(async () => {
    [org1, org2, org3] = await Promise.all([peersOf('Org1', 4), peersOf('Org2', 1), peersOf('Org3', 1)]);
    channel = await channelOf([org1, org2]);
  });
  const opened = (
    channels: ChannelBundle[] = [],
    { start = Date.now(), ...most }: { start?: number; mostOfOrganization?: number } = {},
  ) => {
    const timers = new FakeTimers({ start });
    return { timers, ...identitiesOf(org1, { channels, timers, ...most }) };
  };
  const identity = (org: Organization, at = 0): Uint8Array => peerSigner(org, at).serialized;

  it('takes up peers of its own organisation, and of others only through a channel', () => {
    const channels: ChannelBundle[] = [];
    const { store } = opened(channels);
    expect(store.put(pkiIdOf(identity(org1, 1)), identity(org1, 1))).toMatchObject({ mspId: 'Org1MSP' });
    const foreign = identity(org2);
    expect(() => store.put(pkiIdOf(foreign), foreign)).toThrow(
      /^failed classifying identity: Unable to extract msp.Identity from peer Identity: Peer Identity \{"CN":"peer0.org2.example.com",.*"MSP":"Org2MSP".*\} cannot be validated. No MSP found able to do that.$/,
    );
    channels.push(channel);
    expect(store.put(pkiIdOf(foreign), foreign)).toMatchObject({ mspId: 'Org2MSP' });
    expect(store.list().map(({ mspId }) => mspId)).toEqual(['Org1MSP', 'Org1MSP', 'Org2MSP']);
  });

  it('recomputes the id that somebody claims', () => {
    const { store } = opened();
    const [a, b] = [identity(org1, 1), identity(org1, 2)];
    expect(() => store.put(pkiIdOf(a), b)).toThrow("identity doesn't match the computed pkiID");
    expect(() => store.put(new Uint8Array(), b)).toThrow('PKIID is nil');
    expect(() => store.put(pkiIdOf(a), new Uint8Array())).toThrow('identity is nil');
    expect(store.get(pkiIdOf(b))).toBeUndefined();
  });

  it('refuses bytes behind the certificate, by which one peer would have many ids', () => {
    const { store } = opened();
    const { mspid, idBytes } = msp.SerializedIdentity.decode(identity(org1, 1));
    const padded = msp.SerializedIdentity.encode({ mspid, idBytes: concatBytes(idBytes, utf8('\n')) });
    expect(() => store.put(pkiIdOf(padded), padded)).toThrow(/identity is not well formed: an identity of MSP Org1MSP has trailing bytes$/);
    expect(() => store.put(new Uint8Array(32), new Uint8Array(70_000))).toThrow('more than any certificate has');
  });

  it('verifies a message and its secret; a foreign one by the Readers of a channel', async () => {
    const channels = [channel];
    const { store } = opened(channels);
    const [own, foreign] = [peerSigner(org1, 1), peerSigner(org2)];
    for (const signer of [own, foreign]) {
      const message = readEnvelope(await signedEnvelope({ aliveMsg: {} }, signer, 'inside:7051'));
      await store.verifyWith(signer.serialized, message);
      const forged = { ...message.signed, signature: peerSigner(org1, 3).sign(message.signed.payload) };
      await expect(store.verifyWith(signer.serialized, { ...message, signed: forged })).rejects.toThrow(/signature|policy/);
      await expect(store.verifyWith(signer.serialized, { ...message, secret: forged })).rejects.toThrow(/signature|policy/);
      const unsigned = { payload: message.signed.payload, signature: new Uint8Array() };
      await expect(store.verifyWith(signer.serialized, { ...message, secret: unsigned })).rejects.toThrow('Empty signature');
    }
    await expect(store.verifyWith(own.serialized, readEnvelope(await signedEnvelope({}, own)))).rejects.toThrow('Empty payload');
    await expect(store.verify(pkiIdOf(own.serialized), readEnvelope(await signedEnvelope({ nonce: 1n }, own)))).rejects.toThrow(
      "PKIID wasn't found",
    );
  });

  it('lets go of what the channel no longer has, of what expired, and of what nobody asked for in an hour', async () => {
    const channels = [channel];
    const { store, timers } = opened(channels);
    const removed: string[] = [];
    store.onRemoved(({ mspId }) => removed.push(mspId));
    const [own, foreign] = [identity(org1, 1), identity(org2)];
    store.put(pkiIdOf(own), own);
    store.put(pkiIdOf(foreign), foreign);
    store.revalidate();
    expect(removed).toEqual([]);
    channels.pop();
    store.revalidate();
    expect(removed).toEqual(['Org2MSP']);
    await timers.advance(0.9 * HOUR);
    expect(store.get(pkiIdOf(own))).toBeDefined();
    await timers.advance(0.9 * HOUR);
    expect(store.list()).toHaveLength(2);
    await timers.advance(HOUR);
    expect(removed).toEqual(['Org2MSP', 'Org1MSP']);
    expect(store.list()).toEqual([store.self]);
  });

  it('keeps a bounded number for each organisation: what was used longest ago gives way', async () => {
    const { store, timers } = opened([channel], { mostOfOrganization: 2 });
    for (const at of [1, 2]) {
      store.put(pkiIdOf(identity(org1, at)), identity(org1, at));
      await timers.advance(1);
    }
    store.put(pkiIdOf(identity(org2)), identity(org2));
    store.get(pkiIdOf(identity(org1, 1)));
    await timers.advance(1);
    store.put(pkiIdOf(identity(org1, 3)), identity(org1, 3));
    expect(store.get(pkiIdOf(identity(org1, 2)))).toBeUndefined();
    expect(store.list()).toHaveLength(4);
  });

  it('removes an identity when its certificate ends, and takes it up no more', async () => {
    const end = opened().store.self.notAfter.getTime();
    const { store, timers } = opened([], { start: end - 1_000 });
    const known = store.put(pkiIdOf(identity(org1, 1)), identity(org1, 1));
    const removed: number[] = [];
    store.onRemoved(() => removed.push(timers.now().getTime()));
    await timers.advance(1_000);
    expect(removed).toEqual([]);
    await timers.advance(1);
    expect(removed).toEqual([end + 1]);
    expect(() => store.put(known.pkiId, known.identity)).toThrow('gossipping peer identity expired');
    expect(store.list()).toEqual([store.self]);
  });

  it('does not know an organisation that no channel has', () => {
    const { store, authority } = opened([channel]);
    expect(authority.organizationOf(identity(org3))).toBeUndefined();
    const user = org1.users[1];
    const client = signerOf(org1, user as NonNullable<typeof user>).serialized;
    expect(store.put(pkiIdOf(client), client)).toMatchObject({ mspId: 'Org1MSP' }); // some networks cannot tell peers from clients
  });
});
