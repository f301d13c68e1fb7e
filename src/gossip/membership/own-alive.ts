import { gossip } from '../../protos/messages.ts';
import type { OwnPeer } from '../own-peer.ts';

/** The alive message of this peer as it is shown to others of its own process: not signed, and no news. */
export const unsignedAlive = ({ endpoint, pkiId, incarnation }: OwnPeer, sequence: bigint): Uint8Array =>
  gossip.GossipMessage.encode({
    tag: gossip.GossipMessage_Tag.EMPTY,
    aliveMsg: { membership: { endpoint, pkiId }, timestamp: { incNum: incarnation, seqNum: sequence } },
  });
