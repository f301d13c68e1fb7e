import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Scope } from '../../common/scope.ts';
import { Output } from './output.ts';
import { FRAME_HEAD_BYTES, Frame } from './protocol.ts';
import { sendWhole } from './send-queue.ts';

const BUFFER_BYTES = 64 * 1024;
const MESSAGE = Buffer.from('a message');

/** What arrives of frames that begin `before` bytes in front of the end of the buffer, which the socket cannot take at once. */
async function sentAcrossTheEnd(before: number): Promise<Buffer> {
  await using scope = new Scope();
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.defer(() => server.close());
  const accepted = once(server, 'connection');
  const address = server.address();
  const socket = connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1' });
  scope.defer(() => socket.destroy());
  const output = new Output(socket); // which does not stand yet, so that it keeps what is written

  for (let left = BUFFER_BYTES - before; left > 0; left -= Math.min(left, 30_000)) output.bytes(Buffer.alloc(Math.min(left, 30_000)));
  sendWhole(output, 1, MESSAGE);
  output.head(4, Frame.WINDOW_UPDATE, 0, 1);
  output.uint32(0x01020304);
  output.flush();
  socket.end();

  const [other] = (await accepted) as [Socket];
  const received: Buffer[] = [];
  for await (const piece of other) received.push(piece as Buffer);
  return Buffer.concat(received).subarray(BUFFER_BYTES - before);
}

it('frames are whole wherever they meet the end of the buffer', async () => {
  const whole = await sentAcrossTheEnd(1_000);
  expect(whole.toString('latin1')).toContain('a message');
  for (let before = 0; before < 2 * FRAME_HEAD_BYTES + 4 + 5 + MESSAGE.length; before += 1)
    expect((await sentAcrossTheEnd(before)).toString('hex'), `${before} bytes before the end`).toBe(whole.toString('hex'));
});
