import { approvedOrNone, committedOrNone, packageIn } from '../../client/deployment/agreed.ts';
import { differences } from '../../client/deployment/definition-differences.ts';
import { withoutPackage } from '../../client/deployment/installation.ts';
import { type NextDefinition, nextDefinition, type WantedChaincode } from '../../client/deployment/next-definition.ts';
import type { Caller } from '../../client/system-calls.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { Organization, Organizations } from './organizations.ts';

/** What a deployment comes to, as things are now. */
export interface DeploymentPlan extends NextDefinition {
  /** Peers that have not got the package, each with its own organisation's Admin. */
  readonly lacking: readonly Caller[];
  /** Organisations that have not approved this definition with this package. */
  readonly approving: readonly Organization[];
}

/** Looks at the channel and at every peer, and changes nothing. */
export async function survey(wanted: WantedChaincode, { all, first }: Organizations, options: Cancellable): Promise<DeploymentPlan> {
  const [committed, ...lacking] = await Promise.all([
    committedOrNone(callerOf(first), wanted, options),
    ...all.map(({ peers, signer }) =>
      withoutPackage(
        peers.map((peer) => ({ peer, signer })),
        wanted.packageId,
        options,
      ),
    ),
  ]);
  const inForce =
    committed === undefined ? [] : await Promise.all(all.map((each) => packageInForce(each, wanted, committed.sequence, options)));
  const next = nextDefinition(wanted, committed, inForce);
  const missing = await Promise.all(all.map((each) => approvalIsMissing(each, wanted, next, options)));
  return { ...next, lacking: lacking.flat(), approving: all.filter((_, at) => missing[at]) };
}

/** Who asks the first of an organisation's peers. */
export const callerOf = ({ peers: [peer], signer }: Organization): Caller => {
  if (peer === undefined) throw new Error('an organisation without a peer');
  return { peer, signer };
};

async function packageInForce(organization: Organization, { channelId, name }: WantedChaincode, sequence: bigint, options: Cancellable) {
  const approved = await approvedOrNone(callerOf(organization), { channelId, name, sequence }, options);
  return { mspId: organization.mspId, packageId: packageIn(approved) };
}

async function approvalIsMissing(
  organization: Organization,
  { packageId }: WantedChaincode,
  { definition }: NextDefinition,
  options: Cancellable,
): Promise<boolean> {
  const approved = await approvedOrNone(callerOf(organization), definition, options);
  return approved === undefined || packageIn(approved) !== packageId || differences(approved, definition).length > 0;
}
