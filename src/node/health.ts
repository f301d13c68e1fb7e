import type { ChaincodeSupport } from '../chaincode/chaincode-support.ts';
import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { FailedCheck } from './operations.ts';

/** Channels that this peer should serve and does not: those it could not open, and those whose commits have stopped. */
export function failedChannels(channels: Pick<ChannelRegistry, 'list' | 'failures'>): FailedCheck[] {
  const unopened = [...channels.failures()].map(([id, { message }]) => ({ component: `channel.${id}`, reason: message }));
  const halted = channels.list().flatMap((channel) => {
    const reason = channel.halted();
    return reason === undefined ? [] : [{ component: `channel.${channel.id}`, reason: reason.message }];
  });
  return [...unopened, ...halted];
}

/** Chaincode services that this peer was connected to and has lost. One that was never reached fails its calls, not the peer. */
export function lostServices(chaincodes: Pick<ChaincodeSupport, 'lostServices'>): FailedCheck[] {
  return [...chaincodes.lostServices()].map(([ccid, { message }]) => ({ component: `chaincode.${ccid}`, reason: message }));
}
