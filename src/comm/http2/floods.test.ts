import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callHead, frame, message, RawConnection, uint32 } from '../../../test/comm/raw-connection.ts';
import { deferred } from '../../common/deferred.ts';
import { Scope } from '../../common/scope.ts';
import { ADMISSION_LIMITS, type AdmissionLimits, PER_CALL_BYTES } from '../limits.ts';
import type { Method } from '../method.ts';
import type { CallStatus } from '../status.ts';
import { encodeHeaders } from './hpack/encoder.ts';
import { type ConnectionLimits, SERVER_LIMITS } from './limits.ts';
import { Flag, Frame, Setting } from './protocol.ts';
import { serveWithHttp2 } from './serving.ts';

const LIMITS: ConnectionLimits = {
  ...SERVER_LIMITS,
  calls: 10,
  messageBytes: 1024 * 1024,
  unreadAnswerBytes: 3 * 1024 * 1024,
  headerListBytes: 8 * 1024,
  headerBlockBytes: 16 * 1024,
};

/** What the calls of one connection may hold: two megabytes of requests. */
const ADMISSION: AdmissionLimits = { ...ADMISSION_LIMITS, bytesPerConnection: 2.2 * 1024 * 1024 };

/** So much that other bounds are met first. */
const GENEROUS: Partial<AdmissionLimits> = { bytesPerConnection: 1e9, bytes: 1e9 };

let scope = new Scope();
let port = 0;
let handled = 0;
/** Handlers of `/t/Hang` wait for it. */
let release = deferred<void>();

const METHODS: readonly Method[] = [
  { kind: 'unary', path: '/t/Echo', handle: async (request) => request },
  { kind: 'unary', path: '/t/Large', handle: async () => new Uint8Array(1024 * 1024) },
  {
    kind: 'unary',
    path: '/t/Hang',
    handle: async (request) => {
      handled += 1;
      await release.promise;
      return request;
    },
  },
  { kind: 'bidi', path: '/t/Deaf', handle: () => release.promise },
  {
    kind: 'bidi',
    path: '/t/Talk',
    handle: async (call) => {
      void call.send(new Uint8Array(1_000)); // there is room for it
      await release.promise;
    },
  },
];

const refusal = (thrown: unknown): CallStatus => ({ code: 2, message: String(thrown) });

