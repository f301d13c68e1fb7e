import type { Logger } from '../common/log.ts';
import type { LaunchSpec } from '../packages/launch-spec.ts';
import { outputOwner } from './output-owner.ts';

/**
 * Where each line of a chaincode's output goes, with its transaction if that is known: what the peer keeps of it, and the peer's log
 * only if somebody asked for that, because chaincode may print what is private.
 *
 * @param log undefined where output is not logged
 */
export function chaincodeOutput(
  { output, running = () => [] }: LaunchSpec,
  log: Logger | undefined,
): (line: string, stream: string) => void {
  return (line, stream) => {
    const owner = outputOwner(line, running());
    log?.info('chaincode output', { stream, line, ...(owner && { channel: owner.channelId, txId: owner.txId }) });
    output?.({ stream, text: line, ...owner });
  };
}
