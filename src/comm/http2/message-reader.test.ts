import { describe, expect, it } from 'vitest';
import { MessageReader } from './message-reader.ts';

const MIB = 1024 * 1024;

/** A message as a stream carries it. */
function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe('reading the messages of a stream', () => {
  const messages = [0, 1, 4, 5, 100, 3_000, 70_000].map((length, index) => Buffer.alloc(length, index + 1));
  const all = Buffer.concat(messages.map(framed));

  it.each([1, 2, 3, 7, 1_000, 16_384, all.length])('gives them whole, in pieces of %i bytes', (step) => {
    const reader = new MessageReader(MIB);
    const taken: Buffer[] = [];
    for (let at = 0; at < all.length; at += step) reader.read(all, at, Math.min(at + step, all.length), (message) => taken.push(message));
    expect(taken.map((message) => message.length)).toEqual(messages.map((message) => message.length));
    for (const [index, message] of taken.entries()) expect(message.equals(messages[index] as Buffer)).toBe(true);
    expect(reader.betweenMessages).toBe(true);
  });

  it('keeps memory for four times what came at most, whatever was claimed, and for no more than the message', () => {
    const message = Buffer.alloc(3 * MIB, 7);
    const bytes = framed(message);
    const reader = new MessageReader(100 * MIB);
    let taken: Buffer | undefined;
    for (let at = 0; at < bytes.length; at += 10_000) {
      reader.read(bytes, at, Math.min(at + 10_000, bytes.length), (whole) => {
        taken = whole;
      });
      expect(reader.held).toBeLessThanOrEqual(Math.min(message.length, 4 * (at + 10_000)));
    }
    expect(taken?.equals(message)).toBe(true);
    expect(taken?.buffer.byteLength).toBe(message.length);
    expect(reader.held).toBe(0);
  });
});
