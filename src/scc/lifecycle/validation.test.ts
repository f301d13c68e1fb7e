import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anyOf, approving, cc, collection, lifecycleNetwork } from '../../../test/fakes/lifecycle-network.ts';
import { utf8 } from '../../common/bytes.ts';
import { common, type lifecycle, protos } from '../../protos/messages.ts';

/** Nothing is installed in these tests, so the folder is never made. */
const network = () => lifecycleNetwork(join('nowhere', 'at all'));

describe('_lifecycle refuses definitions', () => {
  const refusal = async (changed: lifecycle.CommitChaincodeDefinitionArgsInit) => {
    const { org1 } = await network();
    const [approval, commit] = [await org1.approve(cc(changed)), await org1.commit(cc(changed))];
    const [one, two] = [approval, commit].map(({ message }) => /^[^:]*: error validating chaincode definition: (.*)$/s.exec(message)?.[1]);
    expect(one).toBe(two);
    return one;
  };
  const ofCollections = (...config: protos.CollectionConfigInit[]) => refusal({ collections: { config } });

  it('with names and versions of another form', async () => {
    const rule = "Names can only consist of alphanumerics, '_', and '-' and can only begin with alphanumerics";
    for (const name of ['', '_cc', 'cc-', 'c__c', 'c.c', 'c/c'])
      expect(await refusal({ name })).toBe(`invalid chaincode name '${name}'. ${rule}`);
    for (const name of ['cscc', 'escc', 'lscc', 'qscc', 'vscc'])
      expect(await refusal({ name })).toBe(`chaincode name '${name}' is the name of a system chaincode`);
    for (const version of ['', '1 0', '1/0'])
      expect(await refusal({ version })).toBe(
        `invalid chaincode version '${version}'. Versions can only consist of alphanumerics, '_', '-', '+', and '.'`,
      );
  });

  it('with collections that make no sense', async () => {
    const rule = "Names can only consist of alphanumerics, '_', and '-' and cannot begin with '_'";
    expect(await ofCollections({ staticCollectionConfig: {} })).toBe('collection configuration is empty');
    expect(await ofCollections(collection({ name: '_a' }))).toBe(`invalid collection name '_a'. ${rule}`);
    expect(await ofCollections(collection(), collection())).toBe('collection-name: shared -- found duplicate in collection configuration');
    expect(await ofCollections(collection({ requiredPeerCount: 2 }))).toBe(
      'collection-name: shared -- maximum peer count (1) cannot be less than the required peer count (2)',
    );
    expect(await ofCollections(collection({ requiredPeerCount: -1 }))).toBe(
      'collection-name: shared -- requiredPeerCount (-1) cannot be less than zero',
    );
    expect(await ofCollections(collection({ memberOrgsPolicy: undefined }))).toBe(
      "collection member policy is not set for collection 'shared'",
    );
    expect(await ofCollections(collection({ memberOrgsPolicy: {} }))).toBe("collection member org policy is empty for collection 'shared'");
    expect(await ofCollections(collection({ memberOrgsPolicy: anyOf('Org1MSP', 'Org3MSP') }))).toBe(
      "collection-name: shared -- collection member 'Org3MSP' is not part of the channel",
    );
    const { signaturePolicy } = anyOf('Org1MSP', 'Org2MSP');
    const both = { nOutOf: { n: 2, rules: [{ signedBy: 0 }, { signedBy: 1 }] } };
    const nested = { signaturePolicy: { ...signaturePolicy, rule: { nOutOf: { n: 1, rules: [both] } } } };
    expect(await ofCollections(collection({ memberOrgsPolicy: nested }))).toBe(
      'collection-name: shared -- error in member org policy: signature policy is not an OR concatenation, NOutOf 2',
    );
    const anonymous = { principalClassification: common.MSPPrincipal_Classification.ANONYMITY };
    expect(
      await ofCollections(collection({ memberOrgsPolicy: { signaturePolicy: { ...signaturePolicy, identities: [anonymous] } } })),
    ).toBe('collection-name: shared -- principal type ANONYMITY is not supported');
  });

  it('that lose or change collections which are in force', async () => {
    const { org1 } = await network();
    const first = { ...cc(), collections: { config: [collection({ blockToLive: 3n })] } };
    await org1.approve(first);
    await org1.commit(first);
    const text = async (...config: protos.CollectionConfigInit[]) =>
      (await org1.approve({ ...cc({ sequence: 2n }), collections: { config } })).message;
    const refused = (why: string) => approving(`error validating chaincode definition: ${why}`);
    expect(await text()).toBe(refused('the proposed collection config does not contain previously defined collections'));
    expect(await text(collection({ name: 'other' }))).toBe(
      refused('existing collection [shared] missing in the proposed collection configuration'),
    );
    expect(await text(collection({ blockToLive: 4n }))).toBe(
      refused('the BlockToLive in an existing collection [shared] modified. Existing value [3]'),
    );
    expect(await text(collection({ name: 'other' }), collection({ blockToLive: 3n }))).toBe('');
  });

  it('that lose collections which the legacy lifecycle deployed', async () => {
    const { org1, ledger } = await network();
    ledger.state.put('lscc', 'cc', utf8('deployed'), [1n, 0n]);
    ledger.state.put('lscc', 'cc~collection', protos.CollectionConfigPackage.encode({ config: [collection()] }), [1n, 0n]);
    const { message, rwset } = await org1.approve(cc(), { committed: false });
    expect(message).toContain('the proposed collection config does not contain previously defined collections');
    expect(rwset[1]).toMatchObject({ namespace: 'lscc', reads: ['cc', 'cc~collection'] });
  });
});
