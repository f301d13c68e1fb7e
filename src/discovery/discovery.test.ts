import { describe, expect, it } from 'vitest';
import { localMspOf, signerOf } from '../../test/fakes/gossip-peers.ts';
import { collectionOf, discoverable } from '../../test/fakes/known-peers.ts';
import { sha256, utf8 } from '../common/bytes.ts';
import { silent } from '../common/log.ts';
import { toPem } from '../msp/identities/pem.ts';
import type { Organization } from '../msp/material/organization.ts';
import { type common, discovery, msp } from '../protos/messages.ts';
import { Discovery } from './discovery.ts';
import { DiscoveryAccess } from './discovery-access.ts';
import { PolicyPlanner } from './policy-planner.ts';

const network = await discoverable({ Org1: 2, Org2: 1 });
const [org1, org2] = network.orgs as [Organization, Organization];
const CHANNEL = network.channel.id;
const WITHOUT_TLS = { remote: 'somewhere', peerCertificate: undefined };

function service({ orgMembersAllowed = false } = {}): Discovery {
  const access = new DiscoveryAccess({ localMsp: localMspOf(org1), orgMembersAllowed, remembered: { most: 10, retained: 0.5 } });
  return new Discovery({ ...network, planner: new PolicyPlanner(network), access, log: silent });
}

const userOf = (org: Organization, at = 1) => {
  const user = org.users[at];
  if (user === undefined) throw new Error('no such user');
  return signerOf(org, user);
};

interface Signing {
  readonly as?: ReturnType<typeof userOf>;
  readonly tlsHash?: Uint8Array;
}

/** A request as clients sign it. */
function requestOf(
  queries: readonly discovery.QueryInit[],
  { as = userOf(org1), tlsHash = new Uint8Array() }: Signing = {},
): discovery.SignedRequest {
  const payload = discovery.Request.encode({ authentication: { clientIdentity: as.serialized, clientTlsCertHash: tlsHash }, queries });
  return { payload, signature: as.sign(payload) };
}

const answered = async (request: discovery.SignedRequest, by = service()): Promise<readonly discovery.QueryResult[]> =>
  discovery.Response.decode(await by.answer(request, WITHOUT_TLS)).results;

async function ask(query: discovery.QueryInit, options: Signing = {}, by = service()) {
  const [result] = await answered(requestOf([query], options), by);
  if (result === undefined) throw new Error('no answer');
  return result;
}

const errorOf = async (...asked: Parameters<typeof ask>): Promise<string | undefined> => (await ask(...asked)).error?.content;

/** Who is in a result of peers: by organisation, each with what it said. */
const shown = ({ members }: discovery.QueryResult) =>
  Object.fromEntries(
    [...(members?.peersByOrg ?? [])].map(([mspId, { peers }]) => [
      mspId,
      peers.map(({ membershipInfo, stateInfo }) => [membershipInfo, stateInfo].map((each) => each && Buffer.from(each.payload).toString())),
    ]),
  );

