import { describe, expect, it } from 'vitest';
import { common, protos } from '../../protos/messages.ts';
import { TimeWindowCheck } from './time-window-check.ts';

const passed = { response: { status: 1 } };
const next = { processProposal: async () => passed };
const never = { signal: new AbortController().signal };
const NOW = new Date('2026-03-01T12:00:00.250Z');
const check = (windowMs = 15 * 60_000) => new TimeWindowCheck({ clock: { now: () => NOW }, windowMs });

/** A proposal of so many milliseconds after now; of no time at all without. */
function sent(afterMs?: number): protos.SignedProposal {
  const at = NOW.getTime() + (afterMs ?? 0);
  const timestamp = afterMs === undefined ? undefined : { seconds: BigInt(Math.floor(at / 1000)), nanos: (at % 1000) * 1e6 };
  const header = common.Header.encode({ channelHeader: common.ChannelHeader.encode({ timestamp }) });
  return { proposalBytes: protos.Proposal.encode({ header }), signature: new Uint8Array() };
}

describe('time window check', () => {
  it('lets pass what was sent within the window, before and after', async () => {
    for (const ms of [0, 15 * 60_000, -15 * 60_000]) expect(await check().processProposal(sent(ms), never, next)).toBe(passed);
  });

  it('refuses what is older or of the future, with both times', async () => {
    await expect(check().processProposal(sent(-900_001), never, next)).rejects.toMatchObject({
      code: 'PROPOSAL_REFUSED',
      message:
        'request unauthorized due to incorrect timestamp 2026-03-01T11:45:00Z, peer time 2026-03-01T12:00:00Z, peer.authentication.timewindow 15m0s',
    });
    await expect(check(3_600_000).processProposal(sent(3_600_001), never, next)).rejects.toThrow(/timewindow 1h0m0s$/);
    await expect(check().processProposal(sent(), never, next)).rejects.toThrow(/incorrect timestamp 1970-01-01T00:00:00Z/);
  });

  it('says which part does not parse', async () => {
    const garbage = new Uint8Array([0x0f]);
    const header = common.Header.encode({ channelHeader: garbage });
    for (const [proposalBytes, text] of [
      [garbage, /^failed parsing proposal: /],
      [protos.Proposal.encode({ header: garbage }), /^failed parsing header: /],
      [protos.Proposal.encode({ header }), /^failed parsing channel header: /],
    ] as const)
      await expect(check().processProposal({ proposalBytes, signature: garbage }, never, next)).rejects.toThrow(text);
  });
});
