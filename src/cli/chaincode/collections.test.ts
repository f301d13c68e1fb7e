import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicyText } from '../../msp/policies/policy-text.ts';
import { common, protos } from '../../protos/messages.ts';
import { collectionList, readCollections } from './collections.ts';
import { languageOf } from './language.ts';
import { policyFlag } from './policy-flag.ts';

const POLICY = "OR('Org1MSP.member','Org2MSP.member')";
const collection = (more: string): string => `[{"name":"x","policy":"${POLICY}",${more}}]`;

describe('a collections file', () => {
  it('has the keys of Fabric in any case, and its defaults', () => {
    const json = JSON.stringify([
      { name: 'all', policy: POLICY, requiredPeerCount: 1, maxPeerCount: 3, blockToLive: 1000000, memberOnlyRead: true },
      { NAME: 'few', Policy: POLICY, maxPeerCount: null, unknown: {} },
    ]);
    const { config } = protos.CollectionConfigPackage.decode(protos.CollectionConfigPackage.encode(collectionList(json)));
    expect(config.map(({ staticCollectionConfig }) => staticCollectionConfig)).toMatchObject([
      { name: 'all', requiredPeerCount: 1, maximumPeerCount: 3, blockToLive: 1000000n, memberOnlyRead: true, memberOnlyWrite: false },
      { name: 'few', requiredPeerCount: 0, maximumPeerCount: 1, blockToLive: 0n, memberOnlyRead: false },
    ]);
    const policy = config[0]?.staticCollectionConfig?.memberOrgsPolicy?.signaturePolicy;
    expect(common.SignaturePolicyEnvelope.encode(policy ?? {})).toEqual(common.SignaturePolicyEnvelope.encode(parsePolicyText(POLICY)));
  });

  it('keeps every digit of a number', () => {
    const [only] = collectionList(collection('"blockToLive":18446744073709551615')).config ?? [];
    expect(only?.staticCollectionConfig?.blockToLive).toBe(2n ** 64n - 1n);
  });

  it('may have an endorsement policy for each collection; one without texts is none', () => {
    const json = JSON.stringify([
      { name: 'words', policy: POLICY, endorsementPolicy: { signaturePolicy: POLICY } },
      { name: 'reference', policy: POLICY, EndorsementPolicy: { ChannelConfigPolicy: 'Mine' }, maxPeerCount: 0 },
      { name: 'empty', policy: POLICY, endorsementPolicy: {} },
      { name: 'blank', policy: POLICY, endorsementPolicy: { signaturePolicy: '', channelConfigPolicy: '' } },
      { name: 'null', policy: POLICY, endorsementPolicy: null },
    ]);
    expect(collectionList(json).config?.map(({ staticCollectionConfig }) => staticCollectionConfig)).toMatchObject([
      { endorsementPolicy: { signaturePolicy: parsePolicyText(POLICY) } },
      { maximumPeerCount: 0, endorsementPolicy: { channelConfigPolicyReference: 'Mine' } },
      { name: 'empty', endorsementPolicy: undefined },
      { name: 'blank', endorsementPolicy: undefined },
      { name: 'null', endorsementPolicy: undefined },
    ]);
  });

  const field = 'into Go struct field collectionConfigJson';
  it.each([
    [collection(`"endorsementPolicy":{"signaturePolicy":"${POLICY}","channelConfigPolicy":"Mine"}`), 'collection x: cannot specify both'],
    [collection('"endorsementPolicy":"OR"'), 'collection x: endorsementPolicy is the text "OR"'],
    [
      collection('"MemberOnlyRead":"true"'),
      `collection x: MemberOnlyRead is the text "true" at line 1, column 80, expected true or false: json: cannot unmarshal string ${field}.MemberOnlyRead of type bool`,
    ],
    [
      collection('"memberOnlyWrite":1'),
      `collection x: memberOnlyWrite is the number 1 at line 1, column 81, expected true or false: json: cannot unmarshal number 1 ${field}.memberOnlyWrite of type bool`,
    ],
    [collection('"blockToLive":"long"'), `json: cannot unmarshal string ${field}.blockToLive of type uint64`],
    [collection('"blockToLive":-1'), `json: cannot unmarshal number -1 ${field}.blockToLive of type uint64`],
    [collection('"maxPeerCount":1.0'), `json: cannot unmarshal number 1.0 ${field}.maxPeerCount of type int32`],
    [collection('"requiredPeerCount":1e1'), `json: cannot unmarshal number 1e1 ${field}.requiredPeerCount of type int32`],
    [collection('"requiredPeerCount":2147483648'), `${field}.requiredPeerCount of type int32`],
    [collection('"memberOnlyRead":"no","memberOnlyRead":true'), 'memberOnlyRead is the text "no"'],
    ['[{"name":["x"]}]', 'name is a list at line 1, column 10, expected a text'],
    ['[{"name":"x"}]', 'collection x: every collection needs a name and a policy'],
    [`[{"policy":"${POLICY}"}]`, 'collection number 1 of the list: every collection needs a name and a policy'],
    ['[{"name":"x","policy":"OR("}]', 'collection x: invalid policy OR('],
    ['[1]', 'json: cannot unmarshal number into Go value of type collectionConfigJson'],
    ['{}', 'a list of collections is expected: json: cannot unmarshal object into Go value of type []chaincode.collectionConfigJson'],
    ['[\n{"name":"x",}]', "invalid character '}' looking for beginning of object key string (line 2, column 13)"],
    ['', 'unexpected end of JSON input (line 1, column 1)'],
  ])('%s is refused with its name', async (json, message) => {
    const folder = await mkdtemp(join(tmpdir(), 'selvage-collections-'));
    const file = join(folder, 'collections.json');
    await writeFile(file, json);
    try {
      const refusal = { code: 'SETTING_INVALID', message: expect.stringContaining(`invalid collection configuration in file ${file}: `) };
      expect(() => readCollections(file)).toThrow(expect.objectContaining(refusal));
      expect(() => readCollections(file)).toThrow(message);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that is a link which leads nowhere is told from one that is not there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvage-collections-'));
    try {
      await symlink('gone.json', join(folder, 'link.json'));
      expect(() => readCollections(join(folder, 'link.json'))).toThrow('link.json: it is a link to gone.json, and there is no such file');
      expect(() => readCollections(join(folder, 'gone.json'))).toThrow('gone.json: no such file or directory');
    } finally {
      await rm(folder, { recursive: true });
    }
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