describe('a request', () => {
  const queries = [{ channel: CHANNEL, configQuery: {} }];
  const refusal = (request: discovery.SignedRequest, asker = WITHOUT_TLS as Parameters<Discovery['answer']>[1]) =>
    service()
      .answer(request, asker)
      .then(
        () => 'none',
        ({ code, message, grpc }) => `${code} ${grpc}: ${message}`,
      );

  it('is refused when it is none, or says not who asks', async () => {
    const refused = (text: string) => `DISCOVERY_REFUSED UNKNOWN: ${text}`;
    const signature = new Uint8Array();
    const bad = utf8('bad');
    expect(await refusal({ payload: bad, signature })).toBe(
      refused('failed parsing request: proto: cannot parse invalid wire-format data'),
    );
    const without = discovery.Request.encode({ queries });
    expect(await refusal({ payload: without, signature })).toBe(refused('access denied, no authentication info in request'));
    const anonymous = discovery.Request.encode({ authentication: {}, queries });
    expect(await refusal({ payload: anonymous, signature })).toBe(refused("access denied, client identity wasn't supplied"));
  });

  it('comes over the connection that it speaks of, where that has a certificate', async () => {
    const peerCertificate = utf8('the certificate of the connection');
    const asker = { ...WITHOUT_TLS, peerCertificate };
    expect(await refusal(requestOf(queries, { tlsHash: sha256(peerCertificate) }), asker)).toBe('none');
    const file = toPem('CERTIFICATE', peerCertificate); // what the stock command hashes
    expect(await refusal(requestOf(queries, { tlsHash: sha256(utf8(file)) }), asker)).toBe('none');
    expect(await refusal(requestOf(queries, { tlsHash: sha256(utf8(file.trimEnd())) }), asker)).toBe('none');
    expect(await refusal(requestOf(queries, { tlsHash: sha256(utf8('another one')) }), asker)).toMatch(
      "client claimed TLS hash doesn't match computed TLS hash from gRPC stream",
    );
    expect(await refusal(requestOf(queries), asker)).toMatch('client claimed TLS hash');
    expect(await refusal(requestOf(queries, { tlsHash: sha256(peerCertificate) }))).toBe('none');
  });

  it('has no more queries than anybody needs, and answers that fit into a message', async () => {
    expect(await refusal(requestOf(new Array<discovery.QueryInit>(200_000).fill({})))).toMatch('failed parsing request');
    const many = new Array<discovery.QueryInit>(101).fill({ channel: 'elsewhere' });
    expect(await refusal(requestOf(many))).toMatch('a request has at most 100 queries, this one has 101');
    expect(await answered(requestOf(many.slice(1)))).toHaveLength(100);
    network.say({ 'Org1.0': { endpoint: `${'x'.repeat(400_000)}:7051` } });
    const [known] = network.peers.members();
    if (known === undefined) throw new Error('nobody is there');
    network.peers.set([{ ...known, alive: { payload: new Uint8Array(400_000), signature: new Uint8Array() } }]);
    const peers = new Array<discovery.QueryInit>(100).fill({ channel: CHANNEL, peerQuery: {} });
    expect(await refusal(requestOf(peers))).toMatch('MESSAGE_TOO_LARGE');
  });

  it.each([
    ['interests', (n: number) => ({ ccQuery: { interests: new Array(n).fill({}) } })],
    ['chaincodes', (n: number) => ({ ccQuery: { interests: [{ chaincodes: new Array(n - 1).fill({ name: 'cc' }) }] } })],
    [
      'collections',
      (n: number) => ({ peerQuery: { filter: { chaincodes: [{ name: 'cc', collectionNames: new Array(n - 2).fill('c') }] } } }),
    ],
  ])('names no more %s than anybody needs', async (_, query) => {
    const request = (n: number) =>
      requestOf([
        { channel: 'elsewhere', ...query(n) },
        { channel: CHANNEL, peerQuery: {} },
      ]);
    expect(await refusal(request(1_001))).toMatch('a request names at most 1000 chaincodes and collections, this one 1001');
    expect(await refusal(request(1_000))).toBe('none');
  });

  it('is answered query by query, in order, whatever becomes of each', async () => {
    const results = await answered(requestOf([{ channel: 'elsewhere', configQuery: {} }, ...queries, { channel: CHANNEL }]));
    expect(results.map(({ error, configResult }) => error?.content ?? configResult?.msps.size)).toEqual([
      'access denied',
      3,
      'unknown or missing request type',
    ]);
  });
});

describe('access', () => {
  const config = { channel: CHANNEL, configQuery: {} };

  it('to a channel is for those who may write to it', async () => {
    expect(await errorOf(config, { as: userOf(org2) })).toBeUndefined();
    expect(await errorOf({ channel: 'elsewhere', configQuery: {} })).toBe('access denied');
    const request = requestOf([config]);
    const [forged] = await answered({ ...request, signature: request.signature.map((byte, at) => (at === 20 ? byte ^ 1 : byte)) });
    expect(forged?.error?.content).toBe('access denied');
    const stranger = await discoverable({ Org1: 1 }); // the same names, other keys
    expect(await errorOf(config, { as: userOf(stranger.orgs[0] as Organization) })).toBe('access denied');
  });

  it('to what is known beyond channels is for administrators of the organisation, or for all its members', async () => {
    const local = { localPeers: {} };
    const admin = { as: userOf(org1, 0) };
    expect(await errorOf(local, admin)).toBeUndefined();
    expect(await errorOf(local)).toBe('access denied');
    expect(await errorOf(local, { as: userOf(org2, 0) })).toBe('access denied');
    const open = service({ orgMembersAllowed: true });
    expect(await errorOf(local, {}, open)).toBeUndefined();
    expect(await errorOf(local, { as: userOf(org2) }, open)).toBe('access denied');
  });

  it('is not given to queries of the other kind', async () => {
    expect(await errorOf({ channel: CHANNEL, localPeers: {} })).toBe('unknown or missing request type');
    expect(await errorOf({ configQuery: {} }, { as: userOf(org1, 0) })).toBe('unknown or missing request type');
  });
});

describe('the configuration', () => {
  it('has the MSPs of all organisations and where the ordering nodes are', async () => {
    const { configResult } = await ask({ channel: CHANNEL, configQuery: {} });
    expect([...(configResult?.msps.keys() ?? [])].sort()).toEqual(['OrdererMSP', 'Org1MSP', 'Org2MSP']);
    expect(configResult?.msps.get('Org1MSP')).toEqual(mspInConfig('Org1MSP'));
    expect(configResult?.orderers).toEqual(new Map([['OrdererMSP', { endpoint: [{ host: 'orderer.example.com', port: 7050 }] }]]));
  });
});

