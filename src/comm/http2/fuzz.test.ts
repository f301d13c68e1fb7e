import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callHead, frame, message, uint32 } from '../../../test/comm/raw-connection.ts';
import { ByteBudget } from '../byte-budget.ts';
import type { Method } from '../method.ts';
import { SERVER_LIMITS } from './limits.ts';
import { Frame, PREFACE } from './protocol.ts';
import { ServerConnection } from './server-connection.ts';

/** Frames of one run of the property; nightly runs ask for more. */
const RUNS = Number(process.env['SELVAGE_FUZZ_RUNS'] ?? 1_500);

/** What a connection needs of a socket, in memory: what is written is counted and gone. */
class Sink extends EventEmitter {
  written = 0;
  writable = true;
  readonly writableLength = 0;

  setNoDelay(): this {
    return this;
  }

  write(bytes: Uint8Array): boolean {
    this.written += bytes.length;
    return true;
  }

  end(): this {
    this.writable = false;
    return this;
  }

  destroy(): this {
    this.writable = false;
    return this;
  }
}

const METHODS = new Map<string, Method>([
  ['/t/Echo', { kind: 'unary', path: '/t/Echo', handle: async (request) => request }],
  [
    '/t/Stream',
    {
      kind: 'bidi',
      path: '/t/Stream',
      handle: async (stream) => {
        for await (const each of stream.incoming) await stream.send(each);
      },
    },
  ],
]);

const stream = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(1, 3, 5) }, { weight: 1, arbitrary: fc.nat(0xffff_ffff) });
const flags = fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 9, 13, 0x25), fc.nat(255));
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom('/t/Echo', '/t/Stream', '/t/Nothing').map((path) => callHead(path)),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => message(bytes)),
  fc.nat(0xffff_ffff).map(uint32),
  fc.tuple(fc.nat(8), fc.nat(0xffff_ffff)).map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)])),
  fc.constant(Buffer.alloc(8)),
);
/** Now and then a frame lies about its length, or stands in the middle of noise. */
const bytes = fc.oneof(
  { weight: 30, arbitrary: fc.tuple(fc.oneof(fc.nat(9), fc.nat(255)), flags, stream, payload).map((parts) => frame(...parts)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
);

describe('whatever frames come', () => {
  it('a connection answers or ends, throws nothing, and gives back what it took', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 60 }), fc.infiniteStream(fc.integer({ min: 1, max: 200 })), async (frames, cuts) => {
        const sink = new Sink();
        const budget = new ByteBudget({ perConnection: 5_000_000, total: 10_000_000 });
        let ended = false;
        const connection = new ServerConnection({
          socket: sink as unknown as Socket,
          limits: { ...SERVER_LIMITS, messageBytes: 1_000_000 },
          budget,
          methods: METHODS,
          refusal: () => ({ code: 2, message: 'refused' }),
          onEnd: () => {
            ended = true;
          },
        });
        const all = Buffer.concat([PREFACE, frame(Frame.SETTINGS, 0, 0), ...frames]);
        for (let at = 0; at < all.length; ) {
          const end = at + (cuts.next().value as number);
          sink.emit('data', all.subarray(at, end));
          at = end;
        }
        await new Promise(setImmediate);
        sink.emit('close');
        await new Promise(setImmediate);
        expect(connection.over).toBe(true);
        expect(ended).toBe(true);
        expect(connection.calls.size).toBe(0);
        expect(budget.held).toBe(0);
        expect(sink.written).toBeLessThan(all.length * 4 + 10_000);
      }),
      { numRuns: RUNS },
    );
  });
});
