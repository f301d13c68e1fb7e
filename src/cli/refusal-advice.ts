import type { SelvageError } from '../common/errors.ts';
import { readClientConfig } from '../node/config/client-config.ts';
import type { Terminal } from './terminal.ts';

/**
 * Which setting a refusal of the other side comes from, where its text tells.
 * @see Process in hyperledger/fabric v2.5, core/endorser/msgvalidation.go and endorser.go for the texts
 */
export function refusalAdvice({ code, message }: SelvageError, { env }: Pick<Terminal, 'env'>): string | undefined {
  if (code !== 'REFUSED_BY_PEER') return undefined;
  if (!/creator org \[|creator org unknown|MSP .* is (?:unknown|not defined)/.test(message)) return undefined;
  const { mspId, mspPath } = readClientConfig(env);
  return `The peer knows no MSP ${mspId} (CORE_PEER_LOCALMSPID), or not the identity in ${mspPath} (CORE_PEER_MSPCONFIGPATH) as one of it.`;
}
