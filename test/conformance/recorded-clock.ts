import type { Clock } from '../../src/common/clock.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { PROCESS_PROPOSAL, type RecordedCall, type Recording, read } from './recording.ts';

/** The time of the newest proposal so far; one that claims an older time does not turn it back. */
export class RecordedClock implements Clock {
  readonly #recording: Recording;
  #ms: number;

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#ms = 0;
    for (const call of recording.calls) if (this.#ms === 0) this.at(call);
  }

  at({ method, requests: [request] }: RecordedCall): void {
    if (method !== PROCESS_PROPOSAL || request === undefined) return;
    this.#ms = Math.max(this.#ms, timeOf(read(this.#recording.network, request)) ?? 0);
  }

  now(): Date {
    return new Date(this.#ms);
  }
}

function timeOf(signed: Uint8Array): number | undefined {
  try {
    const { header } = protos.Proposal.decode(protos.SignedProposal.decode(signed).proposalBytes);
    const { timestamp } = common.ChannelHeader.decode(common.Header.decode(header).channelHeader);
    return timestamp && Number(timestamp.seconds) * 1_000;
  } catch (thrown) {
    if (thrown instanceof SelvageError) return undefined;
    throw thrown;
  }
}
