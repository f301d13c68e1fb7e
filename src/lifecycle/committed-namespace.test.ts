import { beforeAll, describe, expect, it } from 'vitest';
import { bundleFromBlock, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { ccprovider, lifecycle, protos } from '../protos/messages.ts';
import { committedNamespace } from './committed-namespace.ts';
import { type EndorsementPolicy, membersPolicy, policyReference } from './endorsement-policy.ts';
import type { NamespaceDefinition } from './namespace-definition.ts';
import type { CommittedReads } from './snapshot-records.ts';

const bytes = (value: Uint8Array): Uint8Array => lifecycle.StateData.encode({ bytes: value });
const member = { signaturePolicy: { rule: { signedBy: 0 } } };

/** A definition as `_lifecycle` keeps it. */
function defined(name: string, validation: lifecycle.ChaincodeValidationInfoInit = {}): Record<string, Uint8Array> {
  const collections = [
    { name: 'plain' },
    { name: 'strict', endorsementPolicy: { channelConfigPolicyReference: '/Channel/Application/Admins' } },
  ];
  const config = collections.map((each) => ({ staticCollectionConfig: { ...each, memberOrgsPolicy: member } }));
  return {
    [`_lifecycle namespaces/metadata/${name}`]: lifecycle.StateMetadata.encode({ datatype: 'ChaincodeDefinition' }),
    [`_lifecycle namespaces/fields/${name}/EndorsementInfo`]: bytes(lifecycle.ChaincodeEndorsementInfo.encode({ version: '7' })),
    [`_lifecycle namespaces/fields/${name}/ValidationInfo`]: bytes(
      lifecycle.ChaincodeValidationInfo.encode({ validationPlugin: 'vscc', validationParameter: new Uint8Array([10, 0]), ...validation }),
    ),
    [`_lifecycle namespaces/fields/${name}/Collections`]: bytes(protos.CollectionConfigPackage.encode({ config } as never)),
  };
}

const stateOf = (entries: Record<string, Uint8Array>): CommittedReads => ({
  get: (namespace, key) => {
    const value = entries[`${namespace} ${key}`];
    return value && { value, version: { blockNum: 1n, txNum: 0n } };
  },
});

describe.skipIf(!fixtures)('definitions by the 2.0 rules', () => {
  let bundle: ChannelBundle;
  /** The channel without the policies that 2.0 brought. */
  let upgraded: ChannelBundle;

  beforeAll(() => {
    const [genesis] = recordedBlocks('v2.4', 'peer');
    if (genesis === undefined) throw new Error('no recorded block');
    bundle = bundleFromBlock(genesis);
    const { policies } = bundle;
    const has = (path: string): boolean => !path.endsWith('Endorsement') && policies.has(path);
    upgraded = { ...bundle, policies: { get: (path) => policies.get(path), has, sub: (groups) => policies.sub(groups) } };
  });

  async function find(name: string, entries: Record<string, Uint8Array>, of = bundle): Promise<NamespaceDefinition> {
    const found = await committedNamespace(stateOf(entries), name, of);
    if (!found.ok) throw new Error(found.message);
    return found.value;
  }
  const collection = (definition: NamespaceDefinition, name: string): EndorsementPolicy | string | undefined => {
    const policy = definition.collectionPolicy(name);
    return policy.ok ? policy.value : policy.message;
  };

  it('come from _lifecycle, before any legacy entry of the same name', async () => {
    const legacy = ccprovider.ChaincodeData.encode({ name: 'cc', version: '1', vscc: 'old', policy: new Uint8Array([1]) });
    const both = { ...defined('cc'), 'lscc cc': legacy };
    const definition = await find('cc', both);
    expect(definition).toMatchObject({ version: '7', plugin: 'vscc', policy: { kind: 'application' } });
    expect(definition.policy.kind === 'application' && [...definition.policy.policy]).toEqual([10, 0]);
    expect(await find('cc', { 'lscc cc': legacy })).toMatchObject({ version: '1', plugin: 'old', policy: { kind: 'signature' } });
  });

  it('give collections their own policy, that of their organisation, or that of the chaincode', async () => {
    const definition = await find('cc', defined('cc'));
    expect(collection(definition, 'plain')).toEqual(definition.policy);
    expect(collection(definition, 'strict')).toEqual(policyReference('/Channel/Application/Admins'));
    expect(collection(definition, 'ghost')).toBe("no such collection 'ghost'");
    expect(collection(definition, '_implicit_org_Org1MSP')).toEqual(policyReference('/Channel/Application/Org1MSP/Endorsement'));
    expect(collection(definition, '_implicit_org_GhostMSP')).toBe("no org found in channel with MSPID 'GhostMSP'");
    expect(collection(await find('cc', defined('cc'), upgraded), '_implicit_org_Org1MSP')).toEqual(membersPolicy(1, ['Org1MSP']));
  });

  it('let the lifecycle policy decide over _lifecycle itself, or most organisations', async () => {
    expect((await find('_lifecycle', {})).policy).toEqual(policyReference('/Channel/Application/LifecycleEndorsement'));
    expect((await find('_lifecycle', {}, upgraded)).policy).toEqual(membersPolicy(2, ['Org1MSP', 'Org2MSP']));
    expect(collection(await find('_lifecycle', {}), 'own')).toBe("no such collection 'own'");
  });

  it('are missing or incomplete for the transaction alone', async () => {
    await expect(find('cc', {})).rejects.toThrow('chaincode cc not found');
    await expect(find('cc', defined('cc', { validationPlugin: '' }))).rejects.toThrow('chaincode definition for [cc] is invalid, plugin');
    await expect(find('cc', defined('cc', { validationParameter: new Uint8Array() }))).rejects.toThrow('policy field must be set');
    await expect(find('cc', { 'lscc cc': ccprovider.ChaincodeData.encode({ name: 'cc', vscc: 'vscc' }) })).rejects.toThrow(
      'policy field must be set',
    );
    const fieldless = { '_lifecycle namespaces/metadata/cc': defined('cc')['_lifecycle namespaces/metadata/cc'] ?? new Uint8Array() };
    await expect(find('cc', fieldless)).rejects.toThrow('plugin field must be set');
  });

  it('stop the channel when the state of the lifecycle cannot be read', async () => {
    const broken = { ...defined('cc'), '_lifecycle namespaces/fields/cc/ValidationInfo': new Uint8Array([255]) };
    const otherwise = {
      ...defined('cc'),
      '_lifecycle namespaces/fields/cc/ValidationInfo': lifecycle.StateData.encode({ string: 'vscc' }),
    };
    const unnumbered = { ...defined('cc'), '_lifecycle namespaces/fields/cc/Sequence': bytes(new Uint8Array([1])) };
    const other = { ...defined('cc'), '_lifecycle namespaces/metadata/cc': lifecycle.StateMetadata.encode({ datatype: 'Other' }) };
    for (const entries of [broken, otherwise, unnumbered, other, { 'lscc cc': new Uint8Array([255]) }]) {
      await expect(committedNamespace(stateOf(entries), 'cc', bundle)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    }
  });
});
