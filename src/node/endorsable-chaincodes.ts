import type { Channels } from '../channel/channel.ts';
import type { StateChanges } from '../channel/state-changes.ts';
import { equalBytes } from '../common/bytes.ts';
import type { EndorsableChaincodes } from '../gossip/channels/own-channels.ts';
import { LIFECYCLE, type NamedChaincode } from '../gossip/channels/own-state-info.ts';
import { LSCC } from '../lifecycle/legacy-definitions.ts';
import { chaincodeData } from '../lifecycle/legacy-namespace.ts';
import { LifecycleCache } from '../lifecycle/lifecycle-cache.ts';
import type { ChaincodeLifecycle } from './chaincode-lifecycle.ts';

export interface EndorsableChaincodesParts {
  readonly channels: Channels;
  readonly lifecycle: {
    readonly cache: Pick<LifecycleCache, 'defined'>;
    readonly installed: Pick<ChaincodeLifecycle['installed'], 'onInstalled'>;
    readonly packages: Pick<ChaincodeLifecycle['packages'], 'list' | 'onInstalled'>;
  };
  readonly changes: StateChanges;
}

/**
 * What a peer can endorse: of the 2.x lifecycle what is installed and agreed to, then `_lifecycle`, then what the legacy lifecycle
 * defines and is installed, unless the newer one defines the name.
 * @see MetadataManager in hyperledger/fabric v2.5, core/chaincode/lifecycle/metadata_manager.go and core/cclifecycle
 */
export function endorsableChaincodes({ channels, lifecycle, changes }: EndorsableChaincodesParts): EndorsableChaincodes {
  const { cache, installed, packages } = lifecycle;
  const legacy = async (channelId: string): Promise<readonly NamedChaincode[]> => {
    const candidates = await packages.list();
    const channel = channels.get(channelId);
    if (candidates.length === 0 || channel === undefined) return [];
    using state = channel.ledger.snapshot();
    const found: NamedChaincode[] = [];
    for (const { name, version, id } of candidates) {
      const defined = await chaincodeData(state, name);
      if (defined?.version === version && equalBytes(defined.id, id)) found.push({ name, version });
    }
    return found;
  };
  return {
    on: async (channelId) => {
      const defined = await cache.defined(channelId);
      const newer = defined.flatMap(({ name, definition, installed: has }) =>
        has === undefined ? [] : [{ name, version: String(definition.sequence) }],
      );
      const older = (await legacy(channelId)).filter(({ name }) => !defined.some((other) => other.name === name));
      return [...newer, LIFECYCLE, ...older];
    },
    onChanged: (listener) => {
      const listening = [
        changes.listen((channelId, namespaces) => {
          if (LifecycleCache.concerns(namespaces) || namespaces.has(LSCC)) listener(channelId);
        }),
        installed.onInstalled(() => listener(undefined)),
        packages.onInstalled(() => listener(undefined)),
      ];
      return {
        [Symbol.dispose]: () => {
          for (const each of listening) each[Symbol.dispose]();
        },
      };
    },
  };
}
