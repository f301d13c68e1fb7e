import type { ChaincodeSupport } from '../chaincode/chaincode-support.ts';
import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { FailedCheck } from './operations.ts';

/** What a peer is doing before it serves, and after. */
export class Readiness {
  #doing: string | undefined;

  constructor(doing: string) {
    this.#doing = doing;
  }

  /** Not ready, because this is being done. */
  begin(doing: string): void {
    this.#doing = doing;
  }

  ready(): void {
    this.#doing = undefined;
  }

  /** Empty when the peer serves. */
  failedChecks(): FailedCheck[] {
    return this.#doing === undefined ? [] : [{ component: 'peer', reason: this.#doing }];
  }
}

/** Channels that this peer should serve and does not: those it could not open, and those whose commits have stopped, for good or for now. */
export function failedChannels(channels: Pick<ChannelRegistry, 'list' | 'failures'>): FailedCheck[] {
  const unopened = [...channels.failures()].map(([id, { message }]) => ({ component: `channel.${id}`, reason: message }));
  const halted = channels.list().flatMap((channel) => {
    const reason = channel.halted() ?? channel.stalled();
    return reason === undefined ? [] : [{ component: `channel.${channel.id}`, reason: reason.message }];
  });
  return [...unopened, ...halted];
}

/** Chaincode services that this peer was connected to and has lost. One that was never reached fails its calls, not the peer. */
export function lostServices(chaincodes: Pick<ChaincodeSupport, 'lostServices'>): FailedCheck[] {
  return [...chaincodes.lostServices()].map(([ccid, { message }]) => ({ component: `chaincode.${ccid}`, reason: message }));
}
