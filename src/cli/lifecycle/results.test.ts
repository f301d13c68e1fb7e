import { describe, expect, it } from 'vitest';
import { parsePolicyText } from '../../msp/policies/policy-text.ts';
import { lifecycle } from '../../protos/messages.ts';
import { goJson } from './go-json.ts';
import { allCommittedJson, approvedJson, committedJson, installedJson, readinessJson } from './results.ts';

const POLICY = parsePolicyText("OR('Org1MSP.member','Org2MSP.member')");

describe('answers as the stock command line prints them', () => {
  it('installed packages, with who uses them', () => {
    const bytes = lifecycle.QueryInstalledChaincodesResult.encode({
      installedChaincodes: [
        {
          packageId: 'basic_1.0:ab',
          label: 'basic_1.0',
          references: new Map([['mychannel', { chaincodes: [{ name: 'basic', version: '1.0' }] }]]),
        },
        { packageId: 'unused:cd', label: 'unused' },
      ],
    });
    expect(JSON.parse(goJson(installedJson(lifecycle.QueryInstalledChaincodesResult.decode(bytes))))).toEqual({
      installed_chaincodes: [
        { package_id: 'basic_1.0:ab', label: 'basic_1.0', references: { mychannel: { chaincodes: [{ name: 'basic', version: '1.0' }] } } },
        { package_id: 'unused:cd', label: 'unused' },
      ],
    });
    expect(goJson(installedJson({ installedChaincodes: [] }))).toBe('{}');
  });

  it('who approved, in the layout that scripts grep', () => {
    const approvals = new Map([
      ['Org2MSP', false],
      ['Org1MSP', true],
    ]);
    expect(goJson(readinessJson({ approvals, mismatches: new Map() }))).toBe(
      '{\n\t"approvals": {\n\t\t"Org1MSP": true,\n\t\t"Org2MSP": false\n\t}\n}',
    );
    const mismatches = new Map([['Org2MSP', { items: ['Collections'] }]]);
    expect(readinessJson({ approvals, mismatches })).toMatchObject({ mismatches: { Org2MSP: { items: ['Collections'] } } });
  });

  it('an approved definition with its source, collections and policies', () => {
    const bytes = lifecycle.QueryApprovedChaincodeDefinitionResult.encode({
      sequence: 3n,
      version: '1.0',
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
      validationParameter: new Uint8Array([1, 2]),
      collections: {
        config: [
          {
            staticCollectionConfig: {
              name: 'secret',
              memberOrgsPolicy: { signaturePolicy: POLICY },
              maximumPeerCount: 1,
              blockToLive: 5n,
              memberOnlyRead: true,
              endorsementPolicy: { channelConfigPolicyReference: '/Channel/Application/Endorsement' },
            },
          },
        ],
      },
      source: { localPackage: { packageId: 'basic_1.0:ab' } },
    });
    expect(JSON.parse(goJson(approvedJson(lifecycle.QueryApprovedChaincodeDefinitionResult.decode(bytes))))).toEqual({
      sequence: 3,
      version: '1.0',
      endorsement_plugin: 'escc',
      validation_plugin: 'vscc',
      validation_parameter: 'AQI=',
      collections: {
        config: [
          {
            Payload: {
              StaticCollectionConfig: {
                name: 'secret',
                member_orgs_policy: {
                  Payload: {
                    SignaturePolicy: {
                      rule: { Type: { NOutOf: { n: 1, rules: [{ Type: { SignedBy: 0 } }, { Type: { SignedBy: 1 } }] } } },
                      identities: [{ principal: 'CgdPcmcxTVNQ' }, { principal: 'CgdPcmcyTVNQ' }],
                    },
                  },
                },
                maximum_peer_count: 1,
                block_to_live: 5,
                member_only_read: true,
                endorsement_policy: { Type: { ChannelConfigPolicyReference: '/Channel/Application/Endorsement' } },
              },
            },
          },
        ],
      },
      source: { Type: { LocalPackage: { package_id: 'basic_1.0:ab' } } },
    });
  });

  it('an approved definition without a package', () => {
    const bytes = lifecycle.QueryApprovedChaincodeDefinitionResult.encode({ sequence: 1n, collections: {}, source: { unavailable: {} } });
    expect(goJson(approvedJson(lifecycle.QueryApprovedChaincodeDefinitionResult.decode(bytes)))).toBe(
      '{\n\t"sequence": 1,\n\t"collections": {},\n\t"source": {\n\t\t"Type": {\n\t\t\t"Unavailable": {}\n\t\t}\n\t}\n}',
    );
  });

  it('committed definitions, one and all', () => {
    const definition = { sequence: 1n, version: '1.0', endorsementPlugin: 'escc', validationPlugin: 'vscc', initRequired: true };
    const one = lifecycle.QueryChaincodeDefinitionResult.encode({ ...definition, approvals: new Map([['Org1MSP', true]]) });
    const fields = { sequence: 1, version: '1.0', endorsement_plugin: 'escc', validation_plugin: 'vscc', init_required: true };
    expect(JSON.parse(goJson(committedJson(lifecycle.QueryChaincodeDefinitionResult.decode(one))))).toEqual({
      ...fields,
      approvals: { Org1MSP: true },
    });
    const all = lifecycle.QueryChaincodeDefinitionsResult.encode({ chaincodeDefinitions: [{ name: 'basic', ...definition }] });
    expect(JSON.parse(goJson(allCommittedJson(lifecycle.QueryChaincodeDefinitionsResult.decode(all))))).toEqual({
      chaincode_definitions: [{ name: 'basic', ...fields }],
    });
  });
});
