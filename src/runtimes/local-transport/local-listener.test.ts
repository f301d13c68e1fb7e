import { once } from 'node:events';
import { mkdtemp, open as openFile, readdir, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connectionContract } from '../../chaincode/ports/connection.contract.ts';
import { type ChaincodeConnection, receiveMessages } from '../../chaincode/ports/connection.ts';
import { ByteBudget } from '../../comm/byte-budget.ts';
import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { protos } from '../../protos/messages.ts';
import { type Frame, FrameKind, headOf } from './frames.ts';
import { LocalListener } from './local-listener.ts';

const open = new Scope();
afterAll(() => open[Symbol.asyncDispose]());

const linux = process.platform === 'linux';
const MEGABYTE = 1024 * 1024;

/** A listener in a folder of its own, and the connections that came to it. */
async function listening({ perConnection = 300 * MEGABYTE, below = '' } = {}) {
  const parent = await mkdtemp(join(tmpdir(), 'selvage-local-'));
  open.defer(() => rm(parent, { recursive: true, force: true }));
  const folder = below === '' ? parent : await mkdtemp(join(parent, below));
  const accepted: ChaincodeConnection[] = [];
  const over = deferred<void>();
  const arrivals = new EventTarget();
  const budget = new ByteBudget({ perConnection, total: 2 * perConnection });
  const listener = await LocalListener.open({
    folder,
    ccid: 'cc:1',
    accept: (connection) => {
      accepted.push(connection);
      arrivals.dispatchEvent(new Event('arrived'));
      return over.promise;
    },
    processes: async () => [],
    budget,
    log: silent,
  });
  if (listener === undefined) throw new Error('there is no socket');
  open.use(listener);
  open.defer(() => over.resolve());
  const arrived = async (count: number): Promise<ChaincodeConnection> => {
    while (accepted.length < count) await new Promise((resolve) => arrivals.addEventListener('arrived', resolve, { once: true }));
    return accepted[count - 1] as ChaincodeConnection;
  };
  return { listener, folder, accepted, arrived, over, budget };
}

