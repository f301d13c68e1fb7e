import { describe, expect, it } from 'vitest';
import { creatorOf, openBundle, proposal } from '../../../test/fakes/proposals.ts';
import { channelsOf, memoryChannel } from '../../../test/fakes/recorded-channel.ts';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { utf8 } from '../../common/bytes.ts';
import { common, msp, protos } from '../../protos/messages.ts';
import { ExpirationCheck } from './expiration-check.ts';

const at = (time: string) =>
  new ExpirationCheck({ clock: { now: () => new Date(time) }, channels: channelsOf(memoryChannel(openBundle('mychannel'))) });
const passed = { response: { status: 1 } };
const next = { processProposal: async () => passed };
const never = { signal: new AbortController().signal };

/** A certificate of the fixtures that has ended. */
const expired = (): Uint8Array => {
  const request = 'v1.1/calls/148-neg-expired-creator/endorse.request.pb';
  const { proposalBytes } = protos.SignedProposal.decode(readFixture(request));
  const { signatureHeader } = common.Header.decode(protos.Proposal.decode(proposalBytes).header);
  return common.SignatureHeader.decode(signatureHeader).creator;
};

describe('expiration check', () => {
  it.skipIf(!fixtures)('refuses an identity after its end, and only then', async () => {
    const signed = proposal({ creator: expired() });
    await expect(at('2100-01-01').processProposal(signed, never, next)).rejects.toMatchObject({
      code: 'PROPOSAL_REFUSED',
      message: 'identity expired',
    });
    expect(await at('2000-01-01').processProposal(signed, never, next)).toBe(passed);
  });

  it('lets pass whoever has no certificate', async () => {
    expect(await at('2100-01-01').processProposal(proposal(), never, next)).toBe(passed);
    expect(await at('2100-01-01').processProposal(proposal({ creator: utf8('x') }), never, next)).toBe(passed);
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const creator = msp.SerializedIdentity.encode({ mspid: 'm', idBytes: utf8(pem) });
    expect(await at('2100-01-01').processProposal(proposal({ creator }), never, next)).toBe(passed);
    expect(await at('2100-01-01').processProposal(proposal({ creator: creatorOf('idemix') }), never, next)).toBe(passed);
  });

  it('says which part does not parse', async () => {
    const garbage = new Uint8Array([0x0f]);
    const header = common.Header.encode({ signatureHeader: garbage });
    const cases = [
      [garbage, /^failed parsing proposal: /],
      [protos.Proposal.encode({ header: garbage }), /^failed parsing header: /],
      [protos.Proposal.encode({ header }), /^failed parsing signature header: /],
    ] as const;
    for (const [proposalBytes, text] of cases) {
      await expect(at('2000-01-01').processProposal({ proposalBytes, signature: garbage }, never, next)).rejects.toThrow(text);
    }
  });
});
