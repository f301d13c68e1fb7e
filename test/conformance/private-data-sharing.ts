/** In the place of gossip: private writes of an endorsement go to the transient stores of all peers, which keep what they may have. */
import type { PrivateDataDistributor } from '../../src/privdata/ports/private-writes.ts';
import type { NetworkPeer } from './network-peer.ts';

export class PrivateDataSharing implements PrivateDataDistributor {
  readonly #peers: NetworkPeer[] = [];

  add(peer: NetworkPeer): void {
    this.#peers.push(peer);
  }

  async distribute({ txId, rwset }: Parameters<PrivateDataDistributor['distribute']>[0]): Promise<void> {
    for (const { channel } of this.#peers) {
      const ledger = channel()?.ledger;
      await ledger?.transient.put(txId, ledger.blocks.info().height, rwset);
    }
  }
}
