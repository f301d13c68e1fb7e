import type { Logger } from '../common/log.ts';
import type { LaunchSpec } from '../packages/launch-spec.ts';
import { outputOwner } from './output-owner.ts';

/** Where each line of a chaincode's output goes: the peer's log, and what the peer keeps of it, with its transaction if that is known. */
export function chaincodeOutput({ output, running = () => [] }: LaunchSpec, log: Logger): (line: string, stream: string) => void {
  return (line, stream) => {
    const owner = outputOwner(line, running());
    log.info('chaincode output', { stream, line, ...(owner && { channel: owner.channelId, txId: owner.txId }) });
    output?.({ stream, text: line, ...owner });
  };
}
