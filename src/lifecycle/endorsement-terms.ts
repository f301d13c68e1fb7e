import type { Channel } from '../channel/channel.ts';
import { detach } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { protos } from '../protos/messages.ts';
import { lifecycleEndorsement } from './committed-namespace.ts';
import { readsOf, type StateReads } from './definitions.ts';
import { applicationPolicy, type EndorsementPolicy, signaturePolicy } from './endorsement-policy.ts';
import { legacyCollections } from './legacy-collection-access.ts';
import { chaincodeData } from './legacy-namespace.ts';
import type { KnownChaincode, LifecycleCache } from './lifecycle-cache.ts';
import { LIFECYCLE } from './records.ts';

/** What a channel asks of those who endorse a chaincode. */
export interface EndorsementTerms {
  /** What peers that can run it announce: the sequence of a definition of the 2.x lifecycle, the version of a legacy one. */
  readonly version: string;
  readonly policy: EndorsementPolicy;
  /** As they were defined; an organisation's own collections are not among them. */
  readonly collections: readonly protos.StaticCollectionConfigInit[];
  /** The lifecycle that defined it. */
  readonly lifecycle: '2.x' | 'legacy';
}

/**
 * The terms of a chaincode by the definitions of the 2.x lifecycle, of which `_lifecycle` itself is one, and then by the legacy one;
 * undefined for one that was not defined.
 * @throws {SelvageError} `LEDGER_CORRUPT`
 * @see Metadata in hyperledger/fabric v2.5, core/chaincode/lifecycle/metadata_provider.go and core/cclifecycle/lifecycle.go
 */
export async function endorsementTerms(
  channel: Channel,
  name: string,
  cache: Pick<LifecycleCache, 'find'>,
): Promise<EndorsementTerms | undefined> {
  const bundle = channel.bundle();
  if (name === LIFECYCLE) {
    if (bundle.application?.capabilities.lifecycleV20 !== true) return undefined;
    return { version: '1', policy: lifecycleEndorsement(bundle), collections: [], lifecycle: '2.x' };
  }
  const known = await found(cache, channel.id, name);
  if (known === undefined) return legacyTerms(channel, name);
  const { sequence, validationParameter, collections } = known.definition;
  return {
    version: String(sequence),
    policy: applicationPolicy(validationParameter),
    collections: staticOnes(collections.config ?? []),
    lifecycle: '2.x',
  };
}

async function found(cache: Pick<LifecycleCache, 'find'>, channelId: string, name: string): Promise<KnownChaincode | undefined> {
  try {
    return await cache.find(channelId, name);
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'CHAINCODE_NOT_FOUND') return undefined;
    throw thrown;
  }
}

/** An entry that cannot be read, or is of another name, defines nothing. */
async function legacyTerms(channel: Channel, name: string): Promise<EndorsementTerms | undefined> {
  using snapshot = channel.ledger.snapshot();
  try {
    const data = await chaincodeData(snapshot, name);
    if (data === undefined || data.name !== name) return undefined;
    const collections = await legacyCollections(outliving(readsOf(snapshot)), name);
    const { version, policy } = data;
    return { version, policy: signaturePolicy(detach(policy)), collections: staticOnes(collections ?? []), lifecycle: 'legacy' };
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return undefined;
    throw thrown;
  }
}

const outliving = (state: StateReads): StateReads => ({
  getState: async (namespace, key) => {
    const value = await state.getState(namespace, key);
    return value && detach(value);
  },
});

const staticOnes = (all: readonly protos.CollectionConfigInit[]): readonly protos.StaticCollectionConfigInit[] =>
  all.flatMap(({ staticCollectionConfig }) => (staticCollectionConfig === undefined ? [] : [staticCollectionConfig]));
