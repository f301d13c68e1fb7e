import { describe, expect, it } from 'vitest';
import {
  answers,
  detailsOf,
  endorses,
  type FakePeer,
  proposed,
  refuses,
  type SmallGateway,
  smallGateway,
} from '../../test/fakes/small-gateway.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import type { EndorsementPlanner } from '../discovery/endorsement-plan.ts';
import { common, gateway, kvrwset, protos, rwset } from '../protos/messages.ts';

const never = { signal: new AbortController().signal };

const request = (init: gateway.EndorseRequestInit): gateway.EndorseRequest =>
  gateway.EndorseRequest.decode(gateway.EndorseRequest.encode(init));

interface PlanOf {
  /** Group to names of peers. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly layouts: readonly Readonly<Record<string, number>>[];
}

interface Setting {
  readonly peers: readonly FakePeer[];
  readonly plan?: PlanOf | ((interest: protos.ChaincodeInterestInit) => PlanOf);
  readonly ask?: gateway.EndorseRequestInit;
}

interface Outcome {
  readonly signers?: readonly string[];
  readonly grpc?: string;
  readonly message?: string;
  readonly details?: readonly string[];
}

/** Endorses and tells who signed, or what was refused. */
async function endorse({ peers, plan, ask = { proposedTransaction: proposed() } }: Setting) {
  const interests: protos.ChaincodeInterestInit[] = [];
  const members = new Map<string, SmallGateway['members'] extends ReadonlyMap<string, infer M> ? M : never>();
  const planner: EndorsementPlanner = {
    plan: async (_, interest) => {
      interests.push(interest);
      const { groups, layouts } = typeof plan === 'function' ? plan(interest) : (plan ?? { groups: {}, layouts: [] });
      return {
        groups: new Map(Object.entries(groups).map(([group, names]) => [group, names.flatMap((name) => members.get(name) ?? [])])),
        layouts: layouts.map((layout) => new Map(Object.entries(layout))),
      };
    },
  };
  await using small = await smallGateway({ peers, planner });
  for (const [name, member] of small.members) members.set(name, member);
  const outcome: Outcome = await small.gateway.endorse(request(ask), never).then(
    ({ preparedTransaction }) => ({ signers: signersOf(preparedTransaction) }),
    (thrown: unknown) => {
      const { grpc, message } = SelvageError.from(thrown);
      return { grpc, message, details: detailsOf(thrown).map((each) => named(each, small)) };
    },
  );
  return { ...outcome, asked: small.asked, interests };
}

const named = (detail: string, { members }: SmallGateway): string =>
  [...members].reduce((text, [name, { endpoint }]) => (endpoint === '' ? text : text.replaceAll(endpoint, name)), detail);

function actionIn(envelope: common.EnvelopeInit | undefined) {
  const payload = common.Payload.decode(envelope?.payload ?? new Uint8Array());
  const [action] = protos.Transaction.decode(payload.data).actions;
  return { payload, header: action?.header, action: protos.ChaincodeActionPayload.decode(action?.payload ?? new Uint8Array()) };
}

const signersOf = (envelope: common.EnvelopeInit | undefined): readonly string[] =>
  (actionIn(envelope).action.action?.endorsements ?? []).map(({ endorser }) => textOf(endorser));

const self: FakePeer = { name: 'self', self: true };
const org2 = { mspId: 'Org2MSP' };

describe('what cannot be endorsed', () => {
  it.each([
    ['nothing', undefined, 'the proposed transaction must contain a signed proposal'],
    [
      'no proposal',
      { proposalBytes: new Uint8Array(), signature: new Uint8Array() },
      'the proposed transaction must contain a signed proposal',
    ],
    [
      'bytes that are no proposal',
      { proposalBytes: new Uint8Array([255]), signature: new Uint8Array() },
      'error unmarshalling Proposal: proto: cannot parse invalid wire-format data',
    ],
  ])('%s', async (_, proposedTransaction, message) => {
    expect(await endorse({ peers: [self], ask: { proposedTransaction } })).toMatchObject({ grpc: 'INVALID_ARGUMENT', message });
  });
});

describe('by organisations that the client names', () => {
  const ask = { proposedTransaction: proposed(), endorsingOrganizations: ['Org1MSP', 'Org2MSP'] };

  it('one peer of each signs, another one where the first fails', async () => {
    const peers: readonly FakePeer[] = [
      { name: 'high', height: 9n, answer: refuses('PEER_UNREACHABLE', 'down') },
      self,
      { name: 'other', ...org2 },
      { name: 'third', mspId: 'Org3MSP' },
    ];
    const { signers, asked } = await endorse({ peers, ask });
    expect([...(signers ?? [])].sort()).toEqual(['other', 'self']);
    expect(asked).not.toContain('third');
  });

  it('fails for those that have no peer', async () => {
    expect(await endorse({ peers: [self], ask: { ...ask, endorsingOrganizations: ['Org3MSP', 'Org1MSP', 'Org2MSP'] } })).toMatchObject({
      grpc: 'UNAVAILABLE',
      message: 'failed to find any endorsing peers for org(s): Org3MSP, Org2MSP',
      asked: [],
    });
  });

  it('fails with what each peer said when one has nobody left', async () => {
    const peers: readonly FakePeer[] = [self, { name: 'other', ...org2, answer: refuses('PROPOSAL_REFUSED', 'bad signature') }];
    expect(await endorse({ peers, ask })).toMatchObject({
      grpc: 'ABORTED',
      message: 'failed to collect enough transaction endorsements, see attached details for more info',
      details: ['other (Org2MSP): bad signature'],
    });
  });
});

describe('the first endorsement', () => {
  const plan: PlanOf = { groups: { G0: ['self'] }, layouts: [{ G0: 1 }] };

  it('is one of the own organisation and counts', async () => {
    const peers: readonly FakePeer[] = [{ name: 'other', ...org2, height: 99n }, self];
    expect(await endorse({ peers, plan })).toMatchObject({ signers: ['self'], asked: ['self'] });
  });

  it('comes from the next peer when one fails, whatever the failure', async () => {
    const peers: readonly FakePeer[] = [
      { name: 'dead', height: 9n, answer: refuses('PEER_UNREACHABLE', 'down') },
      { name: 'strict', height: 8n, answer: answers(400, 'no') },
      self,
    ];
    expect(await endorse({ peers, plan })).toMatchObject({ signers: ['self'], asked: ['dead', 'strict', 'self'] });
  });

  it('fails with what each said when there is none', async () => {
    const peers: readonly FakePeer[] = [
      { ...self, answer: answers(500, 'no', utf8('x')) },
      { name: 'next', height: 1n, answer: refuses('PROPOSAL_REFUSED', 'stranger') },
    ];
    expect(await endorse({ peers, plan })).toMatchObject({
      grpc: 'ABORTED',
      message: 'failed to endorse transaction, see attached details for more info',
      details: ['self (Org1MSP): chaincode response 500, no', 'next (Org1MSP): stranger'],
    });
  });

  it('comes from who could endorse a plain call where the own organisation has nobody', async () => {
    const peers: readonly FakePeer[] = [
      { ...self, chaincodes: [] },
      { name: 'other', ...org2 },
    ];
    const elsewhere: PlanOf = { groups: { G0: ['other'] }, layouts: [{ G0: 1 }] };
    const { signers, interests } = await endorse({ peers, plan: elsewhere });
    expect(signers).toEqual(['other']);
    expect(interests[0]).toEqual({ chaincodes: [{ name: 'cc' }] });
    expect(await endorse({ peers, plan: elsewhere, ask: { proposedTransaction: proposed({ transient: 'x' }) } })).toMatchObject({
      grpc: 'FAILED_PRECONDITION',
      message: "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) to protect transient data",
      asked: [],
    });
  });
});

describe('by policy', () => {
  const two: PlanOf = { groups: { G0: ['self', 'own'], G1: ['other', 'more'] }, layouts: [{ G0: 1, G1: 1 }] };
  const peersOf = (others: readonly FakePeer[]): readonly FakePeer[] => [self, { name: 'own', height: 1n }, ...others];

  it('plans with what the first endorser says it concerns, with the plain chaincode where it says nothing', async () => {
    const interest = { chaincodes: [{ name: 'cc' }, { name: 'callee', collectionNames: ['c'] }] };
    const peers = [
      { ...self, answer: endorses('self', { interest }) },
      { name: 'other', ...org2 },
    ];
    const { signers, interests } = await endorse({ peers, plan: two });
    expect(signers).toEqual(['self', 'other']);
    expect(protos.ChaincodeInterest.encode(interests[0] ?? {})).toEqual(protos.ChaincodeInterest.encode(interest));
    const silent = [
      { ...self, answer: endorses('self', { interest: { chaincodes: [] } }) },
      { name: 'other', ...org2 },
    ];
    expect((await endorse({ peers: silent, plan: two })).interests).toEqual([{ chaincodes: [{ name: 'cc' }] }]);
  });

  it('replaces who fails by another of the group', async () => {
    const peers = peersOf([
      { name: 'other', ...org2, height: 9n, answer: answers(500, 'chaincode gone: chaincode stream terminated') },
      { name: 'more', ...org2 },
    ]);
    expect(await endorse({ peers, plan: two })).toMatchObject({ signers: ['self', 'more'], asked: ['self', 'other', 'more'] });
  });

  it('goes on with a layout without the group that has nobody left, and asks nobody twice', async () => {
    const plan: PlanOf = {
      groups: { G0: ['self'], G1: ['other'], G2: ['third'] },
      layouts: [
        { G0: 1, G1: 1 },
        { G0: 1, G2: 1 },
        { G1: 1, G2: 1 },
      ],
    };
    const peers: readonly FakePeer[] = [
      self,
      { name: 'other', ...org2, answer: refuses('PEER_UNREACHABLE', 'down') },
      { name: 'third', mspId: 'Org3MSP' },
    ];
    for (let time = 0; time < 6; time += 1) {
      const { signers, asked } = await endorse({ peers, plan });
      expect(signers).toEqual(['self', 'third']);
      expect(new Set(asked).size).toBe(asked.length);
    }
  });

  it('counts the first endorser in each of its groups, and asks nobody for what it satisfies', async () => {
    const plan: PlanOf = {
      groups: { peers: ['self'], others: ['other'], members: ['self'] },
      layouts: [{ peers: 1 }, { others: 1, members: 1 }],
    };
    for (let time = 0; time < 6; time += 1)
      expect(await endorse({ peers: [self, { name: 'other', ...org2 }], plan })).toMatchObject({ signers: ['self'], asked: ['self'] });
  });

  it('asks who is in several groups of a layout for one of them, the one that has fewest others', async () => {
    const peers = peersOf([
      { name: 'other', ...org2 },
      { name: 'more', ...org2 },
    ]);
    const plan = (groups: PlanOf['groups']): PlanOf => ({ groups, layouts: [{ own: 1, any: 1, few: 1 }] });
    const enough = await endorse({ peers, plan: plan({ own: ['self'], any: ['self', 'other', 'more'], few: ['other'] }) });
    expect([[...(enough.signers ?? [])].sort(), [...enough.asked].sort()]).toEqual([
      ['more', 'other', 'self'],
      ['more', 'other', 'self'],
    ]);
    const short = await endorse({ peers, plan: plan({ own: ['self'], any: ['self', 'other'], few: ['other'] }) });
    expect(short).toMatchObject({ grpc: 'ABORTED', asked: ['self'] });
  });

  it('asks several of one group at a time where a layout wants them', async () => {
    const plan: PlanOf = { groups: { G0: ['self', 'own', 'one'] }, layouts: [{ G0: 3 }] };
    const both = deferred<void>();
    let asked = 0;
    const together = (name: string) => async (signed: protos.SignedProposal) => {
      asked += 1;
      if (asked === 2) both.resolve();
      await both.promise;
      return endorses(name)(signed);
    };
    const peers: readonly FakePeer[] = [
      self,
      { name: 'own', height: 2n, answer: together('own') },
      { name: 'one', height: 1n, answer: together('one') },
    ];
    expect([...((await endorse({ peers, plan })).signers ?? [])].sort()).toEqual(['one', 'own', 'self']);
  });

  it('drops a layout that wants more peers than there are', async () => {
    const plan: PlanOf = { groups: { G0: ['self'], G1: ['other'] }, layouts: [{ G0: 2 }, { G1: 2 }] };
    expect(await endorse({ peers: [self, { name: 'other', ...org2 }], plan })).toMatchObject({
      grpc: 'FAILED_PRECONDITION',
      message: 'failed to select a set of endorsers that satisfy the endorsement policy due to unavailability of peers: []',
    });
    const hidden: PlanOf = { groups: { G0: ['self'], G1: ['nowhere'] }, layouts: [{ G0: 1, G1: 1 }] };
    expect(await endorse({ peers: [self, { name: 'nowhere', ...org2, hidden: true }], plan: hidden })).toMatchObject({
      grpc: 'FAILED_PRECONDITION',
      message: expect.stringContaining('due to unavailability of peers: ['),
    });
  });

  it('tells why there is no plan', async () => {
    const plan = (): PlanOf => {
      throw new SelvageError('NOT_FOUND', 'no peer combination can satisfy the endorsement policy');
    };
    expect(await endorse({ peers: [self], plan })).toMatchObject({
      grpc: 'FAILED_PRECONDITION',
      message:
        'no combination of peers can be derived which satisfy the endorsement policy: no peer combination can satisfy the endorsement policy',
    });
  });

  it('leaves repeats of one endorser out', async () => {
    const twins: readonly FakePeer[] = [self, { name: 'own', height: 1n, answer: endorses('self') }];
    expect((await endorse({ peers: twins, plan: { groups: { G0: ['self', 'own'] }, layouts: [{ G0: 2 }] } })).signers).toEqual(['self']);
  });

  it('names the keys in which an endorser differs, and counts it as failed', async () => {
    const results = (key: string, value: string): Uint8Array =>
      rwset.TxReadWriteSet.encode({
        nsRwset: [{ namespace: 'cc', rwset: kvrwset.KVRWSet.encode({ writes: [{ key, value: utf8(value) }] }) }],
      });
    const peers: readonly FakePeer[] = [
      { ...self, answer: endorses('self', { results: results('colour', 'red') }) },
      { name: 'other', ...org2, height: 9n, answer: endorses('other', { results: results('colour', 'blue') }) },
      { name: 'more', ...org2, answer: endorses('more', { results: results('size', 'red') }) },
    ];
    const { details } = await endorse({ peers, plan: two });
    expect(details).toEqual([
      'other (Org2MSP): ProposalResponsePayloads do not match: unlike at self (Org1MSP), the write of "colour" of cc is another',
      'more (Org2MSP): ProposalResponsePayloads do not match: unlike at self (Org1MSP), ' +
        'the write of "colour" of cc is not there; the write of "size" of cc is there (a put)',
    ]);
  });
});

describe('an endorser that answers with more than anybody has to say', () => {
  const nothing: readonly object[] = new Array(200_000).fill({});
  const asked = { proposedTransaction: proposed(), endorsingOrganizations: ['Org1MSP', 'Org2MSP'] };
  it('has failed', async () => {
    const answer = endorses('other', { interest: { chaincodes: nothing } });
    const { details } = await endorse({ peers: [self, { name: 'other', ...org2, answer }], ask: asked });
    expect(details).toEqual([expect.stringContaining('more than 200000 fields')]);
  });

  it('is told that it differs, and not in what', async () => {
    const set = kvrwset.KVRWSet.encode({ reads: [...nothing, {}] });
    const results = rwset.TxReadWriteSet.encode({ nsRwset: [{ namespace: 'cc', rwset: set }] });
    const { details } = await endorse({ peers: [self, { name: 'other', ...org2, answer: endorses('other', { results }) }], ask: asked });
    expect(details).toEqual(['other (Org2MSP): ProposalResponsePayloads do not match']);
  });
});

describe('transient data', () => {
  const interest = { chaincodes: [{ name: 'cc', collectionNames: ['secret', 'plans'], noPrivateReads: true }, { name: 'cc' }] };
  const peers: readonly FakePeer[] = [{ ...self, answer: endorses('self', { interest }) }];
  const ask = { proposedTransaction: proposed({ transient: 'x' }) };
  const alone: PlanOf = { groups: { G0: ['self'] }, layouts: [{ G0: 1 }] };

  it('goes to members of the collections alone, whatever was read', async () => {
    const { interests } = await endorse({ peers, ask, plan: alone });
    expect(interests[0]?.chaincodes?.map(({ noPrivateReads }) => noPrivateReads)).toEqual([false, false]);
    const open = await endorse({ peers, plan: alone });
    expect(open.interests[0]?.chaincodes?.map(({ noPrivateReads = false }) => noPrivateReads)).toEqual([true, false]);
  });

  it('tells when only that keeps it from being endorsed', async () => {
    const plan = ({ chaincodes = [] }: protos.ChaincodeInterestInit): PlanOf => {
      if (chaincodes.some(({ noPrivateReads }) => noPrivateReads === true)) return alone;
      throw new SelvageError('NOT_FOUND', 'nobody');
    };
    expect(await endorse({ peers, ask, plan })).toMatchObject({
      grpc: 'FAILED_PRECONDITION',
      message:
        'requires endorsement from organisation(s) that are not in the distribution policy of the private data collection(s): ' +
        '[secret plans]; retry specifying trusted endorsing organizations to protect transient data',
    });
    const never = (): PlanOf => {
      throw new SelvageError('NOT_FOUND', 'nobody');
    };
    expect(await endorse({ peers, ask, plan: never })).toMatchObject({
      message: 'no combination of peers can be derived which satisfy the endorsement policy: nobody',
    });
  });
});

describe('the prepared transaction', () => {
  it('has the headers of the proposal and what was proposed without transient data, and no signature', async () => {
    const planner: EndorsementPlanner = {
      plan: async () => ({ groups: new Map([['G0', [...small.members.values()]]]), layouts: [new Map([['G0', 1]])] }),
    };
    await using small = await smallGateway({ peers: [self], planner });
    const signed = proposed({ transient: 's3cret' });
    const { preparedTransaction } = await small.gateway.endorse(request({ proposedTransaction: signed }), never);
    const { header: headerBytes, payload: asked } = protos.Proposal.decode(signed.proposalBytes);
    const header = common.Header.decode(headerBytes);
    const { payload, action, header: actionHeader } = actionIn(preparedTransaction);
    expect(preparedTransaction?.signature).toBeUndefined();
    expect(payload.header).toEqual(header);
    expect(actionHeader).toEqual(header.signatureHeader);
    const { input, transientMap } = protos.ChaincodeProposalPayload.decode(action.chaincodeProposalPayload);
    expect([input, transientMap.size]).toEqual([protos.ChaincodeProposalPayload.decode(asked).input, 0]);
  });
});

describe('time', () => {
  it.each([
    ['the first endorsement', 'endorsement timeout expired while collecting first endorsement', []],
    ['further ones', 'endorsement timeout expired while collecting endorsements', ['Org1MSP']],
  ])('ends while %s is waited for when the client has gone', async (_, message, endorsingOrganizations) => {
    const asked = deferred<void>();
    const answer = (): Promise<protos.ProposalResponseInit> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    await using small = await smallGateway({ peers: [{ ...self, answer }] });
    const gone = new AbortController();
    const call = small.gateway.endorse(request({ proposedTransaction: proposed(), endorsingOrganizations }), { signal: gone.signal });
    await asked.promise;
    gone.abort(new SelvageError('CANCELLED', 'gone'));
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', message });
  });
});
