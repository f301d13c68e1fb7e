import type { gossip } from '../../protos/messages.ts';

/** When a peer said something: no time of day, but an order among its own messages. Clocks of peers are never compared. */
export interface Timestamp {
  readonly incarnation: bigint;
  readonly sequence: bigint;
}

export const timestampOf = (time: gossip.PeerTime | undefined): Timestamp => ({
  incarnation: time?.incNum ?? 0n,
  sequence: time?.seqNum ?? 0n,
});

export const isNewer = (a: Timestamp, than: Timestamp | undefined): boolean =>
  than === undefined || a.incarnation > than.incarnation || (a.incarnation === than.incarnation && a.sequence > than.sequence);
