import type { LifecycleDefinition } from '../../lifecycle/lifecycle-definition.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { type lifecycle, protos } from '../../protos/messages.ts';
import { refused } from '../reply.ts';

/** The policy of those who name none: the channel's own. */
const DEFAULT_POLICY = '/Channel/Application/Endorsement';

type DefinitionArgs = Omit<lifecycle.CommitChaincodeDefinitionArgs, 'name'>;

/**
 * The definition that a client asks for, with the defaults of the channel filled in.
 * @throws {SelvageError} `CHAINCODE_FAILED` when it names no policy and the channel has none for that case
 */
export function requestedDefinition(args: DefinitionArgs, bundle: ChannelBundle): LifecycleDefinition {
  const { sequence, version, initRequired, endorsementPlugin, validationPlugin, validationParameter, collections } = args;
  return {
    sequence,
    version,
    initRequired,
    endorsementPlugin: endorsementPlugin || 'escc',
    validationPlugin: validationPlugin || 'vscc',
    validationParameter: validationParameter.length > 0 ? validationParameter : defaultPolicy(bundle),
    collections: collections ?? { config: [] },
  };
}

function defaultPolicy({ channelId, policies }: ChannelBundle): Uint8Array {
  if (policies.has(DEFAULT_POLICY)) return protos.ApplicationPolicy.encode({ channelConfigPolicyReference: DEFAULT_POLICY });
  const text = `policy '${DEFAULT_POLICY}' must be defined for channel '${channelId}' before chaincode operations can be attempted`;
  throw refused(`could not set defaults for chaincode definition in channel ${channelId}: ${text}`);
}
