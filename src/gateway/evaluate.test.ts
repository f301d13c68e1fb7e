import { describe, expect, it } from 'vitest';
import {
  type Answer,
  answers,
  detailsOf,
  endorses,
  type FakePeer,
  proposed,
  refuses,
  smallGateway,
} from '../../test/fakes/small-gateway.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import { gateway, protos } from '../protos/messages.ts';

const never = { signal: new AbortController().signal };

const request = (init: gateway.EvaluateRequestInit): gateway.EvaluateRequest =>
  gateway.EvaluateRequest.decode(gateway.EvaluateRequest.encode(init));

async function evaluate(peers: readonly FakePeer[], init: gateway.EvaluateRequestInit = { proposedTransaction: proposed() }) {
  await using small = await smallGateway({ peers });
  const outcome = await small.gateway.evaluate(request(init), never).then(
    ({ result }) => ({ result: textOf(result?.payload ?? new Uint8Array()), status: result?.status }),
    (thrown: unknown) => {
      const { code, grpc, message } = SelvageError.from(thrown);
      return { code, grpc, message, details: detailsOf(thrown).map((each) => named(each, small.members)) };
    },
  );
  return { ...outcome, asked: small.asked };
}

const named = (detail: string, members: ReadonlyMap<string, { readonly endpoint: string }>): string =>
  [...members].reduce((text, [name, { endpoint }]) => (endpoint === '' ? text : text.replaceAll(endpoint, name)), detail);

describe('what cannot be evaluated', () => {
  const spec = (chaincodeSpec?: protos.ChaincodeSpecInit): Uint8Array => protos.ChaincodeInvocationSpec.encode({ chaincodeSpec });
  const withSpec = (input: Uint8Array): protos.SignedProposal => proposed({ payload: protos.ChaincodeProposalPayload.encode({ input }) });
  it.each([
    ['nothing', undefined, 'a signed proposal is required'],
    ['no proposal', { proposalBytes: new Uint8Array(), signature: new Uint8Array() }, 'a signed proposal is required'],
    [
      'bytes that are no proposal',
      { proposalBytes: new Uint8Array([255]), signature: new Uint8Array() },
      'error unmarshalling Proposal: proto: cannot parse invalid wire-format data',
    ],
    ['no channel', proposed({ channelId: '' }), 'no channel id provided'],
    ['no spec', withSpec(spec()), 'no chaincode spec is provided, channel id [ch]'],
    ['no chaincode id', withSpec(spec({})), 'no chaincode id is provided, channel id [ch]'],
    ['no name', withSpec(spec({ chaincodeId: {} })), 'no chaincode name is provided, channel id [ch]'],
    [
      'more arguments than anybody has',
      withSpec(spec({ input: { args: new Array<Uint8Array>(200_000).fill(new Uint8Array()) } })),
      'error unmarshalling ChaincodeInvocationSpec: more than 200000 fields',
    ],
  ])('%s', async (_, proposedTransaction, text) => {
    expect(await evaluate([{ name: 'self', self: true }], { proposedTransaction })).toMatchObject({
      grpc: 'INVALID_ARGUMENT',
      message: `failed to unpack transaction proposal: ${text}`,
      asked: [],
    });
  });

  it('on a channel that is not here', async () => {
    expect(await evaluate([], { proposedTransaction: proposed({ channelId: 'other' }) })).toMatchObject({
      grpc: 'UNAVAILABLE',
      message: 'failed to get config for channel [other]: could not get last config for channel other',
    });
  });

  it('by a chaincode that no peer has', async () => {
    const peers = [{ name: 'self', self: true, chaincodes: [] }];
    expect(await evaluate(peers)).toMatchObject({
      grpc: 'FAILED_PRECONDITION',
      message: 'no peers available to evaluate chaincode cc in channel ch',
    });
    expect(await evaluate(peers, { proposedTransaction: proposed({ transient: 'x' }) })).toMatchObject({
      grpc: 'FAILED_PRECONDITION',
      message:
        "no endorsers found in the gateway's organization; retry specifying target organization(s) to protect transient data: " +
        'no peers available to evaluate chaincode cc in channel ch',
    });
  });
});

describe('who is asked', () => {
  const dead = refuses('PEER_UNREACHABLE', 'down');
  const all: readonly FakePeer[] = [
    { name: 'other low', mspId: 'Org2MSP', height: 4n, answer: dead },
    { name: 'own low', height: 4n, answer: dead },
    { name: 'other high', mspId: 'Org3MSP', height: 9n, answer: dead },
    { name: 'own same', height: 5n, answer: dead },
    { name: 'self', self: true, height: 5n, answer: dead },
    { name: 'own high', height: 6n, answer: dead },
    { name: 'without the chaincode', height: 99n, chaincodes: ['else'] },
    { name: 'nowhere', height: 98n, hidden: true },
  ];

  it('those of the own organisation with the most blocks first, this peer before its equals, then others', async () => {
    const { asked } = await evaluate(all);
    expect(asked).toEqual(['own high', 'self', 'own same', 'own low', 'other high', 'other low']);
  });

  it('only the organisations that the client names, or the own one for transient data', async () => {
    const named = await evaluate(all, { proposedTransaction: proposed(), targetOrganizations: ['Org2MSP'] });
    expect(named.asked).toEqual(['other low']);
    const shielded = await evaluate(all, { proposedTransaction: proposed({ transient: 'x' }) });
    expect(shielded.asked).toEqual(['own high', 'self', 'own same', 'own low']);
    const both = { proposedTransaction: proposed({ transient: 'x' }), targetOrganizations: ['Org3MSP'] };
    expect((await evaluate(all, both)).asked).toEqual(['other high']);
  });

  it('every peer for a system chaincode', async () => {
    const { asked } = await evaluate([{ name: 'self', self: true, chaincodes: [] }], {
      proposedTransaction: proposed({ chaincode: 'qscc' }),
    });
    expect(asked).toEqual(['self']);
  });
});