async function serve(limits: ConnectionLimits, admission: Partial<AdmissionLimits> = {}): Promise<number> {
  const serving = serveWithHttp2({ methods: METHODS, limits: { ...ADMISSION, ...admission }, refusal }, limits);
  const server = createServer((socket) => serving.accept(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.defer(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

beforeEach(async () => {
  handled = 0;
  release = deferred();
  port = await serve(LIMITS);
});
afterEach(async () => {
  release.resolve();
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const open = async (settings: readonly (readonly [number, number])[] = []): Promise<RawConnection> =>
  scope.use(await RawConnection.open(port, settings));

/** Calls of somebody else go on whatever happened. */
async function bystanderIsServed(): Promise<void> {
  const bystander = await open();
  bystander.call(1, '/t/Echo', Buffer.from('hello'));
  expect(await bystander.answered(1)).toBe(true);
}

/** Sends until the server has had enough. */
async function flood(raw: RawConnection, bytes: Uint8Array, times: number): Promise<void> {
  for (let sent = 0; sent < times; sent += 1) await raw.sendAll(bytes);
}

const many = (bytes: Uint8Array, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => bytes));

describe('what costs a client little and us something ends its connection', () => {
  it.each<[string, () => Buffer]>([
    ['PING', () => frame(Frame.PING, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', () => frame(Frame.SETTINGS, 0, 0)],
    ['frames of extensions', () => frame(0x77, 0, 0, Buffer.alloc(3))],
    ['PRIORITY', () => frame(Frame.PRIORITY, 0, 1, Buffer.concat([uint32(3), Buffer.from([1])]))],
    ['acknowledgements', () => frame(Frame.SETTINGS, Flag.ACK, 0)],
    ['answers to pings that nobody sent', () => frame(Frame.PING, Flag.ACK, 0, Buffer.alloc(8))],
  ])('%s without an end', async (_, make) => {
    const raw = await open();
    await flood(raw, many(make(), 1_000), 40);
    expect(await raw.goAway()).toBe('ENHANCE_YOUR_CALM');
    await raw.closed;
    await bystanderIsServed();
  });

  it('empty DATA without an end', async () => {
    const raw = await open();
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Echo')));
    await flood(raw, many(frame(Frame.DATA, 0, 1), 1_000), 40);
    expect(await raw.goAway()).toBe('ENHANCE_YOUR_CALM');
    await bystanderIsServed();
  });

  it.each([
    ['full', 1_000],
    ['empty', 0],
  ])('a header block in %s CONTINUATION frames without an end', async (_, size) => {
    const raw = await open();
    raw.send(frame(Frame.HEADERS, 0, 1, callHead('/t/Echo')));
    await flood(raw, many(frame(Frame.CONTINUATION, 0, 1, Buffer.alloc(size)), 100), 200);
    expect(await raw.goAway()).toBe('ENHANCE_YOUR_CALM');
    await bystanderIsServed();
  });

  it('a header block byte by byte', async () => {
    const raw = await open();
    raw.send(frame(Frame.HEADERS, 0, 1, callHead('/t/Echo')));
    raw.send(many(frame(Frame.CONTINUATION, 0, 1, Buffer.alloc(1)), 200)); // few bytes, and much to remember for each
    expect(await raw.goAway()).toBe('ENHANCE_YOUR_CALM');
    await bystanderIsServed();
  });

  it('streams that are opened and reset, whose handlers still run: those count', async () => {
    const raw = await open();
    for (let at = 0; at < 200; at += 1) {
      const stream = 2 * at + 1;
      raw.call(stream, '/t/Hang', Buffer.from('x'));
      raw.send(frame(Frame.RST_STREAM, 0, stream, uint32(8)));
    }
    expect(await raw.wasReset(399)).toBe('REFUSED_STREAM');
    expect(handled).toBe(LIMITS.calls);
    await bystanderIsServed();
  });

  it('streams that are reset without an end', async () => {
    const raw = await open();
    const pair = (stream: number): Buffer =>
      Buffer.concat([frame(Frame.HEADERS, Flag.END_HEADERS, stream, callHead('/t/Echo')), frame(Frame.RST_STREAM, 0, stream, uint32(8))]);
    for (let at = 0; at < 20_000; at += 100)
      await raw.sendAll(Buffer.concat(Array.from({ length: 100 }, (_, more) => pair(2 * (at + more) + 1))));
    expect(await raw.goAway()).toBe('ENHANCE_YOUR_CALM');
    await bystanderIsServed();
  });

  it('acknowledgements that are asked for and not read', async () => {
    const raw = await open();
    raw.stopReading();
    const malformed = Buffer.from('83', 'hex'); // a method and nothing else, which is reset
    const asks = (stream: number): Buffer =>
      Buffer.concat([frame(Frame.HEADERS, Flag.END_HEADERS, stream, malformed), frame(Frame.PING, 0, 0, Buffer.alloc(8))]);
    for (let at = 0; at < 2_000_000 && !raw.over; at += 1_000)
      await raw.sendAll(Buffer.concat(Array.from({ length: 1_000 }, (_, more) => asks(2 * (at + more) + 1))));
    await raw.closed;
    await bystanderIsServed();
  });
});

describe('memory that a client can take is bounded', () => {
  it('by the limit of a message, before any of it is there', async () => {
    const raw = await open();
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Echo')), frame(Frame.DATA, 0, 1, Buffer.from('00ffffffff', 'hex')));
    expect(await raw.wasReset(1)).toBe('NO_ERROR');
    expect(trailers(raw, 1)).toContain('Received message larger than max (4294967295 vs 1048576)');
    await bystanderIsServed();
  });

  it('by the bytes of all its requests together: the one that holds most ends', async () => {
    const raw = await open();
    const part = message(new Uint8Array(1024 * 1024));
    for (const [stream, length] of [
      [1, 1_000_000],
      [3, 700_000],
      [5, 600_000],
    ] as const) {
      raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, stream, callHead('/t/Echo')));
      for (let at = 0; at < length; at += 16_000)
        await raw.sendAll(frame(Frame.DATA, 0, stream, part.subarray(at, Math.min(length, at + 16_000))));
    }
    expect(await raw.wasReset(1)).toBe('NO_ERROR');
    expect(trailers(raw, 1)).toContain('try again later');
    raw.call(7, '/t/Echo', Buffer.from('still here'));
    expect(await raw.answered(7)).toBe(true);
  });

  it.each(['/t/Echo', '/t/Deaf'])('by the calls that the server may hold, however little each says: %s', async (path) => {
    const room = 4;
    port = await serve(LIMITS, { bytes: room * PER_CALL_BYTES });
    const raw = await open();
    const begin = (stream: number, of: string): void => raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, stream, callHead(of)));
    for (let at = 0; at < room; at += 1) begin(2 * at + 1, '/t/Echo');
    const refused = 2 * room + 1;
    begin(refused, path);
    expect(await raw.wasReset(refused)).toBe('NO_ERROR');
    expect(trailers(raw, refused)).toContain('try again later');
    raw.send(frame(Frame.DATA, Flag.END_STREAM, 1, message(Buffer.from('x'))));
    expect(await raw.answered(1)).toBe(true);
  });

  it('by the answers that it has not read', async () => {
    port = await serve(LIMITS, GENEROUS);
    const raw = await open([[Setting.INITIAL_WINDOW_SIZE, 0]]);
    for (let stream = 1; stream < 12; stream += 2) raw.call(stream, '/t/Large', Buffer.from('x'));
    expect(await raw.goAway()).toBe('ENHANCE_YOUR_CALM');
    await bystanderIsServed();
  });

  it('by the window of a stream that nobody reads', async () => {
    port = await serve(LIMITS, GENEROUS);
    const raw = await open();
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Deaf')));
    const data = frame(Frame.DATA, 0, 1, message(new Uint8Array(16_000)));
    await flood(raw, data, (3 * LIMITS.streamWindow) / data.length);
    expect(await raw.wasReset(1)).toBe('FLOW_CONTROL_ERROR');
    await bystanderIsServed();
  });

  const empties = (bytes: number): Buffer => frame(Frame.DATA, 0, 1, many(message(new Uint8Array()), bytes / 5));

  it('by messages that are empty, of which five bytes are an object each: the sender has to wait for whoever reads', async () => {
    port = await serve(LIMITS, { bytesPerConnection: 1e12, bytes: 1e12 });
    const raw = await open();
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Deaf')));
    await flood(raw, empties(16_000), (0.75 * LIMITS.streamWindow) / 16_000);
    raw.call(3, '/t/Echo', Buffer.from('all of that was read'));
    expect(await raw.answered(3)).toBe(true);
    expect(raw.frames.filter(({ type, stream }) => type === Frame.WINDOW_UPDATE && stream === 1)).toEqual([]);
  });

  it('by messages that are empty: they count for more than their bytes', async () => {
    const raw = await open();
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Deaf')));
    await flood(raw, empties(16_000), 32); // half a megabyte
    expect(await raw.answered(1)).toBe(true);
    expect(raw.frames.some(({ type, stream }) => type === Frame.HEADERS && stream === 1)).toBe(true); // with a status
    await bystanderIsServed();
  });

  it('by the header fields of one call: the call is refused, the connection stays', async () => {
    const raw = await open();
    const large = encodeHeaders([['x', 'y'.repeat(10_000)]]);
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, Buffer.concat([callHead('/t/Echo'), large])));
    expect(await raw.wasReset(1)).toBe('ENHANCE_YOUR_CALM');
    raw.call(3, '/t/Echo', Buffer.from('x'));
    expect(await raw.answered(3)).toBe(true);
  });

  it('by the calls that it has open', async () => {
    const raw = await open();
    for (let stream = 1; stream <= 2 * LIMITS.calls + 1; stream += 2) raw.call(stream, '/t/Hang', Buffer.from('x'));
    expect(await raw.wasReset(2 * LIMITS.calls + 1)).toBe('REFUSED_STREAM');
    release.resolve();
    expect(await raw.answered(1)).toBe(true);
  });

  it('by the time for a handshake', async () => {
    port = await serve(LIMITS, { handshakeMs: 2_000 });
    const silent = scope.use(await RawConnection.silent(port));
    const slow = scope.use(await RawConnection.silent(port));
    slow.send(Buffer.from('PRI * HTTP/2.0\r\n'));
    await Promise.all([silent.closed, slow.closed]);
    await bystanderIsServed();
  });

  it('by the time for an answer to a ping', async () => {
    port = await serve({ ...LIMITS, keepaliveMs: 20, keepaliveTimeoutMs: 20 });
    const raw = await open();
    await raw.closed;
    expect(raw.frames.some(({ type, flags }) => type === Frame.PING && flags === 0)).toBe(true);
  });
});

describe('a unary call', () => {
  it('with two messages is refused and not handled, also when both came at once', async () => {
    const raw = await open();
    const two = Buffer.concat([message(Buffer.from('a')), message(Buffer.from('b'))]);
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Hang')), frame(Frame.DATA, Flag.END_STREAM, 1, two));
    expect(await raw.answered(1)).toBe(true);
    expect(trailers(raw, 1)).toContain('more than one message');
    expect(handled).toBe(0);
  });
});

describe('what was on its way when we ended a stream', () => {
  it('is passed over, of however many streams', async () => {
    const raw = await open();
    const streams = Array.from({ length: 600 }, (_, at) => 2 * at + 1);
    const malformed = Buffer.from('83', 'hex'); // a method and nothing else, which is reset
    for (const stream of streams) raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, stream, malformed));
    expect(await raw.wasReset(1199)).toBe('PROTOCOL_ERROR');
    const trailing = encodeHeaders([['x', 'y']]);
    for (const stream of streams)
      raw.send(
        frame(Frame.DATA, 0, stream, message(new Uint8Array(1_000))),
        frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, trailing),
      );
    raw.call(1201, '/t/Echo', Buffer.from('x'));
    expect(await raw.answered(1201)).toBe(true);
    expect(raw.frames.filter(({ type }) => type === Frame.RST_STREAM).length).toBe(600);
  });

  it('does not take the place of why a message was refused, which waits for a client that reads slowly', async () => {
    const raw = await open([[Setting.INITIAL_WINDOW_SIZE, 0]]);
    raw.send(
      frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Talk')),
      frame(Frame.DATA, 0, 1, Buffer.concat([message(Buffer.from('abc')), Buffer.from('00ffffffff', 'hex')])),
      frame(Frame.DATA, Flag.END_STREAM, 1, Buffer.from('de')),
      frame(Frame.WINDOW_UPDATE, 0, 1, uint32(10_000)),
    );
    expect(await raw.answered(1)).toBe(true);
    expect(trailers(raw, 1)).toContain('Received message larger than max (4294967295 vs 1048576)');
  });

  it('is an error where the other side had ended the stream, and where no call was ever there', async () => {
    for (const stream of [1, 3]) {
      const raw = await open();
      raw.call(1, '/t/Echo', Buffer.from('x'));
      raw.call(5, '/t/Echo', Buffer.from('x'));
      expect([await raw.answered(1), await raw.answered(5)]).toEqual([true, true]);
      raw.send(frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, callHead('/t/Echo')));
      expect(await raw.goAway()).toBe('STREAM_CLOSED');
    }
  });
});

