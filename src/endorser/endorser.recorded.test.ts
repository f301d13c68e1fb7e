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
    const reply = await replay(recorded, { ...setting(recorded), options: { ...OPTIONS['v1.1'], answers: '1.1' } });
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

/** What 1.1 tells with an error of the call while it runs the proposal is a reply from 1.2 on. */
function expectedOf({ network, step, grpcMessage, response }: RecordedProposal): Refusal | unknown {
  if (step.includes('neg-garbage-proposal')) return { form: 'error', text: expect.stringMatching(/^failed parsing proposal: /) };
  if (step === '179-neg-no-args')
    return { form: 'reply', text: 'error executing chaincode: transaction returned with failure: unknown function ' };
  const text = response?.response?.message || grpcMessage;
  const replied = network === 'v1.1' ? /^make sure|^error executing|^unknown function/.test(text) : response !== undefined;
  return { form: replied ? 'reply' : 'error', text };
}
