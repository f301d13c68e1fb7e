import { evaluate } from '../../lifecycle/endorsement-policy.ts';
import { distinctEndorsers, endorsementsOf } from './endorsements.ts';
import { explainEndorsements } from './explain.ts';
import { KeyLevelEvaluation } from './key-level.ts';
import { checkLsccInvocation } from './lscc-rules.ts';
import { accepted, type PluginRequest, type PluginVerdict, refused, type ValidationPlugin } from './validation-plugin.ts';

/** The built-in validation plugin `vscc`, in the versions that the channel's capabilities ask for. */
export const vscc: ValidationPlugin = {
  async validate(request) {
    const { rules, definition } = request;
    const verdict = rules.plugin === 'v12' ? await judgeChaincode(request) : await judgeKeys(request);
    if (!verdict.ok || rules.plugin === 'v20' || definition.namespace !== 'lscc') return verdict;
    return checkLsccInvocation(request);
  },
};

const judgeKeys = (request: PluginRequest): Promise<PluginVerdict> =>
  new KeyLevelEvaluation(request, endorsementsOf(request.invocation.transaction)).run();

/** Up to 1.2: the chaincode's policy over all endorsements, whatever was written. */
async function judgeChaincode({ invocation, definition, bundle, rules }: PluginRequest): Promise<PluginVerdict> {
  const distinct = distinctEndorsers(endorsementsOf(invocation.transaction), rules);
  const { namespace, policy } = definition;
  if (distinct === undefined) return refused('Unmarshal endorser error', { namespace });
  const verdict = await evaluate(policy, distinct, bundle);
  if (verdict.ok) return accepted;
  const text =
    distinct.length < invocation.transaction.action.endorsements.length
      ? 'Endorsement policy evaluation failure might be caused by duplicated identities'
      : `VSCC error: endorsement policy failure, err: ${verdict.reason}`;
  return refused(text, { namespace, ...(await explainEndorsements(policy, distinct, bundle)) });
}
