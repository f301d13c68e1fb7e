import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import type { LifecycleCache } from '../../lifecycle/lifecycle-cache.ts';
import type { ApplicationOrg, ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { InstalledPackages } from '../../packages/installed-packages.ts';
import type { ChannelAccessParts } from '../access.ts';
import { refused } from '../reply.ts';

export interface LifecycleParts extends ChannelAccessParts {
  /** The organisation of this peer: it approves for that one alone. */
  readonly mspId: string;
  readonly packages: Pick<InstalledPackages, 'install' | 'list' | 'get' | 'bytes'>;
  /** Says which definitions run which package. */
  readonly cache: Pick<LifecycleCache, 'referencesTo'>;
}

/** One call that was let in. */
export interface Invocation extends Cancellable {
  readonly parts: LifecycleParts;
  readonly call: ChaincodeCall;
  /** The channel's configuration; undefined for a call without channel. */
  readonly bundle: ChannelBundle | undefined;
}

/** What a call on a channel works on. */
export interface OnChannel {
  readonly bundle: ChannelBundle;
  readonly simulator: TxSimulator;
  readonly orgs: readonly ApplicationOrg[];
}

/** @throws {SelvageError} `CHAINCODE_FAILED` for a call without channel */
export function onChannel({ bundle, call: { simulator, proposal } }: Invocation): OnChannel {
  if (bundle === undefined || simulator === undefined) throw refused(`no application config for channel '${proposal.channelId}'`);
  return { bundle, simulator, orgs: bundle.application?.orgs ?? [] };
}
