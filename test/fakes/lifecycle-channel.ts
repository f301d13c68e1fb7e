/** A channel of two organisations with the 2.x lifecycle, for tests that commit what they simulate without validating it. */

import { hashedNamespace, privateNamespace, stateKeyOfHash } from '../../src/ledger/simulator/private-namespaces.ts';
import type { TxSimulator } from '../../src/ledger/simulator/tx-simulator.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { kvrwset, rwset } from '../../src/protos/messages.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openBundle } from './proposals.ts';
import { channelsOf, memoryChannel } from './recorded-channel.ts';

export const ORGS = ['Org1MSP', 'Org2MSP'] as const;

/** A bundle whose policies let everybody in, with the 2.x lifecycle. */
export function lifecycleBundle(channelId: string): ChannelBundle {
  const open = openBundle(channelId);
  const { application } = open;
  if (application === undefined) throw new Error('no application');
  const orgs = ORGS.map((mspId) => ({ name: mspId.replace('MSP', ''), mspId, anchorPeers: [], tlsRoots: [] }));
  const capabilities = { ...application.capabilities, level: 'V2_0', v20Validation: true, lifecycleV20: true };
  return { ...open, msps: { ...open.msps, mspIds: [...ORGS] }, application: { ...application, orgs, capabilities } };
}

export function lifecycleChannel(channelId = 'ch') {
  const channel = memoryChannel(lifecycleBundle(channelId));
  let block = 0n;
  return {
    channel,
    channels: channelsOf(channel),
    ledger: channel.ledger,
    /** Writes what a simulation wrote, as a peer does that has all its private data. */
    async commit(simulator: TxSimulator): Promise<void> {
      block += 1n;
      apply(await simulator.result(), channel.ledger, block);
    },
  };
}

function apply({ publicRwset, privateRwset }: Awaited<ReturnType<TxSimulator['result']>>, { state }: MemoryLedger, block: bigint): void {
  const put = (namespace: string, key: string, { isDelete, value }: { isDelete: boolean; value: Uint8Array }): void =>
    isDelete ? state.delete(namespace, key) : state.put(namespace, key, value, [block, 0n]);
  for (const set of rwset.TxReadWriteSet.decode(publicRwset).nsRwset) {
    for (const write of kvrwset.KVRWSet.decode(set.rwset).writes) put(set.namespace, write.key, write);
    for (const { collectionName, hashedRwset } of set.collectionHashedRwset) {
      for (const { keyHash, isDelete, valueHash } of kvrwset.HashedRWSet.decode(hashedRwset).hashedWrites)
        put(hashedNamespace(set.namespace, collectionName), stateKeyOfHash(keyHash), { isDelete, value: valueHash });
    }
  }
  for (const { namespace, collectionPvtRwset } of rwset.TxPvtReadWriteSet.decode(privateRwset ?? new Uint8Array()).nsPvtRwset) {
    for (const { collectionName, rwset: bytes } of collectionPvtRwset)
      for (const write of kvrwset.KVRWSet.decode(bytes).writes) put(privateNamespace(namespace, collectionName), write.key, write);
  }
}
