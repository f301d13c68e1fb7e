import { MAX_MESSAGE_BYTES } from '../../comm/limits.ts';
import { gossip } from '../../protos/messages.ts';
import { unsignedEnvelope } from '../wire/envelope.ts';

const { CHAN_ONLY } = gossip.GossipMessage_Tag;

/** Room for what stands around the elements of an answer. */
const FRAME_BYTES = 64 * 1024;
/** What an element costs beside its bytes. */
const ELEMENT_BYTES = 32;

/** The word for a push: `''` where the data is kept. Fabric's has no tag. */
export const ackEnvelope = (nonce: bigint, error: string): Uint8Array => unsignedEnvelope({ nonce, ack: { error } });

/** The answer to a request. Elements for which no message has room are left out; they can be asked for again. */
export const answerEnvelope = (
  { nonce, channel }: Pick<gossip.GossipMessage, 'nonce' | 'channel'>,
  elements: readonly gossip.PvtDataElementInit[],
): Uint8Array => unsignedEnvelope({ nonce, channel, tag: CHAN_ONLY, privateRes: { elements: fitting(elements) } });

function fitting(elements: readonly gossip.PvtDataElementInit[]): readonly gossip.PvtDataElementInit[] {
  let room = MAX_MESSAGE_BYTES - FRAME_BYTES;
  return elements.filter((element) => {
    const bytes = gossip.PvtDataElement.encode({ digest: element.digest }).length + ELEMENT_BYTES + lengthOf(element.payload ?? []);
    if (bytes > room) return false;
    room -= bytes;
    return true;
  });
}

const lengthOf = (payload: readonly Uint8Array[]): number => payload.reduce((sum, { length }) => sum + length + ELEMENT_BYTES, 0);
