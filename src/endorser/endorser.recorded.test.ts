import { describe, expect, it } from 'vitest';
import type { Network } from '../../test/fakes/recorded-channel.ts';
import { hashingSigner, type Replay, recordedAction, replay } from '../../test/fakes/recorded-endorser.ts';
import { type RecordedProposal, recordedProposals } from '../../test/fakes/recorded-steps.ts';
import { answeredError } from '../../test/fakes/scripted-chaincodes.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { concatBytes, sha256 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';

const OPTIONS = {
  'v1.1': { systemVersion: 'development build' },
  'v2.4': { systemVersion: 'syscc' },
} as const;

/** Steps of 2.4 whose answer 1.1 gives in other words or in another form, and what ours is. */
const DIFFERS_IN_24: Readonly<Record<string, string>> = {
  '149-neg-bad-signature': 'access denied: channel [lifechan] creator org [Org1MSP]',
  '150-neg-high-s': 'access denied: channel [lifechan] creator org [Org1MSP]',
  '151-neg-expired-creator': 'identity expired',
  '152-neg-unknown-channel': 'access denied: channel [nochan] creator org [Org1MSP]',
  '154-neg-bad-txid':
    'Transaction is not valid. Got [abababababababababababababababababababababababababababababababab], expected [93b8b0265988a3b3cdd02ffb4bb2848d64cf58815de44d07cb19407bdbbd4952]',
  '155-neg-empty-nonce': 'invalid nonce specified in the header',
  '157-neg-type-2': 'unsupported proposal type 2',
  '158-neg-epoch': 'invalid Epoch in ChannelHeader. Expected 0, got [4]',
  '161-neg-creator-unknown-msp': 'access denied: channel [lifechan] creator org [NopeMSP]',
  '162-neg-creator-garbage': 'access denied: channel [lifechan] creator org []',
  '164-neg-empty-proposal': 'invalid header type MESSAGE',
  '166-neg-empty-signed-proposal': 'invalid header type MESSAGE',
  '167-neg-no-channel':
    'make sure the chaincode asset24 has been successfully instantiated and try again: Authorization request failed : Failed getting local MSP principal during channelless check policy with policy [/Channel/Application/Readers]: [MSP Principal role [/Channel/Application/Readers] not recognized]',
};

const networks: readonly Network[] = ['v1.1', 'v2.4'];
const all = fixtures === undefined ? [] : networks.flatMap((network) => recordedProposals(network));
const named = (cases: readonly RecordedProposal[]) =>
  cases.map((recorded, at) => [`${recorded.network} ${recorded.step} (${at})`, recorded] as const);

const setting = ({ network }: RecordedProposal): Replay => ({ network, options: OPTIONS[network], missing: ['nosuchcc', 'ghost', ''] });

describe.skipIf(!fixtures)('recorded proposals (need the fixtures)', () => {
  const endorsed = all.filter(({ response }) => response?.endorsement !== undefined);

  it('there are some', () => expect(endorsed.length).toBeGreaterThan(200));

  it.each(named(endorsed))('%s: the endorsed payload is the recorded one', async (_name, recorded) => {
    const { payload, endorsement, response, version } = await replay(recorded, setting(recorded));
    expect(Buffer.from(payload ?? []).toString('hex')).toBe(Buffer.from(recorded.response?.payload ?? []).toString('hex'));
    expect(endorsement).toEqual({
      endorser: hashingSigner.serialized,
      signature: sha256(concatBytes(payload ?? new Uint8Array(), hashingSigner.serialized)),
    });
    expect(response).toEqual(recordedAction(recorded)?.response);
    expect(version).toBe(1);
  });

  const answered = all.filter(({ network, response }) => network === 'v1.1' && response !== undefined);

  it.each(named(answered))('%s: the same version and response in the form of 1.1', async (_name, recorded) => {
    const { version, response } = recorded.response ?? {};
    const reply = await replay(recorded, { ...setting(recorded), options: { ...OPTIONS['v1.1'], compat: 'v1.1' } });
    expect({ version: reply.version ?? 0, response: reply.response }).toEqual({ version, response });
  });

  const failures = all.filter(
    ({ network, response }) => network === 'v2.4' && (response?.response?.status ?? 0) >= 400 && chaincodeRan(response),
  );
  it.each(named(failures))('%s: a failure carries what would have been endorsed from status 500 on', async (_name, recorded) => {
    const reply = await replay(recorded, setting(recorded));
    const { version, endorsement, response, payload } = protos.ProposalResponse.decode(protos.ProposalResponse.encode(reply));
    expect({ version, endorsement }).toEqual({ version: 0, endorsement: undefined });
    expect(response).toEqual(recorded.response?.response);
    expect(Buffer.from(payload).equals(recorded.response?.payload ?? new Uint8Array())).toBe(true);
  });
});

/** Whether the recorded failure came from the chaincode, which then ran. */
const chaincodeRan = (response: protos.ProposalResponse | undefined): boolean =>
  (response?.payload.length ?? 0) > 0 || (response?.response?.payload.length ?? 0) > 0;

describe.skipIf(!fixtures)('recorded refusals (need the fixtures)', () => {
  const negative = all.filter(({ step }) => step.includes('neg-') && !/neg-(garbage-signed|lifecycle)/.test(step));

  it('there are some', () => expect(negative.length).toBe(57));

  it('no signed proposal at all does not decode', () => {
    const garbage = all.find(({ step }) => step.includes('neg-garbage-signed-proposal'));
    expect(() => protos.SignedProposal.decode(garbage?.signed ?? new Uint8Array())).toThrow(SelvageError);
  });

  it.each(named(negative.filter(({ response }) => response?.endorsement !== undefined)))('%s: is endorsed', async (_name, recorded) => {
    expect((await replay(recorded, setting(recorded))).endorsement).toBeDefined();
  });

  it.each(named(negative.filter(({ response }) => response?.endorsement === undefined)))(
    '%s: is refused as recorded',
    async (_name, recorded) => {
      const committed = recorded.step.includes('replayed') ? [recorded.txId ?? ''] : [];
      const otherwise = () => {
        throw answeredError('unknown function ');
      };
      const settled = await replay(recorded, { ...setting(recorded), committed, otherwise }).then(fromReply, fromError);
      expect(settled).toEqual(expectedOf(recorded));
    },
  );
});

interface Refusal {
  readonly form: 'reply' | 'error';
  readonly text: string;
}

const fromReply = ({ response }: protos.ProposalResponseInit): Refusal => ({ form: 'reply', text: response?.message ?? '' });

function fromError(thrown: unknown): Refusal {
  if (!(thrown instanceof SelvageError)) throw thrown;
  expect(thrown.code).toBe('PROPOSAL_REFUSED');
  return { form: 'error', text: thrown.message };
}

function expectedOf({ step, grpcMessage, response }: RecordedProposal): Refusal | unknown {
  if (step.includes('neg-garbage-proposal')) return { form: 'error', text: expect.stringMatching(/^failed parsing proposal: /) };
  if (step === '179-neg-no-args')
    return { form: 'reply', text: 'error executing chaincode: transaction returned with failure: unknown function ' };
  const text = DIFFERS_IN_24[step] ?? (response?.response?.message || grpcMessage);
  const whileRunning = /^make sure|^error executing|^unknown function/.test(text);
  return { form: whileRunning ? 'reply' : 'error', text };
}
