import { describe, expect, it } from 'vitest';
import { lifecycleChannel } from '../../test/fakes/lifecycle-channel.ts';
import { lifecycleDefinition } from '../../test/fakes/lifecycle-definition.ts';
import { proposal } from '../../test/fakes/proposals.ts';
import { utf8 } from '../common/bytes.ts';
import { common, msp, type protos } from '../protos/messages.ts';
import type { CollectionAccess, CollectionQuestion } from './collection-access.ts';
import { findCollection, isMember, LifecycleCollectionAccess } from './lifecycle-collections.ts';
import { committedName, definitionRecord } from './lifecycle-definition.ts';
import { LIFECYCLE, writeRecord } from './records.ts';

const ANY = { signaturePolicy: { rule: { nOutOf: { n: 1, rules: [{ signedBy: 0 }] } } } };

const config = (changed: protos.StaticCollectionConfigInit = {}): protos.CollectionConfigInit => ({
  staticCollectionConfig: { name: 'shared', memberOrgsPolicy: ANY, ...changed },
});

async function channelWith(...collections: protos.CollectionConfigInit[]) {
  const fake = lifecycleChannel();
  const simulator = await fake.ledger.simulate('define');
  const definition = lifecycleDefinition({ collections: { config: collections } });
  await writeRecord(committedName('cc'), definitionRecord(definition), {
    get: (key) => simulator.getState(LIFECYCLE, key),
    put: (key, value) => simulator.putState(LIFECYCLE, key, value),
    delete: () => undefined,
  });
  await fake.commit(simulator);
  return fake;
}

describe('access to collections of the 2.x lifecycle', () => {
  const signed = proposal();
  const asked = { channelId: 'ch', proposal: { signedProposal: signed, channelId: 'ch', txId: 't', creator: utf8('user') } };
  const legacy: CollectionAccess = { permissions: async () => ({ read: false, write: false }) };

  type Wanted = CollectionQuestion['wanted'];
  const about = { member: true, chaincode: 'cc', wanted: 'value' as Wanted };

  async function permissions(fake: Awaited<ReturnType<typeof channelWith>>, collection: string, changed: Partial<typeof about> = {}) {
    const { member, chaincode, wanted } = { ...about, ...changed };
    const bundle = fake.channel.bundle();
    const verdict = member ? ({ ok: true } as const) : ({ ok: false, reason: 'no member' } as const);
    fake.channel.bundle = () => ({ ...bundle, signaturePolicy: () => ({ evaluate: async () => verdict }) });
    await using simulator = await fake.ledger.simulate('t');
    return await new LifecycleCollectionAccess({ channels: fake.channels, legacy }).permissions({
      ...asked,
      chaincode,
      collection,
      wanted,
      simulator,
    });
  }

  it('is for everybody, unless members alone may read or write', async () => {
    const open = await channelWith(config());
    expect(await permissions(open, 'shared', { member: false })).toEqual({ read: true, write: true });
    const closed = await channelWith(
      config({ memberOnlyRead: true }),
      config({ name: 'both', memberOnlyRead: true, memberOnlyWrite: true }),
    );
    expect(await permissions(closed, 'shared', { member: false })).toEqual({ read: false, write: true });
    expect(await permissions(closed, 'both', { member: false })).toEqual({ read: false, write: false });
    expect(await permissions(closed, 'both', { member: true })).toEqual({ read: true, write: true });
  });

  it('needs no definition for an organisation’s own collection, but a chaincode that is defined', async () => {
    const fake = await channelWith();
    expect(await permissions(fake, '_implicit_org_Org2MSP')).toEqual({ read: true, write: true });
    await expect(permissions(fake, '_implicit_org_Org2MSP', { chaincode: 'old' })).rejects.toThrow(
      'collection ch/old/_implicit_org_Org2MSP could not be found',
    );
  });

  it('is to collections that there are', async () => {
    await expect(permissions(await channelWith(config()), 'nope')).rejects.toThrow('collection ch/cc/nope could not be found');
  });

  it.each(['value', 'hash'] as const)('is to no %s in a collection of an organisation that the channel does not have', async (wanted) => {
    const fake = await channelWith(config());
    for (const collection of ['_implicit_org_Org9MSP', '_implicit_org_'])
      await expect(permissions(fake, collection, { wanted })).rejects.toThrow(
        `collection [${collection}] not defined in the collection config for chaincode [cc]`,
      );
  });

  it('says in the ledger’s words that there is none whose hashes could be read', async () => {
    const fake = await channelWith(config({ memberOnlyRead: true }));
    const hash = { wanted: 'hash' } as const;
    await expect(permissions(fake, 'nope', hash)).rejects.toThrow(
      'collection [nope] not defined in the collection config for chaincode [cc]',
    );
    await expect(permissions(fake, 'nope', { ...hash, chaincode: 'old' })).rejects.toThrow(
      'collection config not defined for chaincode [old], pass the collection configuration upon chaincode definition/instantiation',
    );
    expect(await permissions(fake, 'shared', { ...hash, member: false })).toEqual({ read: false, write: true });
  });

  it.each([
    ['V1_1', 'of 1.1 alone, asks the legacy lifecycle alone', { read: false, write: false }],
    ['V1_4_2', 'without the 2.x lifecycle, asks it all the same, as peers of 2.x do', { read: true, write: true }],
  ])('on a channel with %s, %s', async (level, _what, expected) => {
    const fake = await channelWith(config());
    const bundle = fake.channel.bundle();
    const { application } = bundle;
    if (application === undefined) throw new Error('no application');
    const capabilities = { ...application.capabilities, level, lifecycleV20: false };
    fake.channel.bundle = () => ({ ...bundle, application: { ...application, capabilities } });
    expect(await permissions(fake, 'shared')).toEqual(expected);
  });

  it('reads what other peers read: the whole definition, and then the legacy one', async () => {
    const fake = await channelWith(config());
    const reads: string[] = [];
    await using simulator = await fake.ledger.simulate('t');
    const state = {
      getState: (namespace: string, key: string) => {
        reads.push(`${namespace} ${key}`);
        return simulator.getState(namespace, key);
      },
    };
    expect(await findCollection(state, 'cc', 'shared')).toMatchObject({ kind: 'defined', config: { name: 'shared' } });
    const fields = ['Sequence', 'EndorsementInfo', 'ValidationInfo', 'Collections'].map(
      (field) => `_lifecycle namespaces/fields/cc/${field}`,
    );
    expect(reads.splice(0)).toEqual(['_lifecycle namespaces/metadata/cc', ...fields]);
    expect(await findCollection(state, 'old', 'shared')).toBeUndefined();
    expect(reads.splice(0)).toEqual(['_lifecycle namespaces/metadata/old', 'lscc old~collection']);
    expect(await findCollection(state, '_lifecycle', '_implicit_org_Org1MSP')).toEqual({ kind: 'implicit', mspId: 'Org1MSP' });
    expect(reads).toEqual([]);
  });
});

