import { once } from 'node:events';
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../common/deferred.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { GrpcClient } from './client.ts';
import { ADMISSION_LIMITS, type AdmissionLimits } from './limits.ts';
import type { Method } from './method.ts';
import { listen } from './server.ts';

const never = new AbortController().signal;
const MIB = 1024 * 1024;
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const echo: Method = { kind: 'unary', path: '/t/Echo', handle: async (request) => request };

async function serve(limits: Partial<AdmissionLimits>, ...methods: Method[]) {
  const all = { ...ADMISSION_LIMITS, ...limits };
  const { port } = scope.use(await listen({ address: '127.0.0.1:0', methods: [echo, ...methods], limits: all, log: silent }));
  return {
    port,
    client: scope.use(new GrpcClient({ address: `127.0.0.1:${port}` })),
    /** A connection without the manners of a gRPC library. */
    raw: () => {
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on('error', () => undefined);
      scope.defer(() => session.destroy());
      return {
        call: (path: string, headers: Record<string, string> = {}) => {
          const stream = session.request({
            ':method': 'POST',
            ':path': path,
            'content-type': 'application/grpc',
            te: 'trailers',
            ...headers,
          });
          stream.on('error', () => undefined);
          return stream;
        },
      };
    },
  };
}

/** The beginning of a message that claims to be `bytes` long. */
function prefix(bytes: number, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(bytes, 1);
  return head;
}

/** The status that a call ends with: in its trailers, or in its headers when there is nothing else. */
function statusOf(stream: ClientHttp2Stream): Promise<{ readonly status: unknown; readonly message: unknown }> {
  const found = deferred<{ status: unknown; message: unknown }>();
  const look = (headers: Record<string, unknown>): void => {
    if (headers['grpc-status'] !== undefined) found.resolve({ status: headers['grpc-status'], message: headers['grpc-message'] });
  };
  stream.on('response', look);
  stream.on('trailers', look);
  stream.once('close', () => found.resolve({ status: `closed with ${stream.rstCode}`, message: '' }));
  stream.resume();
  return found.promise;
}

const closed = async (socket: Socket): Promise<void> => {
  socket.on('error', () => undefined);
  if (!socket.destroyed) await once(socket, 'close');
};

describe('a server that strangers reach', () => {
  it('closes a connection that says nothing, and keeps one that does', async () => {
    const { port, client } = await serve({ handshakeMs: 2_000 });
    await client.ready(200_000);
    await closed(connect(port, '127.0.0.1').resume());
    expect([...(await client.unary('/t/Echo', new Uint8Array([1]), { signal: never }))]).toEqual([1]);
  });

  it('closes the oldest connection that does nothing when there are too many', async () => {
    const waiting = deferred<void>();
    scope.defer(() => waiting.resolve());
    const started = deferred<void>();
    const { port, client, raw } = await serve(
      { connections: 3 },
      {
        kind: 'bidi',
        path: '/t/Wait',
        handle: async () => {
          started.resolve();
          await waiting.promise;
        },
      },
    );
    const busy = raw().call('/t/Wait');
    await started.promise;
    const idle = connect(port, '127.0.0.1').resume();
    await once(idle, 'connect');
    const second = connect(port, '127.0.0.1').resume();
    await once(second, 'connect');
    await client.unary('/t/Echo', new Uint8Array([1]), { signal: never });
    await closed(idle);
    expect([second.destroyed, busy.destroyed]).toEqual([false, false]);
  });

  it('ends the largest request when they hold too much, and serves the small ones', async () => {
    const { client, raw } = await serve({ bytesPerConnection: 3 * MIB, bytes: 4 * MIB });
    const largest = raw().call('/t/Echo');
    const ended = statusOf(largest);
    largest.write(Buffer.concat([prefix(90 * MIB), Buffer.alloc(2.5 * MIB)]));
    const others = Array.from({ length: 4 }, () => {
      const stream = raw().call('/t/Echo');
      const status = statusOf(stream);
      stream.write(Buffer.concat([prefix(90 * MIB), Buffer.alloc(0.6 * MIB)]));
      return { stream, status };
    });
    expect(await ended).toEqual({ status: '8', message: expect.stringContaining('try again later') });
    expect([...(await client.unary('/t/Echo', new Uint8Array([7]), { signal: never }))]).toEqual([7]);
    expect(others.map(({ stream }) => stream.destroyed)).toEqual([false, false, false, false]);
  });

  it('lets any number of messages through a stream that is read', async () => {
    const { client } = await serve(
      { bytesPerConnection: 3 * MIB, bytes: 4 * MIB },
      {
        kind: 'bidi',
        path: '/t/Count',
        handle: async (stream) => {
          for await (const message of stream.incoming) await stream.send(message.subarray(0, 1));
        },
      },
    );
    using stream = client.bidi('/t/Count', { signal: never });
    let answers = 0;
    const answered = (async () => {
      for await (const _ of stream.incoming) answers += 1;
    })();
    for (let sent = 0; sent < 40; sent += 1) await stream.send(new Uint8Array(MIB));
    stream.end();
    await answered;
    expect(answers).toBe(40);
  });

  it('takes no more for a call than its method ever needs', async () => {
    const small: Method = { ...echo, path: '/t/Small', mostHeld: MIB };
    const { client } = await serve({}, small);
    expect((await client.unary('/t/Small', new Uint8Array(900_000), { signal: never })).length).toBe(900_000);
    await expect(client.unary('/t/Small', new Uint8Array(1.5 * MIB), { signal: never })).rejects.toMatchObject({
      details: { grpcStatus: 8 },
    });
  });

  it('unpacks nothing', async () => {
    let served = 0;
    const { raw } = await serve(
      {},
      {
        kind: 'unary',
        path: '/t/Any',
        handle: async (request) => {
          served += 1;
          return request;
        },
      },
    );
    const packed = gzipSync(Buffer.alloc(50 * MIB));
    const stream = raw().call('/t/Any', { 'grpc-encoding': 'gzip', 'selvage-call': '0' });
    const ended = statusOf(stream);
    stream.end(Buffer.concat([prefix(packed.length, 1), packed]));
    expect((await ended).status).toBe('12');
    expect(served).toBe(0);
  });
});
