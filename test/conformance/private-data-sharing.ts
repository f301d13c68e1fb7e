/** In the place of gossip: private writes of an endorsement go to the transient stores of all peers that may have them. */
import type { PrivateDataDistributor } from '../../src/endorser/private-data.ts';
import { common, rwset } from '../../src/protos/messages.ts';
import { collectionsOf } from './lifecycle-state.ts';
import type { NetworkPeer } from './network-peer.ts';

export class PrivateDataSharing implements PrivateDataDistributor {
  readonly #peers: NetworkPeer[] = [];

  add(peer: NetworkPeer): void {
    this.#peers.push(peer);
  }

  async distribute({ channel, txId, rwset: bytes }: Parameters<PrivateDataDistributor['distribute']>[0]): Promise<void> {
    using state = channel.ledger.snapshot();
    const written = rwset.TxPvtReadWriteSet.decode(bytes);
    for (const peer of this.#peers) {
      const ledger = peer.channel()?.ledger;
      const nsPvtRwset: rwset.NsPvtReadWriteSetInit[] = [];
      for (const { namespace, collectionPvtRwset } of written.nsPvtRwset) {
        const collections = await collectionsOf(state, namespace);
        const members = new Map(collections.map(({ name, memberOrgsPolicy }) => [name, orgsIn(memberOrgsPolicy?.signaturePolicy)]));
        const mayHave = (name: string): boolean =>
          name === `_implicit_org_${peer.member.mspId}` || members.get(name)?.includes(peer.member.mspId) === true;
        nsPvtRwset.push({ namespace, collectionPvtRwset: collectionPvtRwset.filter(({ collectionName }) => mayHave(collectionName)) });
      }
      if (ledger === undefined || nsPvtRwset.every(({ collectionPvtRwset }) => collectionPvtRwset?.length === 0)) continue;
      await ledger.transient.put(txId, ledger.blocks.info().height, rwset.TxPvtReadWriteSet.encode({ ...written, nsPvtRwset }));
    }
  }
}

/** The organisations a policy names by role. */
const orgsIn = (policy: common.SignaturePolicyEnvelope | undefined): readonly string[] =>
  (policy?.identities ?? []).map(({ principal }) => common.MSPRole.decode(principal).mspIdentifier);
