import { messageOf, SelvageError } from '../../common/errors.ts';
import type { common } from '../../protos/messages.ts';
import type { Identity, IdentityDeserializer } from '../identity.ts';
import type { ConfiguredPolicy, SignedData, Verdict } from './policy.ts';

/** A policy over the identities that signed. */
export interface IdentityPolicy extends ConfiguredPolicy {
  /** The signature policy that says the same, whose sets of principals can be enumerated; undefined where there is none. */
  asSignaturePolicy(): EnumerablePolicy | undefined;
}

export type EnumerablePolicy = Pick<common.SignaturePolicyEnvelope, 'rule' | 'identities'>;

export const SATISFIED: Verdict = { ok: true };
export const unsatisfied = (reason: string): Verdict => ({ ok: false, reason });

/** Makes a policy of something that judges identities: signatures are checked first, once for all its parts. */
export function policyOverIdentities(deserializer: IdentityDeserializer, policy: Omit<IdentityPolicy, 'evaluate'>): IdentityPolicy {
  const evaluateIdentities = rememberingOfOne((identities) => policy.evaluateIdentities(identities));
  return { ...policy, evaluateIdentities, evaluate: async (signed) => evaluateIdentities(await knownSignersOf(signed, deserializer)) };
}

/**
 * The same, with the verdict of an identity alone remembered: it depends on nothing but the configuration that policy and identity are
 * part of, and a new configuration is new objects. What it says of expired certificates is nothing: policies do not look at the time.
 */
function rememberingOfOne(evaluate: IdentityPolicy['evaluateIdentities']): IdentityPolicy['evaluateIdentities'] {
  const verdicts = new WeakMap<Identity, Verdict>();
  return (identities) => {
    const [only] = identities;
    if (only === undefined || identities.length > 1) return evaluate(identities);
    const verdict = verdicts.get(only) ?? evaluate(identities);
    verdicts.set(only, verdict);
    return verdict;
  };
}

/** A policy nobody satisfies. */
export function refusing(reason: string): IdentityPolicy {
  const verdict = unsatisfied(reason);
  return { evaluateIdentities: () => verdict, evaluate: async () => verdict, asSignaturePolicy: () => undefined };
}

interface Claim {
  readonly identity: Identity;
  readonly data: SignedData;
}

/** Signers by the list of signatures, then by who read the identities: they live as long as the list does. */
const known = new WeakMap<readonly SignedData[], WeakMap<IdentityDeserializer, Promise<readonly Identity[]>>>();

/** The same list is judged by one policy per element of a configuration, or per key of a transaction: its signatures are checked once. */
function knownSignersOf(signed: readonly SignedData[], deserializer: IdentityDeserializer): Promise<readonly Identity[]> {
  const byReader = known.get(signed) ?? new WeakMap<IdentityDeserializer, Promise<readonly Identity[]>>();
  known.set(signed, byReader);
  const signers = byReader.get(deserializer) ?? signersOf(signed, deserializer);
  byReader.set(deserializer, signers);
  return signers;
}

/**
 * The distinct identities that really signed, in order. What does not parse, is of an unknown MSP or is badly signed is left
 * out; a bad signature does not shadow a good one of the same identity that follows.
 * @see SignatureSetToValidIdentities in hyperledger/fabric v2.5, common/policies/policy.go
 */
export async function signersOf(signed: readonly SignedData[], deserializer: IdentityDeserializer): Promise<readonly Identity[]> {
  const claims = signed.flatMap((data): Claim[] => {
    const identity = identityOf(data.identity, deserializer);
    return identity === undefined ? [] : [{ identity, data }];
  });
  const firsts = startFirstChecks(claims);
  const accepted = new Map<string, Identity>();
  for (const claim of claims) {
    const key = keyOf(claim.identity);
    if (accepted.has(key)) continue;
    const ok = await (firsts.get(claim) ?? claim.identity.verify(claim.data.data, claim.data.signature));
    if (ok) accepted.set(key, claim.identity);
  }
  return [...accepted.values()];
}

/** How much signed data may wait for its checks at a time, in bytes. */
const AT_ONCE = 4 * 1024 * 1024;

/**
 * The checks that are needed in any case start together, so that they can share the threads, as far as there is room for what they
 * look at; repetitions and the rest wait for their turn.
 */
function startFirstChecks(claims: readonly Claim[]): ReadonlyMap<Claim, Promise<boolean> | boolean> {
  const checks = new Map<Claim, Promise<boolean> | boolean>();
  const seen = new Set<string>();
  let bytes = 0;
  for (const claim of claims) {
    const key = keyOf(claim.identity);
    if (seen.has(key)) continue;
    seen.add(key);
    const { data, signature } = claim.data;
    checks.set(claim, claim.identity.verify(data, signature));
    bytes += data.length;
    if (bytes > AT_ONCE) break;
  }
  return checks;
}

const keyOf = ({ mspId, id }: Identity): string => `${mspId}\n${id}`;

function identityOf(serialized: Uint8Array, deserializer: IdentityDeserializer): Identity | undefined {
  try {
    return deserializer.deserialize(serialized);
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'IDENTITY_INVALID') return undefined;
    throw new SelvageError('INTERNAL', `cannot read an identity: ${messageOf(thrown)}`, { cause: thrown });
  }
}