function mspInConfig(mspId: string): msp.FabricMSPConfig | undefined {
  const orgs = network.channel.bundle().config.channelGroup?.groups.get('Application')?.groups ?? new Map();
  for (const [, org] of orgs as ReadonlyMap<string, common.ConfigGroup>) {
    const { config } = msp.MSPConfig.decode(org.values.get('MSP')?.value ?? new Uint8Array());
    const decoded = msp.FabricMSPConfig.decode(config);
    if (decoded.name === mspId) return decoded;
  }
  return undefined;
}

describe('the peers', () => {
  it('of a channel stand under their organisations with what they said, if they can be reached', async () => {
    network.say({ 'Org1.0': {}, 'Org1.1': { endpoint: '' } });
    expect(shown(await ask({ channel: CHANNEL, peerQuery: {} }))).toEqual({
      Org1MSP: [['alive Org1.0', 'state of Org1.0']],
      Org2MSP: [],
    });
  });

  it('are those that have the chaincodes and may have the data of the collections, where a filter says so', async () => {
    network.define('cc', { policy: "OR('Org1MSP.peer')", collections: [collectionOf('own', "OR('Org2MSP.member')")] });
    network.say({ 'Org1.0': { chaincodes: ['cc'] }, 'Org1.1': {}, 'Org2.0': { chaincodes: ['cc', 'other'] } });
    const filtered = (call: object) => ask({ channel: CHANNEL, peerQuery: { filter: { chaincodes: [{ name: 'cc', ...call }] } } });
    const org2Alone = { Org1MSP: [], Org2MSP: [['alive Org2.0', 'state of Org2.0']] };
    expect(Object.values(shown(await filtered({}))).map(({ length }) => length)).toEqual([1, 1]);
    expect(shown(await filtered({ collectionNames: ['own'] }))).toEqual(org2Alone);
    expect((await filtered({ collectionNames: ['absent'] })).error?.content).toBe(
      "collection absent doesn't exist in collection config for chaincode cc",
    );
    expect((await filtered({ name: 'absent' })).error?.content).toBe(`No metadata was found for chaincode absent in channel ${CHANNEL}`);
  });

  it('beyond channels have no word on any', async () => {
    network.say({ 'Org1.0': {}, 'Org2.0': {} });
    expect(shown(await ask({ localPeers: {} }, { as: userOf(org1, 0) }))).toEqual({
      Org1MSP: [['alive Org1.0', undefined]],
      Org2MSP: [['alive Org2.0', undefined]],
    });
  });
});

describe('the endorsers of a chaincode', () => {
  const endorsers = (...interests: object[]) => ({ channel: CHANNEL, ccQuery: { interests } });

  it('stand in groups, with layouts over these', async () => {
    network.define('cc', { policy: "AND('Org1MSP.peer','Org2MSP.peer')" });
    network.say({ 'Org1.0': { chaincodes: ['cc'] }, 'Org2.0': { chaincodes: ['cc'] } });
    const { ccQueryRes } = await ask(endorsers({ chaincodes: [{ name: 'cc' }] }));
    const [descriptor] = ccQueryRes?.content ?? [];
    expect(descriptor?.chaincode).toBe('cc');
    expect(descriptor?.layouts).toEqual([
      {
        quantitiesByGroup: new Map([
          ['G0', 1],
          ['G1', 1],
        ]),
      },
    ]);
    const [first] = descriptor?.endorsersByGroups.get('G0')?.peers ?? [];
    const [member] = network.peers.members();
    expect(first?.identity).toEqual(Buffer.from(member?.identity ?? []));
    expect(first?.stateInfo?.payload).toEqual(Buffer.from('state of Org1.0'));
  });

  it.each([
    ['chaincode query must have at least one chaincode interest', []],
    ['chaincode interest must contain at least one chaincode', [{}]],
    ['chaincode name in interest cannot be empty', [{ chaincodes: [{ name: 'cc' }, {}] }]],
  ])('cannot be asked for like this: %s', async (text, interests) => {
    expect(await errorOf(endorsers(...interests))).toBe(text);
  });

  it('are not told why there are none: that stands in the log', async () => {
    const calls = [
      { name: 'absent', collectionNames: ['a "b"\u00fc'], noPrivateReads: true },
      { name: 'cc', disregardNamespacePolicy: true },
    ];
    expect(await errorOf(endorsers({ chaincodes: calls }))).toBe(
      'failed constructing descriptor for chaincodes:<name:"absent" collection_names:"a \\"b\\"\\303\\274" no_private_reads:true > chaincodes:<name:"cc" disregard_namespace_policy:true > ',
    );
    const keyPolicies = [{ rule: { nOutOf: { n: 1, rules: [{ signedBy: 0 }] } }, identities: [{ principal: utf8('\n\x01') }] }];
    expect(await errorOf(endorsers({ chaincodes: [{ name: 'absent', keyPolicies, noPublicWrites: true }] }))).toBe(
      'failed constructing descriptor for chaincodes:<name:"absent" no_public_writes:true key_policies:<rule:<n_out_of:<n:1 rules:<signed_by:0 > > > identities:<principal:"\\n\\001" > > > ',
    );
  });
});
