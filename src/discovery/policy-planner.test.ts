import { describe, expect, it } from 'vitest';
import { collectionOf, discoverable, keyPolicy } from '../../test/fakes/known-peers.ts';
import { PolicyBudget } from '../msp/policies/policy-budget.ts';
import { parsePolicyText } from '../msp/policies/policy-text.ts';
import { ccprovider, common, protos } from '../protos/messages.ts';
import { PolicyPlanner } from './policy-planner.ts';

/** Made once: certificates take their time. */
const network = await discoverable({ Org1: 2, Org2: 2, Org3: 1 });
const planner = new PolicyPlanner(network);
const CHANNEL = network.channel.id;

const call = (name: string, changed: protos.ChaincodeCallInit = {}): protos.ChaincodeCallInit => ({ name, ...changed });

/** Each layout as text: how many of which peers. */
async function layouts(...chaincodes: readonly protos.ChaincodeCallInit[]): Promise<string[]> {
  const plan = await planner.plan(CHANNEL, { chaincodes });
  return plan.layouts
    .map((layout) =>
      [...layout]
        .map(([group, count]) => `${count} of ${(plan.groups.get(group) ?? []).map(network.nameOf).join('/')}`)
        .sort()
        .join(', '),
    )
    .sort();
}

const everybody = (...chaincodes: readonly string[]) => ({
  'Org1.0': { chaincodes },
  'Org1.1': { chaincodes },
  'Org2.0': { chaincodes },
  'Org3.0': { chaincodes },
});

describe('a plan', () => {
  it('has a layout for each set of principals, and the peers of each principal in a group', async () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: "OR(AND('Org1MSP.peer','Org2MSP.peer'),'Org3MSP.member')" });
    const { groups, layouts: found } = await planner.plan(CHANNEL, { chaincodes: [call('cc')] });
    expect(found).toEqual([
      new Map([['G0', 1]]),
      new Map([
        ['G1', 1],
        ['G2', 1],
      ]),
    ]);
    expect([...groups].map(([group, peers]) => [group, peers.map(network.nameOf)])).toEqual([
      ['G0', ['Org3.0']],
      ['G1', ['Org1.0', 'Org1.1']],
      ['G2', ['Org2.0']],
    ]);
  });

  it('rests on a policy of the channel where the definition names one', async () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: '/Channel/Application/Endorsement' });
    expect(await layouts(call('cc'))).toEqual([
      '1 of Org1.0/Org1.1, 1 of Org2.0',
      '1 of Org1.0/Org1.1, 1 of Org3.0',
      '1 of Org2.0, 1 of Org3.0',
    ]);
  });

  it('plans for _lifecycle by the channel’s own policy for it', async () => {
    network.say(everybody('_lifecycle'));
    expect(await layouts(call('_lifecycle'))).toHaveLength(3);
  });

  it('leaves out peers without an endpoint, without the chaincode, or with it at another sequence', async () => {
    network.define('cc', { policy: "OR('Org1MSP.peer')", sequence: 2n });
    network.say({
      'Org1.0': { chaincodes: ['cc:1'] },
      'Org1.1': { chaincodes: ['cc:2'] },
      'Org2.0': { chaincodes: ['cc:2'] },
    });
    expect(await layouts(call('cc'))).toEqual(['1 of Org1.1']);
    network.say({ 'Org1.1': { chaincodes: ['cc:2'], endpoint: '' }, 'Org1.0': { chaincodes: ['cc:2', 'other'] } });
    expect(await layouts(call('cc'))).toEqual(['1 of Org1.0']);
  });

  it('asks for so many peers of a principal as the policy names it', async () => {
    network.define('cc', { policy: "OutOf(2,'Org1MSP.peer','Org1MSP.peer','Org2MSP.peer')" });
    network.say(everybody('cc'));
    expect(await layouts(call('cc'))).toEqual(['1 of Org1.0/Org1.1, 1 of Org2.0', '1 of Org1.0/Org1.1, 1 of Org2.0', '2 of Org1.0/Org1.1']);
    network.say({ 'Org1.0': { chaincodes: ['cc'] }, 'Org2.0': { chaincodes: ['cc'] } });
    expect(await layouts(call('cc'))).toEqual(['1 of Org1.0, 1 of Org2.0', '1 of Org1.0, 1 of Org2.0']);
  });

  it('satisfies the policies of all chaincodes that a call comes to, by peers that have them all', async () => {
    network.define('cc', { policy: "OR('Org1MSP.peer','Org2MSP.member')" });
    network.define('other', { policy: "AND('Org2MSP.member','Org3MSP.member')" });
    network.say({ ...everybody('cc', 'other'), 'Org2.1': { chaincodes: ['cc'] } });
    expect(await layouts(call('cc'), call('other'))).toEqual(['1 of Org2.0, 1 of Org3.0']);
  });

  it('names a larger set alone where one policy is part of the other, as Fabric does, and a smaller one where nobody is there for it', async () => {
    network.define('cc', { policy: "OR('Org1MSP.member')" });
    network.define('other', { policy: "OR(AND('Org1MSP.member','Org2MSP.member'),'Org3MSP.member')" });
    network.say(everybody('cc', 'other'));
    expect(await layouts(call('cc'), call('other'))).toEqual(['1 of Org1.0/Org1.1, 1 of Org2.0']);
    network.say({ ...everybody('cc', 'other'), 'Org2.0': { chaincodes: ['cc'] } });
    expect(await layouts(call('cc'), call('other'))).toEqual(['1 of Org1.0/Org1.1, 1 of Org3.0']);
  });
});

