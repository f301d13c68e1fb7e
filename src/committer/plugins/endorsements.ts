import { concatBytes, hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { SignedData } from '../../msp/policies/policy.ts';
import { msp } from '../../protos/messages.ts';
import type { EndorserTransaction } from '../validation/endorser-transaction.ts';

/** The endorsements as signed data: each endorser signed the proposal response payload followed by its own identity. */
export const endorsementsOf = ({ action }: EndorserTransaction): readonly SignedData[] =>
  action.endorsements.map(({ endorser, signature }) => ({
    data: concatBytes(action.proposalResponsePayload, endorser),
    identity: endorser,
    signature,
  }));

/**
 * Keeps the first endorsement of each identity without looking at signatures, as the plugin up to 1.2 does: a bad first copy shadows
 * a good second one. Undefined when an endorser does not parse.
 * @see deduplicateIdentity in hyperledger/fabric v1.1, core/scc/vscc/validator_onevalidsignature.go
 */
export function distinctEndorsers(signed: readonly SignedData[], options: { readonly strict: boolean }): readonly SignedData[] | undefined {
  const distinct = new Map<string, SignedData>();
  try {
    for (const each of signed) {
      const { mspid, idBytes } = msp.SerializedIdentity.decode(each.identity, options);
      const id = mspid + hex(idBytes);
      if (!distinct.has(id)) distinct.set(id, each);
    }
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return undefined;
    throw thrown;
  }
  return [...distinct.values()];
}
