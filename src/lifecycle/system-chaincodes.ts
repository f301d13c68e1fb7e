import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { membersPolicy } from './endorsement-policy.ts';
import { found, type NamespaceDefinition } from './namespace-definition.ts';

const SYSTEM = ['cscc', 'escc', 'lscc', 'qscc', 'vscc'];

/** Names that chaincode of the legacy lifecycle may not take, and that the rules up to 1.4 treat apart. */
export const isSystemChaincode = (name: string): boolean => SYSTEM.includes(name);

/** Plugins in disguise: no transaction may invoke them. */
export const isInvokableByProposal = (name: string): boolean => name !== 'escc' && name !== 'vscc';

/** Whether a chaincode may have called it, and so may have made it write. */
export const isInvokableByChaincode = (name: string): boolean => isInvokableByProposal(name) && name !== 'cscc';

/** Up to 1.4 a system chaincode needs one signature, of any member of any application organisation of the channel. */
export const systemNamespace = (namespace: string, bundle: ChannelBundle): NamespaceDefinition => ({
  namespace,
  version: undefined,
  plugin: 'vscc',
  policy: membersPolicy(
    1,
    (bundle.application?.orgs ?? []).map(({ mspId }) => mspId),
  ),
  collectionPolicy: () => found(undefined),
});
