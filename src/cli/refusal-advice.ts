import type { SelvageError } from '../common/errors.ts';
import { type ClientConfig, readClientConfig } from '../node/config/client-config.ts';
import type { Terminal } from './terminal.ts';

interface Hint {
  readonly code: SelvageError['code'];
  readonly pattern: RegExp;
  readonly advice: (config: ClientConfig) => string;
}

/**
 * Which setting an error comes from, where only its text tells.
 * @see core/endorser and core/aclmgmt in hyperledger/fabric v2.5 for the texts of refusals
 */
const HINTS: readonly Hint[] = [
  {
    code: 'REFUSED_BY_PEER',
    pattern: /^endorsement failure during .*Error:no_usable_index/,
    advice: () => '`selvage query explain` with that query, -C and -n prints the index file that the chaincode lacks.',
  },
  {
    code: 'REFUSED_BY_PEER',
    pattern: /^endorsement failure during .*classToPlain is not a function/,
    advice: () =>
      'fabric-contract-api fails so with class-transformer 0.4.1: add "overrides": {"class-transformer": "0.4.0"} to the package.json of the chaincode.',
  },
  {
    code: 'REFUSED_BY_PEER',
    pattern: /creator org \[|creator org unknown|MSP .* is (?:unknown|not defined)/,
    advice: ({ mspId, mspPath }) =>
      `The peer knows no MSP ${mspId} (CORE_PEER_LOCALMSPID), or not the identity in ${mspPath} (CORE_PEER_MSPCONFIGPATH) as one of it.`,
  },
  {
    code: 'REFUSED_BY_PEER',
    pattern:
      /access denied for|failed authorization check|does not satisfy|did not satisfy policy|implicit policy evaluation failed|FORBIDDEN/,
    advice: ({ mspId, mspPath }) =>
      `The identity in use, of ${mspId} in ${mspPath}, is not allowed to do this: let CORE_PEER_MSPCONFIGPATH and CORE_PEER_LOCALMSPID name one that is, such as an admin.`,
  },
  {
    code: 'DEADLINE_EXCEEDED',
    pattern: /timed out waiting for txid/,
    advice: () => 'The orderer has the transaction, and it may still be committed. Wait longer with --waitForEventTimeout.',
  },
  {
    code: 'DEADLINE_EXCEEDED',
    pattern: /timed out waiting for connection to deliver/,
    advice: () => 'Nothing was ordered. Wait longer with --waitForEventTimeout, or see the log of the peer.',
  },
];

export function refusalAdvice({ code, message }: SelvageError, { env }: Pick<Terminal, 'env'>): string | undefined {
  const hint = HINTS.find((each) => each.code === code && each.pattern.test(message));
  try {
    return hint?.advice(readClientConfig(env));
  } catch {
    return undefined; // the error itself is what has to be told
  }
}
