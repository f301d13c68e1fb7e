import type { Cancellable } from '../../common/cancel.ts';
import { common } from '../../protos/messages.ts';
import { channelGroup } from '../channel-config.ts';
import type { Caller } from '../system-calls.ts';

/**
 * How many organisations have to approve a definition before it can be committed, where the channel's policy counts organisations;
 * undefined where it names them, and only a commit can tell.
 *
 * @param organizations number of organisations of the channel
 * @see LifecycleEndorsement in hyperledger/fabric v2.5, core/chaincode/lifecycle/lifecycle.go
 */
export async function approvalThreshold(
  caller: Caller,
  channelId: string,
  organizations: number,
  options: Cancellable,
): Promise<number | undefined> {
  const root = await channelGroup(caller, channelId, options);
  const policy = root.groups.get('Application')?.policies.get('LifecycleEndorsement')?.policy;
  if (policy === undefined) return Math.floor(organizations / 2) + 1; // Fabric's own default
  if (policy.type !== common.Policy_PolicyType.IMPLICIT_META) return undefined;
  const { rule } = common.ImplicitMetaPolicy.decode(policy.value);
  if (rule === common.ImplicitMetaPolicy_Rule.ANY) return 1;
  return rule === common.ImplicitMetaPolicy_Rule.ALL ? organizations : Math.floor(organizations / 2) + 1;
}