describe('how an answer is judged', () => {
  const payload = utf8('something');
  const self = (answer: Answer): readonly FakePeer[] => [
    { name: 'self', self: true, answer },
    { name: 'next', height: 1n },
  ];
  const remote = (answer: Answer): readonly FakePeer[] => [
    { name: 'remote', height: 9n, answer },
    { name: 'self', self: true },
  ];
  const returned = 'evaluate call to endorser returned error: ';

  it('gives the result of a success, whatever status it has', async () => {
    expect(await evaluate(self(endorses('self', { status: 201 })))).toEqual({ result: 'done', status: 201, asked: ['self'] });
  });

  it.each([
    ['a local refusal', self(refuses('PROPOSAL_REFUSED', 'bad signature')), 'FAILED_PRECONDITION', 'bad signature', ['self']],
    ['a remote refusal', remote(refuses('PROPOSAL_REFUSED', 'bad signature')), 'FAILED_PRECONDITION', 'bad signature', ['remote']],
    ['a remote denial', remote(refuses('ACCESS_DENIED', 'not you')), 'FAILED_PRECONDITION', 'not you', ['remote']],
    ['a refusal by the chaincode', self(answers(404, 'no such asset')), 'UNKNOWN', 'chaincode response 404, no such asset', ['self']],
    ['a failure of the chaincode', self(answers(500, 'broken', payload)), 'UNKNOWN', 'chaincode response 500, broken', ['self']],
    ['an odd status', self(answers(199, 'odd')), 'UNKNOWN', 'chaincode response 199, odd', ['self']],
  ])('ends with %s', async (_, peers, grpc, text, asked) => {
    const [first] = asked;
    expect(await evaluate(peers)).toMatchObject({
      grpc,
      message: `${returned}${text}`,
      details: [`${first === 'self' ? 'self' : first} (Org1MSP): ${text}`],
      asked,
    });
  });

  it.each([
    ['a failure of the peer', self(answers(500, 'error in simulation')), ['self', 'next']],
    ['a chaincode that went away', self(answers(500, 'x: chaincode stream terminated')), ['self', 'next']],
    [
      'a peer that is overloaded',
      remote(refuses('OVERLOADED', 'too many requests for /protos.Endorser, exceeding concurrency limit (1)')),
      ['remote', 'self'],
    ],
    [
      'a peer that rebuilds its ledgers',
      remote(refuses('PROPOSAL_REFUSED', 'endorse requests are blocked while ledgers are being rebuilt')),
      ['remote', 'self'],
    ],
    ['a peer that is gone', remote(refuses('PEER_UNREACHABLE', 'gone')), ['remote', 'self']],
  ])('goes on after %s', async (_, peers, asked) => {
    expect(await evaluate(peers)).toEqual({ result: 'done', status: 200, asked });
  });

  it('tells what each said when none is left, with the code of the last', async () => {
    const peers: readonly FakePeer[] = [
      { name: 'self', self: true, answer: answers(500, 'no state') },
      { name: 'other', mspId: 'Org2MSP', answer: refuses('PEER_UNREACHABLE', 'gone') },
    ];
    expect(await evaluate(peers)).toMatchObject({
      grpc: 'UNAVAILABLE',
      message: 'failed to evaluate transaction, see attached details for more info',
      details: ['self (Org1MSP): no state', 'other (Org2MSP): rpc error: code = Unavailable desc = gone'],
    });
    expect(await evaluate([...peers].slice(0, 1))).toMatchObject({ grpc: 'ABORTED', details: ['self (Org1MSP): no state'] });
  });
});

describe('time', () => {
  it('one peer has only so long, then the next is asked', async () => {
    const peers: readonly FakePeer[] = [
      { name: 'slow', height: 9n, answer: () => new Promise(() => undefined) },
      { name: 'self', self: true },
    ];
    await using small = await smallGateway({ peers, parts: { endorsementTimeoutMs: 2_000 } });
    await small.gateway.evaluate(request({ proposedTransaction: proposed() }), never);
    expect(small.asked).toEqual(['slow', 'self']);
    expect(small.connections.size).toBe(0);
  });

  it('ends when the client has gone', async () => {
    const asked = deferred<void>();
    const answer = (): Promise<protos.ProposalResponseInit> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    await using small = await smallGateway({ peers: [{ name: 'self', self: true, answer }] });
    const gone = new AbortController();
    const call = small.gateway.evaluate(request({ proposedTransaction: proposed() }), { signal: gone.signal });
    await asked.promise;
    gone.abort(new SelvageError('CANCELLED', 'gone'));
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', message: 'evaluate timeout expired' });
  });
});