/** What a chaincode says by hand. */
class Raw {
  readonly #socket: Socket;
  readonly #closed: Promise<unknown>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
  }

  /** Reads on, and resolves when it is hung up on. */
  async gone(): Promise<void> {
    this.#socket.resume();
    await this.#closed;
  }

  static async to(path: string): Promise<Raw> {
    const socket = connect(path);
    await once(socket, 'connect');
    open.defer(() => socket.destroy());
    return new Raw(socket);
  }

  bytes(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
  }

  frame(kind: number, content: Uint8Array = new Uint8Array(0)): Promise<void> {
    return this.bytes(Buffer.concat([headOf(kind, content.length), content]));
  }

  /** Hangs up without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  async *frames(): AsyncGenerator<Frame> {
    let rest = Buffer.alloc(0);
    for await (const chunk of this.#socket) {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const head = rest.length < 4 ? undefined : rest.readUInt32BE(0);
        const end = head === undefined ? 0 : 4 + (head & 0xfffffff);
        if (head === undefined || rest.length < end) break;
        yield { kind: head >>> 28, content: rest.subarray(4, end) };
        rest = rest.subarray(end);
      }
    }
  }

  async *messages(): AsyncGenerator<Uint8Array> {
    for await (const { kind, content } of this.frames()) {
      if (kind === FrameKind.message) yield content;
      else if (kind === FrameKind.end) return;
    }
  }
}

async function connected(options?: Parameters<typeof listening>[0]) {
  const at = await listening(options);
  const raw = await Raw.to(at.listener.path);
  return { ...at, raw, peer: await at.arrived(1) };
}

connectionContract('local', async () => {
  const { peer, raw } = await connected();
  return {
    peer,
    chaincode: {
      incoming: receiveMessages(raw.messages()),
      send: (message) => raw.frame(FrameKind.message, message),
      close: () => void raw.frame(FrameKind.end),
    },
  };
});

const drained = async (incoming: ChaincodeConnection['incoming']): Promise<number> => {
  let count = 0;
  for await (const _ of incoming) count += 1;
  return count;
};
const message = (txid: string, size = 0): Uint8Array => protos.ChaincodeMessage.encode({ type: 9, txid, payload: new Uint8Array(size) });
const reasonOf = (ended: Promise<unknown>): Promise<string> =>
  ended.then(
    () => 'ended',
    (thrown: unknown) => SelvageError.from(thrown).message,
  );

describe('the socket of a chaincode', () => {
  it('is for one chaincode, and tells it why it is hung up on', async () => {
    const { peer, raw } = await connected();
    expect(peer.madeFor).toBe('cc:1');
    peer.close(new SelvageError('CHAINCODE_PROTOCOL', 'duplicate chaincodeID: cc:1'));
    const heard: Frame[] = [];
    for await (const frame of raw.frames()) heard.push(frame);
    expect(heard.map(({ kind, content }) => [kind, content.toString('utf8', 1)])).toEqual([[FrameKind.end, 'duplicate chaincodeID: cc:1']]);
  });

  it('goes with its instance, and leaves no connection behind', async () => {
    const { listener, raw, folder, peer } = await connected();
    const ended = reasonOf(drained(peer.incoming));
    await listener[Symbol.asyncDispose]();
    await raw.gone();
    expect(await ended).toContain('the call of the chaincode broke');
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(!linux)('lies in a folder whose name is too long for sockets (skipped without Linux)', async () => {
    const { folder, arrived, listener } = await listening({ below: 'x'.repeat(120) });
    expect(listener.path).toBe(join(folder, 'peer.sock'));
    await using entered = await openFile(folder);
    const raw = await Raw.to(`/proc/self/fd/${entered.fd}/peer.sock`);
    expect((await arrived(1)).madeFor).toBe('cc:1');
    raw.destroy();
  });

  it('ends at a message that is too long, in the words of gRPC, before any of it has come', async () => {
    const { peer, raw } = await connected();
    await raw.bytes(headOf(FrameKind.message, 100 * MEGABYTE + 1));
    expect(await reasonOf(drained(peer.incoming))).toMatch(
      /broke: RESOURCE_EXHAUSTED: Received message larger than max \(104857601 vs 104857600\)\nA message of 104857601 bytes came/,
    );
    await raw.gone();
  });

  it.each([
    ['a kind that is none', headOf(9, 0)],
    ['an answer with content', headOf(FrameKind.pong, 1)],
    ['a long word of greeting', headOf(FrameKind.hello, 1000)],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ])('ends at %s', async (_, bytes) => {
    const { peer, raw } = await connected();
    await raw.bytes(bytes);
    expect(await reasonOf(drained(peer.incoming))).toMatch(/^the call of the chaincode broke: /);
    await raw.gone();
    await expect(peer.send(message('late'))).rejects.toThrow();
  });

  it('gives what came whole before a frame that was cut', async () => {
    const { peer, raw } = await connected();
    const whole = message('whole');
    const cut = Buffer.concat([headOf(FrameKind.message, whole.length), whole, headOf(FrameKind.message, 1000), Buffer.alloc(10)]);
    for (const byte of cut.subarray(0, 20)) await raw.bytes(Buffer.of(byte));
    await raw.bytes(cut.subarray(20));
    const inbox = peer.incoming[Symbol.asyncIterator]();
    expect((await inbox.next()).value?.message.txid).toBe('whole');
    raw.destroy();
    expect(await reasonOf(inbox.next())).toMatch(/^the call of the chaincode broke: /);
  });

  it('has few connections at a time, so that those who never speak cost little', async () => {
    const { listener, arrived, accepted } = await listening();
    const silentOnes = await Promise.all(Array.from({ length: 4 }, () => Raw.to(listener.path)));
    await arrived(4);
    const refused = await Raw.to(listener.path);
    await refused.gone();
    expect(accepted).toHaveLength(4);
    silentOnes[0]?.destroy();
    await reasonOf(drained((accepted[0] as ChaincodeConnection).incoming));
    const next = await Raw.to(listener.path);
    expect((await arrived(5)).madeFor).toBe('cc:1');
    next.destroy();
  });

  it('lets senders wait for a chaincode that never reads, and fails them when it is gone', async () => {
    const { peer, raw } = await connected();
    let sent = 0;
    const send = async (): Promise<void> => {
      await peer.send(message('x', MEGABYTE));
      sent += 1;
    };
    const sends = Promise.allSettled(Array.from({ length: 20 }, send));
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(sent).toBe(0);
    raw.destroy();
    expect((await sends).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('ends a connection that makes the peer hold more than an instance may', async () => {
    const { peer, raw } = await connected({ perConnection: 4 * MEGABYTE });
    await raw.bytes(headOf(FrameKind.message, 90 * MEGABYTE));
    void raw.bytes(new Uint8Array(8 * MEGABYTE));
    expect(await reasonOf(drained(peer.incoming))).toContain('the peer holds as much for its chaincode as it may');
  });

  it('holds nothing of what was read, however long it lasts', async () => {
    const { peer, raw, budget } = await connected();
    await raw.frame(FrameKind.hello, Buffer.from('lean'));
    const inbox = peer.incoming[Symbol.asyncIterator]();
    const one = message('1');
    await raw.bytes(Buffer.concat(Array.from({ length: 300 }, () => Buffer.concat([headOf(FrameKind.message, one.length), one]))));
    for (let at = 0; at < 300; at += 1) await inbox.next();
    await raw.frame(FrameKind.message, one);
    await inbox.next();
    const asked = peer.responds?.(200_000);
    await raw.frame(FrameKind.pong);
    await asked;
    expect(budget.held).toBe(0);
  });

  it('knows whether the process at its end still takes part', async () => {
    const { peer, raw } = await connected();
    const frames = raw.frames();
    expect(await peer.responds?.(1)).toBe(false);
    expect((await frames.next()).value?.kind).toBe(FrameKind.ping);
    const asked = peer.responds?.(200_000);
    expect((await frames.next()).value?.kind).toBe(FrameKind.ping);
    await raw.frame(FrameKind.pong);
    expect(await asked).toBe(true);
    const again = peer.responds?.(200_000);
    raw.destroy();
    expect(await again).toBeUndefined();
    expect(await peer.responds?.(1)).toBeUndefined();
  });
});
