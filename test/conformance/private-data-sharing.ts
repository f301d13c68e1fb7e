/** In the place of gossip: private writes of an endorsement go to the transient stores of all peers that may have them. */
import { findCollection, type KnownCollection } from '../../src/chaincode/lifecycle/lifecycle-collections.ts';
import type { PrivateDataDistributor } from '../../src/endorser/private-data.ts';
import type { StateSnapshot } from '../../src/ledger/statedb/state.ts';
import { common, rwset } from '../../src/protos/messages.ts';
import type { NetworkPeer } from './network-peer.ts';

export class PrivateDataSharing implements PrivateDataDistributor {
  readonly #peers: NetworkPeer[] = [];

  add(peer: NetworkPeer): void {
    this.#peers.push(peer);
  }

  async distribute({ channel, txId, rwset: bytes }: Parameters<PrivateDataDistributor['distribute']>[0]): Promise<void> {
    using state = channel.ledger.snapshot();
    const written = rwset.TxPvtReadWriteSet.decode(bytes);
    for (const { member, channel: joined } of this.#peers) {
      const ledger = joined()?.ledger;
      const nsPvtRwset: rwset.NsPvtReadWriteSetInit[] = [];
      for (const { namespace, collectionPvtRwset } of written.nsPvtRwset) {
        const kept: rwset.CollectionPvtReadWriteSet[] = [];
        for (const set of collectionPvtRwset)
          if (mayHave(await collectionOf(state, namespace, set.collectionName), member.mspId)) kept.push(set);
        nsPvtRwset.push({ namespace, collectionPvtRwset: kept });
      }
      if (ledger === undefined || nsPvtRwset.every(({ collectionPvtRwset }) => collectionPvtRwset?.length === 0)) continue;
      await ledger.transient.put(txId, ledger.blocks.info().height, rwset.TxPvtReadWriteSet.encode({ ...written, nsPvtRwset }));
    }
  }
}

const collectionOf = (state: StateSnapshot, chaincode: string, collection: string): Promise<KnownCollection | undefined> =>
  findCollection({ getState: async (namespace, key) => (await state.get(namespace, key))?.value }, chaincode, collection);

function mayHave(collection: KnownCollection | undefined, mspId: string): boolean {
  if (collection?.kind === 'implicit') return collection.mspId === mspId;
  const members = collection?.config.memberOrgsPolicy?.signaturePolicy?.identities ?? [];
  return members.some(({ principal = new Uint8Array() }) => common.MSPRole.decode(principal).mspIdentifier === mspId);
}
