import type { common } from '../../protos/messages.ts';
import type { EnumerablePolicy, IdentityPolicy } from './identity-policy.ts';
import { writtenKey } from './principal.ts';

/**
 * A signature policy that asks for `n` of these policies; undefined when one of them is none that can be written so.
 * @see Convert in hyperledger/fabric v2.5, common/policies/convert.go
 */
export function someOf(n: number, policies: readonly IdentityPolicy[]): EnumerablePolicy | undefined {
  const indexes = new Map<string, number>();
  const identities: common.MSPPrincipal[] = [];
  const indexOf = (principal: common.MSPPrincipal): number => {
    const key = writtenKey(principal);
    const known = indexes.get(key);
    if (known !== undefined) return known;
    indexes.set(key, identities.length);
    return identities.push(principal) - 1;
  };
  const rules: common.SignaturePolicy[] = [];
  for (const policy of policies) {
    const written = policy.asSignaturePolicy();
    if (written?.rule === undefined) return undefined;
    const renumbered = written.identities.map(indexOf);
    rules.push(withIndexes(written.rule, (index) => renumbered[index] ?? -1));
  }
  return { rule: { signedBy: undefined, nOutOf: { n, rules } }, identities };
}

const withIndexes = ({ signedBy, nOutOf }: common.SignaturePolicy, indexOf: (index: number) => number): common.SignaturePolicy => ({
  signedBy: signedBy === undefined ? undefined : indexOf(signedBy),
  nOutOf: nOutOf && { n: nOutOf.n, rules: nOutOf.rules.map((rule) => withIndexes(rule, indexOf)) },
});
