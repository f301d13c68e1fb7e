import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { frame, uint32 } from '../../../test/comm/raw-connection.ts';
import { Scope } from '../../common/scope.ts';
import { Http2Client } from './client.ts';
import { ErrorCode, Frame } from './protocol.ts';

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
  await client.ready(10_000);
  socket.write(Buffer.concat([farewell, frame(Frame.PING, 0, 0, question)]));
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) if ((bytes as Buffer).includes(question)) break;
  client[Symbol.dispose]();
  await expect(answer).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  await once(socket.resume(), 'close');
});
