import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HANDLERS, never, openEndorser } from '../../test/fakes/open-endorser.ts';
import { proposal } from '../../test/fakes/proposals.ts';
import { channelsOf } from '../../test/fakes/recorded-channel.ts';
import { recordedProposals } from '../../test/fakes/recorded-steps.ts';
import { ok, ScriptedChaincodes } from '../../test/fakes/scripted-chaincodes.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { runs } from '../../test/runs.ts';
import { sha256 } from '../common/bytes.ts';
import { systemClock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import { ExpirationCheck } from './handlers/expiration-check.ts';

const filters = [new ExpirationCheck({ clock: systemClock, channels: channelsOf() })];

/** Every end a client may cause: a refusal with a text, or a reply. Nothing else. */
async function endsWell(signed: protos.SignedProposal): Promise<void> {
  const { endorser, ledger } = openEndorser(new ScriptedChaincodes(() => ok()), { handlers: { ...HANDLERS, filters } });
  const outcome = await endorser.processProposal(signed, never).catch((thrown: unknown) => thrown);
  if (outcome instanceof Error) {
    expect(outcome).toBeInstanceOf(SelvageError);
    expect(outcome).toMatchObject({ code: 'PROPOSAL_REFUSED' });
  } else {
    expect(outcome).toHaveProperty('response');
    expect(outcome).not.toHaveProperty('response.message', 'internal error');
  }
  expect(ledger.state.openSnapshots).toBe(0);
}

/** Bytes with some of them changed, cut off, doubled or put in. */
const mutated = (original: Uint8Array) =>
  fc
    .array(fc.record({ at: fc.nat(), to: fc.nat(255), kind: fc.constantFrom('set', 'cut', 'insert', 'double') }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((changes) => changes.reduce((bytes, change) => mutate(bytes, change), [...original]))
    .map((bytes) => new Uint8Array(bytes));

function mutate(bytes: readonly number[], { at, to, kind }: { readonly at: number; readonly to: number; readonly kind: string }): number[] {
  if (bytes.length === 0) return [to];
  const position = at % bytes.length;
  if (kind === 'set') return bytes.with(position, to);
  if (kind === 'cut') return bytes.slice(0, position);
  if (kind === 'insert') return bytes.toSpliced(position, 0, to);
  return [...bytes, ...bytes.slice(position)];
}

/** Signed as it is, so that the checks behind the signature are reached too. */
const resigned = (proposalBytes: Uint8Array): protos.SignedProposal => ({ proposalBytes, signature: sha256(proposalBytes) });

describe('mutated proposals', () => {
  it('never do more than be refused', async () => {
    const { proposalBytes } = proposal({ args: ['a', 'b'] });
    await fc.assert(
      fc.asyncProperty(mutated(proposalBytes), (bytes) => endsWell(resigned(bytes))),
      { numRuns: runs(600) },
    );
  });

  it('of deployments as well', async () => {
    const spec = protos.ChaincodeDeploymentSpec.encode({
      chaincodeSpec: { chaincodeId: { name: 'n', version: '1' }, input: { args: [] } },
    });
    await fc.assert(
      fc.asyncProperty(mutated(spec), (bytes) => endsWell(proposal({ chaincode: 'lscc', args: ['deploy', 'ch', bytes] }))),
      { numRuns: runs(600) },
    );
  });

  it('of any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (bytes) => endsWell(resigned(bytes))),
      { numRuns: runs(600) },
    );
  });

  it('whose inner messages are any bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.record({ extension: bytes, payload: bytes, invocation: bytes, creator: bytes }, { requiredKeys: [] }), (parts) =>
        endsWell(proposal(parts)),
      ),
      { numRuns: runs(700) },
    );
  });

  it.skipIf(!fixtures)('made from recorded ones (need the fixtures)', async () => {
    const recorded = recordedProposals('v1.1').filter(({ signed }) => signed.length < 4_000);
    const signed = fc.constantFrom(...recorded).chain((each) => mutated(each.signed));
    await fc.assert(
      fc.asyncProperty(signed, async (bytes) => {
        let decoded: protos.SignedProposal;
        try {
          decoded = protos.SignedProposal.decode(bytes);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(SelvageError);
          return;
        }
        await endsWell(decoded);
      }),
      { numRuns: runs(700) },
    );
  });
});
