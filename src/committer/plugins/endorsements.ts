import { hex, sha256 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { type SignedData, SignedParts } from '../../msp/policies/policy.ts';
import { msp } from '../../protos/messages.ts';
import type { EndorserTransaction } from '../validation/endorser-transaction.ts';

/** By transaction, which is judged once per namespace: the same list each time, so that signatures are checked once. */
const known = new WeakMap<EndorserTransaction, readonly SignedData[]>();

/**
 * The endorsements as signed data: each endorser signed the proposal response payload followed by its own identity. An endorsement that
 * stands there several times counts once: it says nothing new, and every look at it would cost the length of the payload.
 */
export function endorsementsOf(transaction: EndorserTransaction): readonly SignedData[] {
  const signed = known.get(transaction) ?? distinctEndorsements(transaction);
  known.set(transaction, signed);
  return signed;
}

function distinctEndorsements({ action: { endorsements, proposalResponsePayload } }: EndorserTransaction): readonly SignedData[] {
  const distinct = new Map<string, SignedData>();
  for (const { endorser, signature } of endorsements) {
    const id = `${hex(sha256(endorser))} ${hex(sha256(signature))}`;
    if (!distinct.has(id)) distinct.set(id, new SignedParts([proposalResponsePayload, endorser], { identity: endorser, signature }));
  }
  return [...distinct.values()];
}

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