describe('a plan for chaincode of the legacy lifecycle', () => {
  const { state } = network.channel.ledger;
  const written = (key: string, value: Uint8Array) => state.put('lscc', key, value, [1n, 0n]);
  const policy = common.SignaturePolicyEnvelope.encode(parsePolicyText("OR('Org1MSP.peer','Org2MSP.peer')"));

  it('goes by its version, its policy, and the members of its collections, which have no policies', async () => {
    written('old', ccprovider.ChaincodeData.encode({ name: 'old', version: 'v7', policy }));
    const collections = [collectionOf('own', "OR('Org2MSP.member')", "OR('Org3MSP.peer')")];
    const config = collections.map((staticCollectionConfig) => ({ staticCollectionConfig }));
    written('old~collection', protos.CollectionConfigPackage.encode({ config }));
    network.say({ ...everybody('old:v7'), 'Org2.1': { chaincodes: ['old:v6'] } });
    expect(await layouts(call('old'))).toEqual(['1 of Org1.0/Org1.1', '1 of Org2.0']);
    expect(await layouts(call('old', { collectionNames: ['own'] }))).toEqual(['1 of Org2.0']);
    await expect(layouts(call('old', { collectionNames: ['_implicit_org_Org2MSP'] }))).rejects.toThrow(
      "doesn't exist in collection config",
    );
  });

  it('is not made for an entry that is of another name, or none', async () => {
    written('another', ccprovider.ChaincodeData.encode({ name: 'old', version: 'v7', policy }));
    written('bad', Uint8Array.of(0xff));
    for (const name of ['another', 'bad']) await expect(layouts(call(name))).rejects.toThrow(`No metadata was found for chaincode ${name}`);
  });
});

describe('a plan for collections', () => {
  const collections = [
    collectionOf('both', "OR('Org1MSP.member','Org2MSP.member')"),
    collectionOf('guarded', "OR('Org1MSP.member','Org2MSP.member','Org3MSP.member')", "AND('Org2MSP.peer','Org3MSP.peer')"),
    collectionOf('own', "OR('Org1MSP.member','Org2MSP.member')", "OR('Org1MSP.peer')"),
  ];
  const define = () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: "OR('Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')", collections });
  };

  it('leaves out peers that may not have the data that the call reads', async () => {
    define();
    expect(await layouts(call('cc', { collectionNames: ['both'] }))).toEqual(['1 of Org1.0/Org1.1', '1 of Org2.0']);
    expect(await layouts(call('cc', { collectionNames: ['both'], noPrivateReads: true }))).toHaveLength(3);
  });

  it('goes by the policy of a collection that has one, and by the chaincode’s for the others', async () => {
    define();
    expect(await layouts(call('cc', { collectionNames: ['guarded'] }))).toEqual(['1 of Org2.0, 1 of Org3.0']);
    expect(await layouts(call('cc', { collectionNames: ['guarded', 'both'], noPrivateReads: true }))).toEqual(['1 of Org2.0, 1 of Org3.0']);
  });

  it('knows an organisation’s own collection, which nobody defines', async () => {
    define();
    expect(await layouts(call('cc', { collectionNames: ['_implicit_org_Org2MSP'] }))).toEqual(['1 of Org2.0']);
    expect(await layouts(call('cc', { collectionNames: ['_implicit_org_Org2MSP'], noPrivateReads: true }))).toEqual(['1 of Org2.0']);
  });

  it('asks nobody else where whoever owns such a collection satisfies the chaincode’s policy, too', async () => {
    define();
    const own = call('cc', { collectionNames: ['_implicit_org_Org1MSP'], noPrivateReads: true });
    expect(await layouts(call('cc'), own)).toEqual(['1 of Org1.0/Org1.1']);
  });

  it('disregards the policy of the chaincode, and none of a collection, where every key has its own', async () => {
    define();
    const keyPolicies = [keyPolicy("OR('Org3MSP.peer')")];
    const disregarding = { disregardNamespacePolicy: true, noPrivateReads: true };
    expect(await layouts(call('cc', { keyPolicies, ...disregarding }))).toEqual(['1 of Org3.0']);
    expect(await layouts(call('cc', { keyPolicies, ...disregarding, collectionNames: ['guarded'] }))).toEqual(['1 of Org3.0']);
    const both = { ...disregarding, collectionNames: ['guarded', 'own'] };
    expect(await layouts(call('cc', both))).toEqual(['1 of Org1.0/Org1.1, 1 of Org2.0, 1 of Org3.0']);
  });
});

