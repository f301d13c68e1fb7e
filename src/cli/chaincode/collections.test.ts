import { describe, expect, it } from 'vitest';
import { parsePolicyText } from '../../msp/policies/policy-text.ts';
import { common, protos } from '../../protos/messages.ts';
import { collectionList, collectionsOf } from './collections.ts';
import { languageOf } from './language.ts';
import { policyFlag } from './policy-flag.ts';

const POLICY = "OR('Org1MSP.member','Org2MSP.member')";

describe('a collections file', () => {
  it('has the keys of Fabric in any case, and its defaults', () => {
    const json = JSON.stringify([
      { name: 'all', policy: POLICY, requiredPeerCount: 1, maxPeerCount: 3, blockToLive: 1000000, memberOnlyRead: true },
      { NAME: 'few', Policy: POLICY },
    ]);
    const { config } = protos.CollectionConfigPackage.decode(collectionsOf(json));
    expect(config.map(({ staticCollectionConfig }) => staticCollectionConfig)).toMatchObject([
      { name: 'all', requiredPeerCount: 1, maximumPeerCount: 3, blockToLive: 1000000n, memberOnlyRead: true, memberOnlyWrite: false },
      { name: 'few', requiredPeerCount: 0, maximumPeerCount: 0, blockToLive: 0n, memberOnlyRead: false },
    ]);
    const policy = config[0]?.staticCollectionConfig?.memberOrgsPolicy?.signaturePolicy;
    expect(common.SignaturePolicyEnvelope.encode(policy ?? {})).toEqual(common.SignaturePolicyEnvelope.encode(parsePolicyText(POLICY)));
  });

  it('may have an endorsement policy for each collection, and other defaults, since Fabric 2.0', () => {
    const json = JSON.stringify([
      { name: 'words', policy: POLICY, endorsementPolicy: { signaturePolicy: POLICY } },
      { name: 'reference', policy: POLICY, EndorsementPolicy: { ChannelConfigPolicy: 'Mine' }, maxPeerCount: 0 },
    ]);
    expect(collectionList(json, { maxPeerCount: 1 }).config?.map(({ staticCollectionConfig }) => staticCollectionConfig)).toMatchObject([
      { maximumPeerCount: 1, endorsementPolicy: { signaturePolicy: parsePolicyText(POLICY) } },
      { maximumPeerCount: 0, endorsementPolicy: { channelConfigPolicyReference: 'Mine' } },
    ]);
  });

  it.each([
    [JSON.stringify([{ name: 'x', policy: POLICY, endorsementPolicy: {} }]), 'collection x: endorsementPolicy needs one of'],
    [JSON.stringify([{ name: 'x', policy: POLICY, endorsementPolicy: 'OR' }]), 'collection x: endorsementPolicy needs one of'],
    ['{', 'no JSON'],
    ['{}', 'no list'],
    ['[1]', 'no list'],
    ['[{"name":"x"}]', 'a name and a policy'],
    [JSON.stringify([{ name: 'x', policy: POLICY, blockToLive: 'long' }]), 'collection x: blocktolive'],
    [JSON.stringify([{ name: 'x', policy: POLICY, maxPeerCount: 1.5 }]), 'collection x: maxpeercount'],
    [JSON.stringify([{ name: 'x', policy: POLICY, blockToLive: -1 }]), 'collection x: blocktolive'],
    [JSON.stringify([{ name: 'x', policy: 'OR(' }]), 'invalid policy OR('],
  ])('%s is refused', (json, message) => {
    expect(() => collectionsOf(json)).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('-P', () => {
  it('is a policy in words', () => {
    expect(policyFlag(POLICY)).toEqual(common.SignaturePolicyEnvelope.encode(parsePolicyText(POLICY)));
  });

  it('says what is wrong', () => {
    expect(() => policyFlag("SOME('Org1MSP.member')")).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }));
  });
});

describe('-l', () => {
  it('is one of the languages', () => {
    expect(['golang', 'Node', 'JAVA'].map(languageOf)).toEqual(['GOLANG', 'NODE', 'JAVA']);
    expect(() => languageOf('rust')).toThrow(expect.objectContaining({ message: 'Unknown chaincodeType: rust' }));
  });
});
