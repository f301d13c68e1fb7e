import { SelvageError } from '../../common/errors.ts';
import type { EndorsementPolicy } from '../../lifecycle/endorsement-policy.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Identity } from '../../msp/identity.ts';
import type { SignedData } from '../../msp/policies/policy.ts';
import { common, msp, protos } from '../../protos/messages.ts';
import type { Details } from '../validation/outcome.ts';

/** What more of them there are says nothing to people, and each costs as much as judging it did. */
const MOST_EXPLAINED = 16;

/** For people: who endorsed, whose signature or identity is bad, and which principals of the policy nobody stands for. */
export async function explainEndorsements(
  policy: EndorsementPolicy,
  signed: readonly SignedData[],
  bundle: ChannelBundle,
): Promise<Details> {
  const endorsers: Examined[] = [];
  for (const each of signed.slice(0, MOST_EXPLAINED)) endorsers.push(await examine(each, bundle));
  const good = endorsers.flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
  const bad = endorsers.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  return {
    endorsements: signed.length,
    endorsedBy: good.map(({ mspId }) => mspId).join(', '),
    ...(bad.length > 0 && { refusedEndorsements: bad.join('; ') }),
    ...missing(policy, good),
  };
}

interface Examined {
  readonly identity?: Identity;
  readonly fault?: string;
}

async function examine({ data, identity: serialized, signature }: SignedData, bundle: ChannelBundle): Promise<Examined> {
  try {
    const identity = bundle.msps.deserialize(serialized);
    if (await identity.verify(data, signature)) return { identity };
    return { fault: `${identity.mspId}: bad signature` };
  } catch (thrown) {
    return { fault: `${mspIdOf(serialized)}: ${thrown instanceof SelvageError ? thrown.message : 'unreadable'}` };
  }
}

function mspIdOf(serialized: Uint8Array): string {
  try {
    return msp.SerializedIdentity.decode(serialized).mspid;
  } catch {
    return 'unknown';
  }
}

function missing(policy: EndorsementPolicy, endorsers: readonly Identity[]): Details {
  try {
    const envelope = policy.kind === 'signature' ? common.SignaturePolicyEnvelope.decode(policy.envelope) : undefined;
    const application = policy.kind === 'application' ? protos.ApplicationPolicy.decode(policy.policy) : undefined;
    const reference = application?.channelConfigPolicyReference;
    if (reference !== undefined) return { policy: reference };
    const principals = (envelope ?? application?.signaturePolicy)?.identities ?? [];
    const lacking = principals
      .slice(0, 4 * MOST_EXPLAINED)
      .filter((principal) => endorsers.every((each) => each.dissatisfaction(principal) !== undefined));
    return { missingPrincipals: listed(lacking.map(describePrincipal)) };
  } catch {
    return { policy: 'unreadable' };
  }
}

const listed = (names: readonly string[]): string =>
  names.length <= MOST_EXPLAINED ? names.join(', ') : `${names.slice(0, MOST_EXPLAINED).join(', ')} and more`;

/** A principal as policy expressions write it, like `Org1MSP.peer`. */
export function describePrincipal({ principalClassification, principal }: common.MSPPrincipal): string {
  const { ROLE, ORGANIZATION_UNIT, IDENTITY } = common.MSPPrincipal_Classification;
  if (principalClassification === ROLE) {
    const { mspIdentifier, role } = common.MSPRole.decode(principal);
    const name = Object.entries(common.MSPRole_MSPRoleType).find(([, value]) => value === role)?.[0];
    return `${mspIdentifier}.${name?.toLowerCase() ?? role}`;
  }
  if (principalClassification === ORGANIZATION_UNIT) {
    const { mspIdentifier, organizationalUnitIdentifier } = common.OrganizationUnit.decode(principal);
    return `${mspIdentifier} unit ${organizationalUnitIdentifier}`;
  }
  return principalClassification === IDENTITY ? `one identity of ${mspIdOf(principal)}` : `principal of class ${principalClassification}`;
}
