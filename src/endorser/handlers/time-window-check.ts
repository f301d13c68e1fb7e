import type { Cancellable } from '../../common/cancel.ts';
import type { Clock } from '../../common/clock.ts';
import { common, protos } from '../../protos/messages.ts';
import { readPart } from '../proposal.ts';
import { reading, refusal } from '../refusal.ts';
import type { AuthFilter, ProposalProcessor } from './filters.ts';

/**
 * Refuses proposals whose timestamp is too far from this peer's clock.
 * @see core/handlers/auth/filter/timewindow.go in hyperledger/fabric v3.1
 */
export class TimeWindowCheck implements AuthFilter {
  readonly #clock: Clock;
  readonly #windowMs: number;

  /** @param windowMs `peer.authentication.timewindow` */
  constructor({ clock, windowMs }: { readonly clock: Clock; readonly windowMs: number }) {
    this.#clock = clock;
    this.#windowMs = windowMs;
  }

  async processProposal(
    signed: protos.SignedProposal,
    options: Cancellable,
    next: ProposalProcessor,
  ): Promise<protos.ProposalResponseInit> {
    const sent = sentAt(signed);
    const now = this.#clock.now().getTime();
    if (Math.abs(now - sent) > this.#windowMs) {
      const window = `peer.authentication.timewindow ${goDuration(this.#windowMs)}`;
      throw refusal(`request unauthorized due to incorrect timestamp ${rfc3339(sent)}, peer time ${rfc3339(now)}, ${window}`);
    }
    return next.processProposal(signed, options);
  }
}

/** Milliseconds since 1970, which is where no timestamp says that it is. */
function sentAt({ proposalBytes }: protos.SignedProposal): number {
  const proposal = reading('failed parsing proposal: ', () => readPart(protos.Proposal, proposalBytes, '2.x'));
  const header = reading('failed parsing header: ', () => readPart(common.Header, proposal.header, '2.x'));
  const { timestamp } = reading('failed parsing channel header: ', () => readPart(common.ChannelHeader, header.channelHeader, '2.x'));
  return Number(timestamp?.seconds ?? 0n) * 1_000 + (timestamp?.nanos ?? 0) / 1e6;
}

const LAST = 8.64e15;

/** To the second; what no date can be is the last or the first there is. */
const rfc3339 = (ms: number): string => new Date(Math.min(Math.max(ms, -LAST), LAST)).toISOString().replace(/\.\d+Z$/, 'Z');

/** As Go writes a duration: `15m0s`, `1h0m0s`, `500ms`. */
function goDuration(ms: number): string {
  if (ms < 1_000) return `${ms}ms`;
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1_000];
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
