import type { Clock } from '../../common/clock.ts';
import { gossip } from '../../protos/messages.ts';
import { nanosecondsOf } from '../membership/incarnation.ts';
import type { OwnPeer } from '../own-peer.ts';
import type { SignedMessage } from '../peers.ts';
import { channelMac } from '../wire/ids.ts';

/** A chaincode as state info names it: versions are sequences for the 2.x lifecycle. */
export interface NamedChaincode {
  readonly name: string;
  readonly version: string;
}

export interface OwnStateInfoParts {
  readonly channelId: string;
  readonly peer: OwnPeer;
  readonly clock: Clock;
  /** Blocks on the ledger, now. */
  readonly height: () => bigint;
}

/** What this peer says of itself in a channel. */
export interface OwnState {
  readonly stateInfo: SignedMessage;
  readonly height: bigint;
  readonly chaincodes: readonly NamedChaincode[];
  /** Grows whenever something else is said. */
  readonly sequence: bigint;
}

/**
 * The state info of this peer in one channel, signed when it is wanted and has changed, not with every block.
 * @see updateProperties in hyperledger/fabric v2.5, gossip/gossip/channel/channel.go
 */
export class OwnStateInfo {
  readonly #parts: OwnStateInfoParts;
  readonly #mac: Uint8Array;
  #chaincodes: readonly NamedChaincode[] = [LIFECYCLE];
  #left = false;
  #said: OwnState | undefined;
  #lastSequence = 0n;

  constructor(parts: OwnStateInfoParts) {
    this.#parts = parts;
    this.#mac = channelMac(parts.peer.pkiId, parts.channelId);
  }

  /** Whether that is news. */
  setChaincodes(chaincodes: readonly NamedChaincode[]): boolean {
    const text = (named: readonly NamedChaincode[]): string => JSON.stringify(named.map(({ name, version }) => [name, version]));
    if (text(chaincodes) === text(this.#chaincodes)) return false;
    this.#chaincodes = chaincodes;
    this.#said = undefined;
    return true;
  }

  /** Whether it says that the peer takes part no more. */
  setLeft(left: boolean): void {
    if (left === this.#left) return;
    this.#left = left;
    this.#said = undefined;
  }

  /** As it is now. The same object as before while nothing has changed. */
  current(): OwnState {
    const height = this.#parts.height();
    if (this.#said?.height !== height) this.#said = this.#sign(height);
    return this.#said;
  }

  #sign(height: bigint): OwnState {
    const { peer } = this.#parts;
    const chaincodes = this.#chaincodes;
    const sequence = this.#nextSequence();
    const payload = gossip.GossipMessage.encode({
      tag: gossip.GossipMessage_Tag.CHAN_OR_ORG,
      stateInfo: {
        timestamp: { incNum: peer.incarnation, seqNum: sequence },
        pkiId: peer.pkiId,
        channelMAC: this.#mac,
        properties: { ledgerHeight: height, leftChannel: this.#left, chaincodes: [...chaincodes] },
      },
    });
    return { stateInfo: { payload, signature: peer.sign(payload) }, height, chaincodes, sequence };
  }

  #nextSequence(): bigint {
    const now = nanosecondsOf(this.#parts.clock.now());
    this.#lastSequence = now > this.#lastSequence ? now : this.#lastSequence + 1n;
    return this.#lastSequence;
  }
}

/** Every peer of 2.x has it; to gossip its sequence is 1. */
export const LIFECYCLE: NamedChaincode = { name: '_lifecycle', version: '1' };
