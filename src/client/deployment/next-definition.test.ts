import { describe, expect, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { CHANNEL_POLICY } from './definition-differences.ts';
import { nextDefinition, type WantedChaincode } from './next-definition.ts';

const wanted: WantedChaincode = {
  channelId: 'ch',
  name: 'cc',
  version: undefined,
  endorsementPlugin: 'escc',
  validationPlugin: 'vscc',
  validationParameter: CHANNEL_POLICY,
  collections: undefined,
  initRequired: false,
  packageId: 'cc:1',
};
const { channelId: _, name: __, packageId: ___, ...settings } = wanted;
const present = { ...settings, sequence: 3n, version: '1.7', collections: { config: [] }, approvals: new Map() };
const runs = (packageId: string | undefined) => [{ mspId: 'Org1MSP', packageId }];
const collection = (name: string, blockToLive = 0n) => ({ config: [{ staticCollectionConfig: { name, blockToLive } }] });

describe('the next definition', () => {
  it('is the first of a new chaincode, and the version follows the sequence', () => {
    const { definition, inForce } = nextDefinition(wanted, undefined, []);
    expect({ ...definition, inForce }).toMatchObject({ sequence: 1n, version: '1.0', inForce: false, channelId: 'ch', name: 'cc' });
    expect(definition).not.toHaveProperty('packageId');
  });

  it('is the one in force where it is the same, whatever its version, for who runs this package or none yet', () => {
    for (const packageId of ['cc:1', undefined])
      expect(nextDefinition(wanted, present, runs(packageId))).toMatchObject({
        inForce: true,
        reasons: [],
        definition: { sequence: 3n, version: '1.7' },
      });
  });

  it.each([
    ['another package', {}, 'cc:0', 'Org1MSP runs another package'],
    ['a version', { version: '2.0' }, 'cc:1', 'version 1.7 -> 2.0'],
    ['a plugin', { endorsementPlugin: 'mine' }, 'cc:1', 'endorsement plugin escc -> mine'],
    ['a policy', { validationParameter: utf8('p') }, 'cc:1', 'endorsement policy'],
    ['Init', { initRequired: true }, 'cc:1', 'Init becomes required'],
    ['a collection', { collections: collection('a') }, 'cc:1', 'new collection a'],
  ])('is one more for %s', (_what, change, packageId, reason) => {
    const { definition, inForce, reasons } = nextDefinition({ ...wanted, ...change }, present, runs(packageId));
    expect([definition.sequence, inForce, reasons]).toEqual([4n, false, [reason]]);
    expect(definition.version).toBe('version' in change ? '2.0' : '4.0');
  });

  it('tells collections apart by name', () => {
    const before = { ...present, collections: { config: [...collection('a').config, ...collection('b').config].map(oneOf) } };
    const after = { config: [...collection('b', 5n).config, ...collection('c').config] };
    const { reasons } = nextDefinition({ ...wanted, collections: after }, before, []);
    expect(reasons).toEqual(['collection a left out', 'collection b', 'new collection c']);
    const swapped = { config: [...collection('b').config, ...collection('a').config] };
    expect(nextDefinition({ ...wanted, collections: swapped }, before, []).reasons).toEqual(['order of the collections']);
  });
});

/** As it comes from the wire. */
const oneOf = ({ staticCollectionConfig: { name, blockToLive } }: ReturnType<typeof collection>['config'][number] & object) => ({
  staticCollectionConfig: {
    name,
    blockToLive,
    memberOrgsPolicy: undefined,
    requiredPeerCount: 0,
    maximumPeerCount: 0,
    memberOnlyRead: false,
    memberOnlyWrite: false,
    endorsementPolicy: undefined,
  },
});