describe('windows', () => {
  it('that become negative stop what is sent until they are positive again', async () => {
    const raw = await open([[Setting.INITIAL_WINDOW_SIZE, 10]]);
    raw.call(1, '/t/Echo', new Uint8Array(35));
    const sent = async (bytes: number): Promise<unknown> => raw.next(() => data(raw, 1) >= bytes);
    await sent(10);
    const smaller = Buffer.concat([Buffer.from([0, Setting.INITIAL_WINDOW_SIZE]), uint32(3)]);
    raw.send(frame(Frame.SETTINGS, 0, 0, smaller), frame(Frame.WINDOW_UPDATE, 0, 1, uint32(5)), frame(Frame.PING, 0, 0, Buffer.alloc(8)));
    await raw.next(({ type, flags }) => type === Frame.PING && flags === Flag.ACK);
    expect(data(raw, 1)).toBe(10);
    raw.send(frame(Frame.WINDOW_UPDATE, 0, 1, uint32(4)));
    await sent(12);
    expect(data(raw, 1)).toBe(12);
    raw.send(frame(Frame.WINDOW_UPDATE, 0, 1, uint32(1_000)));
    expect(await raw.answered(1)).toBe(true);
    expect(data(raw, 1)).toBe(40);
  });

  it.each([
    ['of the connection', 0, 'goAway'],
    ['of a stream', 1, 'wasReset'],
  ] as const)('%s over 2^31-1 are refused', async (_, stream, how) => {
    const raw = await open();
    raw.send(frame(Frame.HEADERS, Flag.END_HEADERS, 1, callHead('/t/Hang')), frame(Frame.WINDOW_UPDATE, 0, stream, uint32(0x7fff_ffff)));
    expect(await raw[how](stream)).toBe('FLOW_CONTROL_ERROR');
  });
});

