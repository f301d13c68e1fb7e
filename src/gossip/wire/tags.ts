import { gossip } from '../../protos/messages.ts';
import { kindOf, type MessageKind } from './message-kind.ts';

const { UNDEFINED, EMPTY, ORG_ONLY, CHAN_AND_ORG, CHAN_OR_ORG } = gossip.GossipMessage_Tag;

/** The tag that each kind must have; pulls are judged by what they pull, and all others by nobody. */
const LEGAL: Partial<Record<MessageKind, number>> = {
  aliveMsg: EMPTY,
  memReq: EMPTY,
  memRes: EMPTY,
  dataMsg: CHAN_AND_ORG,
  leadershipMsg: CHAN_AND_ORG,
  stateInfo: CHAN_OR_ORG,
  stateSnapshot: CHAN_OR_ORG,
  stateInfoPullReq: CHAN_OR_ORG,
  stateRequest: CHAN_OR_ORG,
  stateResponse: CHAN_OR_ORG,
  peerIdentity: ORG_ONLY,
};

const PULLS: Readonly<Record<number, number>> = { [gossip.PullMsgType.BLOCK_MSG]: CHAN_AND_ORG, [gossip.PullMsgType.IDENTITY_MSG]: EMPTY };
const UNCHECKED: ReadonlySet<MessageKind | undefined> = new Set(['conn', 'empty', 'ack', 'privateReq', 'privateRes', 'privateData']);

/**
 * What is wrong with the tag of a message that came by itself; undefined when nothing is. Messages inside others are not judged.
 * @see IsTagLegal in hyperledger/fabric v2.5, gossip/protoext/message.go
 */
export function tagProblem(message: gossip.GossipMessage): string | undefined {
  const kind = kindOf(message);
  if (UNCHECKED.has(kind)) return undefined;
  if (message.tag === UNDEFINED) return 'Undefined tag';
  const pull = message.hello ?? message.dataDig ?? message.dataReq ?? message.dataUpdate;
  if (pull !== undefined && PULLS[pull.msgType] === undefined) return `Invalid PullMsgType: ${pull.msgType === 0 ? 'UNDEFINED' : ''}`;
  const legal = pull === undefined ? kind && LEGAL[kind] : PULLS[pull.msgType];
  if (legal === undefined) return 'Unknown message type';
  return message.tag === legal ? undefined : `Tag should be ${nameOf(legal)}`;
}

const nameOf = (tag: number): string => Object.entries(gossip.GossipMessage_Tag).find(([, value]) => value === tag)?.[0] ?? String(tag);