describe('a plan for keys with policies of their own', () => {
  it('satisfies them beside the chaincode’s', async () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: "OR('Org1MSP.peer','Org2MSP.peer')" });
    const keyPolicies = [keyPolicy("OR('Org2MSP.peer','Org3MSP.peer')"), keyPolicy("OR('Org2MSP.peer','Org3MSP.peer')")];
    expect(await layouts(call('cc', { keyPolicies }))).toEqual(['1 of Org1.0/Org1.1, 1 of Org3.0', '1 of Org2.0']);
  });
});

describe('there is no plan', () => {
  const why = async (...chaincodes: readonly protos.ChaincodeCallInit[]): Promise<unknown> =>
    planner.plan(CHANNEL, { chaincodes }).then(
      () => expect.unreachable(),
      ({ code, message }) => ({ code, message }),
    );
  const because = (message: string) => ({ code: 'NO_ENDORSEMENT_PLAN', message });
  const peerOf2 = "AND('Org1MSP.peer','Org2MSP.peer')";

  it('for a chaincode or a collection that is not there', async () => {
    network.define('cc', { policy: peerOf2 });
    expect(await why(call('absent'))).toEqual(because(`No metadata was found for chaincode absent in channel ${CHANNEL}`));
    expect(await why(call('cc', { collectionNames: ['absent'] }))).toEqual(
      because("collection absent doesn't exist in collection config for chaincode cc"),
    );
  });

  it('for a reference to a policy that the channel does not have', async () => {
    network.define('cc', { policy: '/Channel/Application/Absent' });
    expect(await why(call('cc'))).toEqual(because(`No metadata was found for chaincode cc in channel ${CHANNEL}`));
  });

  it('where too few peers are there, or have the chaincode', async () => {
    network.define('cc', { policy: peerOf2 });
    network.say({ 'Org1.0': { chaincodes: ['cc'] }, 'Org3.0': { chaincodes: ['cc'] } });
    expect(await why(call('cc'))).toEqual(because('no peer combination can satisfy the endorsement policy'));
    network.say({ 'Org1.0': { chaincodes: ['cc'] }, 'Org2.0': {} });
    expect(await why(call('cc'))).toEqual(because('required chaincodes are not installed on sufficient peers'));
  });

  it('where a policy cannot be satisfied by anybody', async () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: peerOf2 });
    const impossible = { rule: { nOutOf: { n: 2, rules: [{ signedBy: 0 }] } }, identities: [{}] };
    expect(await why(call('cc', { keyPolicies: [impossible] }))).toEqual(because('state based endorsement policy cannot be satisfied'));
    expect(await why(call('cc', { disregardNamespacePolicy: true }))).toEqual(
      because(
        "requested to disregard chaincode cc's policy but key and collection policies are missing, either disable DisregardNamespacePolicy or specify at least one key policy or at least one collection policy",
      ),
    );
  });

  it('for principals of kinds that cannot be compared', async () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: "OR('Org1MSP.peer')" });
    const nominal = { principalClassification: common.MSPPrincipal_Classification.ANONYMITY, principal: new Uint8Array() };
    const keyPolicies = [{ rule: { signedBy: 0 }, identities: [nominal] }];
    expect(await why(call('cc', { keyPolicies }))).toEqual(
      because('failed creating a comparable principal set for state based endorsement'),
    );
  });

  it('for policies that would take too long to look through', async () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: "OR('Org1MSP.peer')" });
    const rules = Array.from({ length: 2_000 }, (_, signedBy) => ({ signedBy }));
    const identities = rules.map((_, at) => ({ principal: common.MSPRole.encode({ mspIdentifier: `O${at}` }) }));
    const policy = (n: number) => ({ rule: { nOutOf: { n: 1, rules: rules.slice(n) } }, identities });
    const many = Array.from({ length: 200 }, (_, at) => policy(at + 1));
    expect(await why(call('cc', { keyPolicies: many }))).toEqual(because(expect.stringMatching(/too many/)));
    expect(await why(call('cc', { keyPolicies: [policy(0)] }))).toEqual(because('a policy of more than 2000 rules is not enumerated'));
  });

  it('for principals that would take too long to ask all peers for', async () => {
    network.say(everybody('cc'));
    network.define('cc', { policy: "OR('Org1MSP.peer')" });
    const identities = Array.from({ length: 10 }, (_, at) => ({ principal: common.MSPRole.encode({ mspIdentifier: `O${at}` }) }));
    const keyPolicies = [{ rule: { nOutOf: { n: 1, rules: identities.map((__, signedBy) => ({ signedBy })) } }, identities }];
    const interest = { chaincodes: [call('cc', { keyPolicies })] };
    await expect(planner.plan(CHANNEL, interest, new PolicyBudget(50_000))).rejects.toThrow(/too many/);
    await expect(planner.plan(CHANNEL, interest, new PolicyBudget(500_000))).rejects.toThrow('no peer combination');
  });

  it('for nothing, or on a channel that this peer has not joined', async () => {
    expect(await why()).toEqual({ code: 'MALFORMED', message: 'chaincode interest must contain at least one chaincode' });
    await expect(planner.plan('elsewhere', { chaincodes: [call('cc')] })).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
  });
});