describe('a server that winds down', () => {
  it('takes no further calls, and closes when those that are open are answered', async () => {
    const serving = serveWithHttp2({ methods: METHODS, limits: ADMISSION, refusal }, LIMITS);
    const server = createServer((socket) => serving.accept(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    scope.defer(() => server.close());
    const address = server.address();
    const raw = scope.use(await RawConnection.open(typeof address === 'object' && address !== null ? address.port : 0));
    raw.call(1, '/t/Hang', Buffer.from('x'));
    await raw.next(({ type, flags }) => type === Frame.SETTINGS && flags === Flag.ACK);
    while (handled === 0) await new Promise(setImmediate);
    serving.windDown();
    expect(await raw.goAway()).toBe('NO_ERROR');
    raw.call(3, '/t/Echo', Buffer.from('x'));
    expect(await raw.wasReset(3)).toBe('REFUSED_STREAM');
    release.resolve();
    expect(await raw.answered(1)).toBe(true);
    await raw.closed;
  });
});

const data = ({ frames }: RawConnection, stream: number): number =>
  frames.filter((each) => each.type === Frame.DATA && each.stream === stream).reduce((sum, { payload }) => sum + payload.length, 0);

const trailers = ({ frames }: RawConnection, stream: number): string =>
  frames
    .filter((each) => each.type === Frame.HEADERS && each.stream === stream)
    .map(({ payload }) => payload.toString('latin1'))
    .join();
