import type { gossip } from '../../protos/messages.ts';

/** The members of a gossip message's oneof, named as the fields of the message. */
const KINDS = [
  'aliveMsg',
  'memReq',
  'memRes',
  'dataMsg',
  'hello',
  'dataDig',
  'dataReq',
  'dataUpdate',
  'empty',
  'conn',
  'stateInfo',
  'stateSnapshot',
  'stateInfoPullReq',
  'stateRequest',
  'stateResponse',
  'leadershipMsg',
  'peerIdentity',
  'ack',
  'privateReq',
  'privateRes',
  'privateData',
] as const satisfies readonly (keyof gossip.GossipMessage)[];

/** What a message is about. */
export type MessageKind = (typeof KINDS)[number];

/** Undefined for a message without content, or of a kind that is not known here. */
export const kindOf = (message: gossip.GossipMessage): MessageKind | undefined => KINDS.find((kind) => message[kind] !== undefined);
