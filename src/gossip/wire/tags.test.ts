import { describe, expect, it } from 'vitest';
import { gossip } from '../../protos/messages.ts';
import { tagProblem } from './tags.ts';

const { GossipMessage, GossipMessage_Tag: Tag, PullMsgType } = gossip;
const TAGS = Object.entries(Tag);
const read = (init: gossip.GossipMessageInit): gossip.GossipMessage => GossipMessage.decode(GossipMessage.encode(init));
const { BLOCK_MSG, IDENTITY_MSG } = PullMsgType;

describe('the tag of a message', () => {
  it.each([
    ['aliveMsg', 'EMPTY', { aliveMsg: {} }],
    ['memReq', 'EMPTY', { memReq: {} }],
    ['memRes', 'EMPTY', { memRes: {} }],
    ['hello of identities', 'EMPTY', { hello: { msgType: IDENTITY_MSG } }],
    ['dataDig of identities', 'EMPTY', { dataDig: { msgType: IDENTITY_MSG } }],
    ['dataReq of identities', 'EMPTY', { dataReq: { msgType: IDENTITY_MSG } }],
    ['dataUpdate of identities', 'EMPTY', { dataUpdate: { msgType: IDENTITY_MSG } }],
    ['hello of blocks', 'CHAN_AND_ORG', { hello: { msgType: BLOCK_MSG } }],
    ['dataMsg', 'CHAN_AND_ORG', { dataMsg: {} }],
    ['leadershipMsg', 'CHAN_AND_ORG', { leadershipMsg: {} }],
    ['stateInfo', 'CHAN_OR_ORG', { stateInfo: {} }],
    ['stateSnapshot', 'CHAN_OR_ORG', { stateSnapshot: {} }],
    ['stateInfoPullReq', 'CHAN_OR_ORG', { stateInfoPullReq: {} }],
    ['stateRequest', 'CHAN_OR_ORG', { stateRequest: {} }],
    ['stateResponse', 'CHAN_OR_ORG', { stateResponse: {} }],
    ['peerIdentity by itself', 'ORG_ONLY', { peerIdentity: {} }],
  ] as const)('%s is %s and nothing else', (_, legal, content) => {
    for (const [name, tag] of TAGS) {
      const problem = tagProblem(read({ ...content, tag }));
      const expected = name === legal ? undefined : name === 'UNDEFINED' ? 'Undefined tag' : `Tag should be ${legal}`;
      expect([name, problem]).toEqual([name, expected]);
    }
  });

  it.each([{ conn: {} }, { empty: {} }, { ack: {} }, { privateReq: {} }, { privateRes: {} }, { privateData: {} }])(
    'does not matter for %j',
    (content) => {
      for (const [, tag] of TAGS) expect(tagProblem(read({ ...content, tag }))).toBeUndefined();
    },
  );

  it('does not help a message that is none, or pulls nothing that there is', () => {
    expect(tagProblem(read({ tag: Tag.EMPTY }))).toBe('Unknown message type');
    expect(tagProblem(read({}))).toBe('Undefined tag');
    expect(tagProblem(read({ tag: Tag.EMPTY, hello: {} }))).toBe('Invalid PullMsgType: UNDEFINED');
    expect(tagProblem(read({ tag: Tag.EMPTY, dataReq: { msgType: 7 } }))).toBe('Invalid PullMsgType: ');
  });
});
