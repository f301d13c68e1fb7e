import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { issue } from '../../test/certificates.ts';
import { freePort, listenAgain } from '../../test/free-ports.ts';
import { deferred } from '../common/deferred.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { GrpcClient } from './client.ts';
import type { ByteStream, CallContext, Method } from './method.ts';
import { type GrpcServer, listen } from './server.ts';
import type { ServerTls } from './tls.ts';

const never = new AbortController().signal;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const echo: Method = { kind: 'unary', path: '/t/Echo', handle: async (request) => request };

async function serverTls(): Promise<ServerTls> {
  const { pem, privateKey } = await issue({ subject: 'CN=server' });
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem };
}

const address = async (): Promise<string> => `127.0.0.1:${await freePort()}`;

/** Resolves when the server is gone and its port is free again. */
async function gone(server: GrpcServer): Promise<void> {
  const { port } = server;
  await server[Symbol.asyncDispose]();
  scope.use(await listenAgain(() => listen({ address: `127.0.0.1:${port}`, methods: [], log: silent })));
}

async function dial(server: GrpcServer): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  scope.defer(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header field with an indexed name and a literal value. */
const header = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from(name, 'hex'), Buffer.from([value.length]), Buffer.from(value)]);

describe('a server that is told to stop', () => {
  it('ends when clients close their connections around the stop', async () => {
    const server = await listen({ address: await address(), methods: [echo], log: silent });
    const sessions = Array.from({ length: 60 }, () => connectHttp2(`http://127.0.0.1:${server.port}`));
    await Promise.all(
      sessions.map(async (session) => {
        session.on('error', () => undefined);
        await once(session, 'remoteSettings');
      }),
    );
    for (const [at, session] of sessions.entries()) {
      if (at % 4 === 0) session.close();
      else if (at % 4 === 1) session.destroy();
      else if (at % 4 === 2) session.destroy(undefined, constants.NGHTTP2_CANCEL);
      if (at % 5 === 0) await new Promise(setImmediate);
    }
    const stopped = gone(server);
    for (const session of sessions) session.destroy();
    await stopped;
  });

  // grpc-js 1.14 waits for ever for a session that is destroyed already and not yet taken from its list.
  it.each<[string, (socket: Socket) => void]>([
    ['ends its half', (socket) => socket.end()],
    ['breaks off', (socket) => socket.resetAndDestroy()],
    ['says that it gives up', (socket) => socket.write(frame(7, 0, 0, Buffer.from('0000000000000008', 'hex')))],
  ])('ends when the stop comes in the very moment in which a client %s', async (_, leave) => {
    const serving = deferred<void>();
    const stopped = deferred<Promise<void>>();
    const handle = async (_stream: ByteStream, { signal }: CallContext): Promise<void> => {
      signal.addEventListener('abort', () => stopped.resolve(gone(server)));
      serving.resolve();
      await stopped.promise;
    };
    const server = await listen({ address: await address(), methods: [{ kind: 'bidi', path: '/t/Stay', handle }], log: silent });
    const socket = await dial(server);
    const headers = Buffer.concat([
      Buffer.from('8386', 'hex'),
      header('04', '/t/Stay'),
      header('01', 'us'),
      header('0f10', 'application/grpc'),
    ]);
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(4, 0, 0, Buffer.alloc(0)), frame(1, 4, 1, headers)]));
    await serving.promise;
    leave(socket);
    await stopped.promise;
  });

  it.each(['without', 'with'])('ends while clients are silent, half-open or in the middle of a frame, %s TLS', async (tls) => {
    const server = await listen({
      address: await address(),
      tls: tls === 'with' ? await serverTls() : undefined,
      methods: [echo],
      log: silent,
    });
    const silentOne = await dial(server);
    const halfOpen = await dial(server);
    halfOpen.end();
    const stuck = await dial(server);
    stuck.write(`${PREFACE}\0\0`);
    if (tls === 'with') {
      const handshaken = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
      handshaken.on('error', () => undefined);
      await once(handshaken, 'secureConnect');
      handshaken.write(PREFACE);
    }
    silentOne.resume();
    const closed = once(silentOne, 'close');
    await gone(server);
    await closed;
  });

  it('ends while a client floods it', async () => {
    const server = await listen({ address: await address(), methods: [echo], log: silent });
    const socket = await dial(server);
    socket.write(PREFACE);
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const pings = Buffer.concat([
      settings,
      ...Array.from({ length: 500 }, () => Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])),
    ]);
    let flooding = true;
    const flood = (): void => {
      if (flooding && socket.writable) socket.write(pings, () => setImmediate(flood));
    };
    flood();
    await gone(server);
    flooding = false;
  });

  it('lets a call that is nearly done have its answer', async () => {
    const begun = deferred<void>();
    const answer = deferred<void>();
    const handle = async (request: Uint8Array): Promise<Uint8Array> => {
      begun.resolve();
      await answer.promise;
      return request;
    };
    const server = await listen({ address: await address(), methods: [{ kind: 'unary', path: '/t/Slow', handle }], log: silent });
    const client = scope.use(new GrpcClient({ address: `127.0.0.1:${server.port}` }));
    const call = client.unary('/t/Slow', new Uint8Array([7]), { signal: never });
    await begun.promise;
    const stopped = gone(server);
    answer.resolve();
    expect([...(await call)]).toEqual([7]);
    await stopped;
  });
});
