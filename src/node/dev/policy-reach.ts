import { common } from '../../protos/messages.ts';

const { MEMBER, PEER } = common.MSPRole_MSPRoleType;
const { ROLE } = common.MSPPrincipal_Classification;

/**
 * Why one peer of each of these organisations cannot meet an endorsement policy, for people; undefined when they can. Signatures are used
 * up as Fabric does.
 * @param policy `SignaturePolicyEnvelope` bytes
 */
export function unreachable(policy: Uint8Array, mspIds: readonly string[]): string | undefined {
  const { rule, identities } = common.SignaturePolicyEnvelope.decode(policy);
  const principals = identities.map(wanted);
  if (rule === undefined || satisfied(rule, principals, mspIds, new Set())) return undefined;
  const others = distinct(principals.map(({ mspId }) => mspId).filter((mspId) => !mspIds.includes(mspId)));
  if (others.length > 0) return `it names ${others.join(' and ')}, and this network has ${mspIds.join(', ')}`;
  const roles = distinct(principals.filter(({ byPeers }) => !byPeers).map(({ role }) => role));
  if (roles.length > 0) return `it asks for ${roles.join(' and ')}, and endorsements come from peers`;
  return 'it asks for more signatures of an organisation than its one peer gives';
}

interface Wanted {
  readonly mspId: string;
  readonly role: string;
  /** Whether a peer is such a member. */
  readonly byPeers: boolean;
}

function wanted({ principalClassification, principal }: common.MSPPrincipal): Wanted {
  if (principalClassification !== ROLE) return { mspId: '', role: 'something else than a role', byPeers: false };
  const { mspIdentifier: mspId, role } = common.MSPRole.decode(principal);
  const [name = ''] = Object.entries(common.MSPRole_MSPRoleType).find(([, value]) => value === role) ?? [];
  return { mspId, role: `${mspId}.${name.toLowerCase()}`, byPeers: role === MEMBER || role === PEER };
}

function satisfied(
  { nOutOf, signedBy }: common.SignaturePolicy,
  principals: readonly Wanted[],
  mspIds: readonly string[],
  used: Set<string>,
): boolean {
  if (nOutOf !== undefined) return outOf(nOutOf, principals, mspIds, used);
  const principal = signedBy === undefined ? undefined : principals[signedBy];
  if (principal === undefined || !principal.byPeers || !mspIds.includes(principal.mspId) || used.has(principal.mspId)) return false;
  used.add(principal.mspId);
  return true;
}

/** What a rule used up that failed is given back. */
function outOf(
  { n, rules }: common.SignaturePolicy_NOutOf,
  principals: readonly Wanted[],
  mspIds: readonly string[],
  used: Set<string>,
): boolean {
  let successes = 0;
  for (const rule of rules) {
    const attempt = new Set(used);
    if (!satisfied(rule, principals, mspIds, attempt)) continue;
    successes += 1;
    for (const mspId of attempt) used.add(mspId);
  }
  return successes >= n;
}

const distinct = (values: readonly string[]): readonly string[] => [...new Set(values)];
