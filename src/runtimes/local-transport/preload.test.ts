/** What the preloaded files write and read, beside the codecs of the peer. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protos } from '../../protos/messages.ts';
import { FrameKind, FrameReader, headOf } from './frames.ts';

const load = createRequire(import.meta.url);
const codec: typeof import('./preload/message-codec.cjs') = load('./preload/message-codec.cjs');
const frames: typeof import('./preload/frames.cjs') = load('./preload/frames.cjs');
const { leanRequests }: typeof import('./preload/lean-requests.cjs') = load('./preload/lean-requests.cjs');
const { RequestTurns }: typeof import('./preload/request-turns.cjs') = load('./preload/request-turns.cjs');

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 400 }).map((each) => Buffer.from(each));
const transaction = fc.record({ channel: text, txid: text });

/** The one message in a frame, as the peer reads it. */
function messageIn(frame: Buffer): protos.ChaincodeMessage {
  const found: protos.ChaincodeMessage[] = [];
  new FrameReader(({ kind, content }) => {
    expect(kind).toBe(FrameKind.message);
    found.push(protos.ChaincodeMessage.decode(content));
  }).push(frame);
  expect(found).toHaveLength(1);
  return found[0] as protos.ChaincodeMessage;
}

describe('what a chaincode sends over its socket', () => {
  it('is a request that the peer reads', () => {
    fc.assert(
      fc.property(transaction, text, text, bytes, text, ({ channel, txid }, key, collection, value, end) => {
        const of = { channel, txid };
        const get = messageIn(codec.requestFrame(codec.TYPE.GET_STATE, of, { one: key, two: collection }));
        expect(get).toMatchObject({ type: 8, channelId: channel, txid });
        expect(protos.GetState.decode(get.payload)).toMatchObject({ key, collection });
        const put = messageIn(codec.requestFrame(codec.TYPE.PUT_STATE, of, { one: key, two: value, three: collection }));
        const written = protos.PutState.decode(put.payload);
        expect({ ...written, value: Buffer.from(written.value) }).toMatchObject({ key, value, collection });
        const range = messageIn(codec.requestFrame(codec.TYPE.GET_STATE_BY_RANGE, of, { one: key, two: end, three: collection }));
        expect(protos.GetStateByRange.decode(range.payload)).toMatchObject({ startKey: key, endKey: end, collection });
      }),
    );
  });

  it('is an answer that the peer reads', () => {
    fc.assert(
      fc.property(transaction, fc.nat(), text, bytes, text, (of, status, message, payload, eventName) => {
        const event = protos.ChaincodeEvent.encode({ eventName, payload });
        const completed = messageIn(codec.completedFrame(of, { status, message, payload }, event));
        expect(completed).toMatchObject({ type: 6, channelId: of.channel, txid: of.txid });
        const response = protos.Response.decode(completed.payload);
        expect({ ...response, payload: Buffer.from(response.payload) }).toMatchObject({ status, message, payload });
        expect(completed.chaincodeEvent?.eventName ?? '').toBe(eventName);
      }),
    );
  });
});

describe('what comes to a chaincode over its socket', () => {
  it('is read as the peer wrote it, whatever the pieces it comes in', () => {
    const message = fc.record({ type: fc.integer({ min: 1, max: 25 }), payload: bytes, txid: text, channelId: text, proposalBytes: bytes });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sent, sizes) => {
        const encoded = sent.map(({ proposalBytes, ...each }) =>
          protos.ChaincodeMessage.encode({ ...each, proposal: { proposalBytes, signature: proposalBytes } }),
        );
        let rest = Buffer.concat(encoded.flatMap((each) => [headOf(FrameKind.message, each.length), each]));
        const read: ReturnType<typeof codec.decodeMessage>[] = [];
        const reader = new frames.FrameReader((_, content) => read.push(codec.decodeMessage(content)));
        for (let at = 0; rest.length > 0; at += 1) {
          const size = sizes[at % sizes.length] ?? 1;
          reader.push(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        const seen = read.map(({ proposal, ...each }) => ({ ...each, proposal: proposal && Buffer.from(proposal) }));
        const signed = (of: Buffer) => Buffer.from(protos.SignedProposal.encode({ proposalBytes: of, signature: of }));
        expect(seen).toEqual(
          sent.map(({ type, payload, txid, channelId, proposalBytes }) => ({
            ...{ type, payload, txid, channel: channelId, proposal: signed(proposalBytes) },
          })),
        );
      }),
    );
  });

  it('is an error when it is cut or runs over', () => {
    const whole = protos.ChaincodeMessage.encode({ type: 5, payload: new Uint8Array(300), txid: 't' });
    for (let end = 3; end < whole.length; end += 1) {
      const cut = Buffer.from(whole.subarray(0, end));
      const known = protos.ChaincodeMessage.decode.bind(protos.ChaincodeMessage);
      const fails = (read: () => unknown): boolean => {
        try {
          read();
          return false;
        } catch {
          return true;
        }
      };
      expect(
        fails(() => codec.decodeMessage(cut)),
        `cut at ${end}`,
      ).toBe(fails(() => known(cut)));
    }
  });
});