describe('members of a collection', () => {
  const { ORGANIZATION_UNIT, IDENTITY, ANONYMITY } = common.MSPPrincipal_Classification;
  const withMember = (principalClassification: number, principal: Uint8Array) => ({
    kind: 'defined' as const,
    config: { memberOrgsPolicy: { signaturePolicy: { identities: [{ principalClassification, principal }] } } },
  });

  it('are the organisations that its policy names, in whatever way', () => {
    const role = withMember(common.MSPPrincipal_Classification.ROLE, common.MSPRole.encode({ mspIdentifier: 'Org1MSP' }));
    const unit = withMember(ORGANIZATION_UNIT, common.OrganizationUnit.encode({ mspIdentifier: 'Org1MSP' }));
    const identity = withMember(IDENTITY, msp.SerializedIdentity.encode({ mspid: 'Org1MSP' }));
    for (const collection of [role, unit, identity]) {
      expect(isMember(collection, 'Org1MSP')).toBe(true);
      expect(isMember(collection, 'Org2MSP')).toBe(false);
    }
  });

  it('are the owner alone for an organisation’s own', () => {
    expect(isMember({ kind: 'implicit', mspId: 'Org1MSP' }, 'Org1MSP')).toBe(true);
    expect(isMember({ kind: 'implicit', mspId: 'Org1MSP' }, 'Org2MSP')).toBe(false);
  });

  it('are nobody where the policy makes no sense', () => {
    expect(isMember(withMember(ANONYMITY, utf8('')), 'Org1MSP')).toBe(false);
    expect(isMember(withMember(common.MSPPrincipal_Classification.ROLE, Uint8Array.of(0xff)), 'Org1MSP')).toBe(false);
    expect(isMember({ kind: 'defined', config: {} }, 'Org1MSP')).toBe(false);
  });
});
