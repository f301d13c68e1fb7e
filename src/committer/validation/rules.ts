import { SelvageError } from '../../common/errors.ts';
import type { ApplicationCapabilities, ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';

/** Which release's rules judge the transactions of a block; the channel's application capabilities decide. */
export interface ValidationRules {
  readonly capabilities: ApplicationCapabilities;
  /** `v20` looks up definitions in `_lifecycle` first and knows no system chaincodes; `v14` is everything before. */
  readonly validator: 'v14' | 'v20';
  /** The built-in plugin: `v12` knows chaincode policies only, `v13` adds those of keys, `v20` those of collections. */
  readonly plugin: 'v12' | 'v13' | 'v20';
  /** Fabric 1.1 refuses a known field with a foreign wire type, later releases skip it: levels none and `V1_1` follow 1.1. */
  readonly strict: boolean;
}

/** @throws {SelvageError} `CONFIG_INVALID` for a channel without an application group, whose blocks nobody here could judge */
export function rulesOf(bundle: ChannelBundle): ValidationRules {
  const capabilities = bundle.application?.capabilities;
  if (capabilities === undefined) {
    throw new SelvageError('CONFIG_INVALID', `channel ${bundle.channelId} has no application configuration`);
  }
  const plugin = capabilities.v20Validation ? 'v20' : capabilities.v13Validation ? 'v13' : 'v12';
  return { capabilities, validator: capabilities.v20Validation ? 'v20' : 'v14', plugin, strict: !capabilities.v12Validation };
}