describe('requests of one transaction', () => {
  it('go one after another, and those of others at once', () => {
    const turns = new RequestTurns();
    const events: string[] = [];
    const request = (name: string) => ({ send: () => events.push(`send ${name}`), answered: () => events.push(`answer ${name}`) });
    const answer = { type: 13, payload: Buffer.alloc(0), bytes: Buffer.alloc(0) };
    turns.add('a', request('a1'));
    turns.add('a', request('a2'));
    turns.add('b', request('b1'));
    expect(turns.answered('a', answer)).toBe(true);
    expect(turns.answered('c', answer)).toBe(false);
    expect(turns.answered('a', answer)).toBe(true);
    expect(turns.answered('a', answer)).toBe(false);
    turns.add('a', request('a3'));
    expect(events).toEqual(['send a1', 'send b1', 'answer a1', 'send a2', 'answer a2', 'send a3']);
  });

  it('go on after one that the shim could not send', async () => {
    const sent: string[] = [];
    /** As the shim's own: what it cannot send stays at the head of its queue, and nothing behind it is sent. */
    class Handler {
      readonly msgQueueHandler = { txQueues: {} as Record<string, Queued[]> };
      _askPeerAndListen(message: Message): Promise<unknown> {
        return new Promise((resolve, reject) => {
          const { txQueues } = this.msgQueueHandler;
          const transaction = message.getChannelId() + message.getTxid();
          const queue = [...(txQueues[transaction] ?? []), { resolve }];
          txQueues[transaction] = queue;
          if (queue.length > 1) return;
          if (message.unsendable) reject(new Error('cannot be serialized'));
          else sent.push(message.name);
        });
      }
    }
    const handler = new Handler() as Handler & { handleGetState(collection: string, key: string, channel: string, txid: string): unknown };
    const stream = { send: () => sent.push('lean'), deliver: () => handler.msgQueueHandler.txQueues['ct']?.shift()?.resolve('answer') };
    const turns = new RequestTurns();
    leanRequests(handler, stream, { turns, quiet: () => true, shim: { Stub: 0, StateQueryIterator: 0, logger: 0, utils: 0, peer: 0 } });
    const message = (name: string, unsendable = false) => ({ name, unsendable, getChannelId: () => 'c', getTxid: () => 't' });
    const failed = handler._askPeerAndListen(message('first', true));
    const [own, lean] = [handler._askPeerAndListen(message('second')), handler.handleGetState('', 'key', 'c', 't')];
    await expect(failed).rejects.toThrow('cannot be serialized');
    expect(sent).toEqual(['second']);
    const answer = { type: 3, payload: Buffer.from('value'), bytes: Buffer.alloc(0) };
    expect(turns.answered('ct', answer)).toBe(true);
    expect(await own).toBe('answer');
    expect(sent).toEqual(['second', 'lean']);
    expect(turns.answered('ct', { ...answer, type: codec.TYPE.RESPONSE })).toBe(true);
    expect(String(await lean)).toBe('value');
  });
});

interface Queued {
  resolve(answer: unknown): void;
}

interface Message {
  readonly name: string;
  readonly unsendable: boolean;
  getChannelId(): string;
  getTxid(): string;
}
