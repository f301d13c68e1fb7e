import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { frame, message, uint32 } from '../../../test/comm/raw-connection.ts';
import { Scope } from '../../common/scope.ts';
import { ByteBudget } from '../byte-budget.ts';
import { Http2Client } from './client.ts';
import { encodeHeaders } from './hpack/encoder.ts';
import { ErrorCode, Flag, Frame } from './protocol.ts';

/** A server that says `words` to who connects. */
async function serverThatSays(words: Buffer, scope: Scope): Promise<{ address: string; connected: Promise<Socket> }> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.defer(() => server.close());
  const bound = server.address();
  const connected = once(server, 'connection').then(([socket]: Socket[]) => {
    if (socket === undefined) throw new Error('no connection');
    socket.on('error', () => undefined).write(words);
    scope.defer(() => socket.destroy());
    return socket;
  });
  return { address: `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`, connected };
}

it('a client that is closed closes a connection that takes no further calls, too', async () => {
  await using scope = new Scope();
  const farewell = frame(Frame.GOAWAY, 0, 0, Buffer.concat([uint32(1), uint32(ErrorCode.NO_ERROR)]));
  const question = Buffer.from('heard it');
  const { address, connected } = await serverThatSays(frame(Frame.SETTINGS, 0, 0), scope);
  const client = new Http2Client({ address });
  const { signal } = new AbortController();
  const answer = client.unary('/t/Never', Buffer.from('x'), { signal });
  const socket = await connected;
  await client.ready(200_000);
  socket.write(Buffer.concat([farewell, frame(Frame.PING, 0, 0, question)]));
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) if ((bytes as Buffer).includes(question)) break;
  client[Symbol.dispose]();
  await expect(answer).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  await once(socket.resume(), 'close');
});

it('a dial that several wait for fails none before its time, and keeps none over it', async () => {
  await using scope = new Scope();
  const { address, connected } = await serverThatSays(Buffer.alloc(0), scope);
  using client = new Http2Client({ address });
  const given = new AbortController();
  const patient = client.unary('/t/Never', Buffer.from('x'), { signal: given.signal });
  const outcome = patient.catch((thrown: unknown) => thrown);
  expect(await client.connected(20)).toBe(false);
  const hurried = client.connected(20);
  const socket = await connected;
  expect(await hurried).toBe(false);
  socket.write(frame(Frame.SETTINGS, 0, 0));
  expect(await client.connected(200_000)).toBe(true);
  const reason = new Error('enough');
  given.abort(reason);
  expect(await outcome).toBe(reason);
});

it('a client that is closed ends its dial', async () => {
  await using scope = new Scope();
  const { address, connected } = await serverThatSays(Buffer.alloc(0), scope);
  const client = new Http2Client({ address });
  expect(await client.connected(20)).toBe(false);
  const socket = await connected;
  client[Symbol.dispose]();
  await once(socket.resume(), 'close');
});

it('answers to any number of calls that were given up break nothing', async () => {
  await using scope = new Scope();
  const { address, connected } = await serverThatSays(frame(Frame.SETTINGS, 0, 0), scope);
  using client = new Http2Client({ address });
  await client.ready(200_000);
  const socket = await connected;
  const given = new AbortController();
  const calls = Array.from({ length: 600 }, () =>
    client.unary('/t/Never', Buffer.from('x'), { signal: given.signal }).catch(() => 'given up'),
  );
  await new Promise(setImmediate);
  given.abort(new Error('enough'));
  await Promise.all(calls);
  const head = encodeHeaders([
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ]);
  const answer = (stream: number, code: string): Buffer =>
    Buffer.concat([
      frame(Frame.HEADERS, Flag.END_HEADERS, stream, head),
      frame(Frame.DATA, 0, stream, message(Buffer.from('answer'))),
      frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, encodeHeaders([['grpc-status', code]])),
    ]);
  for (let at = 0; at < 600; at += 1) socket.write(answer(2 * at + 1, '0'));
  const { signal } = new AbortController();
  const next = client.unary('/t/Next', Buffer.from('x'), { signal });
  socket.write(answer(1201, '0'));
  expect(Buffer.from(await next).toString()).toBe('answer');
});

it('an answer of many messages where one is due ends the call with the second', async () => {
  await using scope = new Scope();
  const { address, connected } = await serverThatSays(frame(Frame.SETTINGS, 0, 0), scope);
  using client = new Http2Client({ address });
  await client.ready(10_000);
  const socket = await connected;
  const { signal } = new AbortController();
  const call = client.unary('/t/Chatty', Buffer.from('x'), { signal });
  await new Promise(setImmediate);
  const head = encodeHeaders([
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ]);
  const said = frame(Frame.DATA, 0, 1, message(Buffer.from('and')));
  socket.write(Buffer.concat([frame(Frame.HEADERS, Flag.END_HEADERS, 1, head), said, said]));
  await expect(call).rejects.toThrow('more than one message');
});

it('a call whose answers are counted holds so much of them, and what was read no longer counts', async () => {
  await using scope = new Scope();
  const { address, connected } = await serverThatSays(frame(Frame.SETTINGS, 0, 0), scope);
  using client = new Http2Client({ address });
  await client.ready(10_000);
  const socket = await connected;
  const budget = new ByteBudget({ perConnection: Number.POSITIVE_INFINITY, total: 20_000 });
  const over = new AbortController();
  using counting = budget.open({}, () => over.abort(new Error('too much')));
  const stream = client.bidi('/t/Chatty', { signal: over.signal, counting });
  await new Promise(setImmediate);
  const head = encodeHeaders([
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ]);
  const empties = frame(Frame.DATA, 0, 1, Buffer.concat(new Array(50).fill(message(Buffer.alloc(0)))));
  socket.write(Buffer.concat([frame(Frame.HEADERS, Flag.END_HEADERS, 1, head), empties]));
  const incoming = stream.incoming[Symbol.asyncIterator]();
  for (let at = 0; at < 50; at += 1) await incoming.next();
  expect(budget.held).toBe(0);
  socket.write(Buffer.concat([empties, empties]));
  await expect(once(over.signal, 'abort').then(() => Promise.reject(over.signal.reason))).rejects.toThrow('too much');
  expect(budget.held).toBe(0);
});
