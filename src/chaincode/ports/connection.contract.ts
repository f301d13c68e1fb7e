import { describe, expect, it } from 'vitest';
import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { listenTo } from '../../common/incoming.ts';
import { protos } from '../../protos/messages.ts';
import { Type } from '../stream/message-types.ts';
import type { ChaincodeConnection, ReceivedMessage } from './connection.ts';

/** A connection and the chaincode's end of it. */
export interface ConnectionFixture {
  readonly peer: ChaincodeConnection;
  readonly chaincode: {
    readonly incoming: AsyncIterable<ReceivedMessage>;
    send(message: Uint8Array): Promise<void>;
    /** Ends the connection the ordinary way. */
    close(): void;
  };
}

const message = (txid: string): Uint8Array => protos.ChaincodeMessage.encode({ type: Type.GET_STATE, txid });

async function txIds(incoming: AsyncIterable<ReceivedMessage>): Promise<string[]> {
  const found: string[] = [];
  for await (const received of incoming) found.push(received.message.txid);
  return found;
}

/** What every ChaincodeConnection promises. Each transport's test file calls this with the real thing. */
export function connectionContract(name: string, open: () => Promise<ConnectionFixture> | ConnectionFixture): void {
  describe(`${name} connection`, () => {
    it('carries messages in order, both ways, with the bytes they came in', async () => {
      const { peer, chaincode } = await open();
      await chaincode.send(message('1'));
      await chaincode.send(message('2'));
      const inbox = peer.incoming[Symbol.asyncIterator]();
      const first = await inbox.next();
      expect(first.value?.message.txid).toBe('1');
      expect(Buffer.from(first.value?.bytes ?? []).equals(message('1'))).toBe(true);
      await peer.send(message('3'));
      const answered = await chaincode.incoming[Symbol.asyncIterator]().next();
      expect(answered.value?.message.txid).toBe('3');
      peer.close();
    });

    it('delivers what was sent before the chaincode closed, then ends', async () => {
      const { peer, chaincode } = await open();
      await chaincode.send(message('1'));
      chaincode.close();
      expect(await txIds(peer.incoming)).toEqual(['1']);
    });

    it('ends both ends when the peer closes, and closing twice is harmless', async () => {
      const { peer, chaincode } = await open();
      const ends = Promise.allSettled([txIds(peer.incoming), txIds(chaincode.incoming)]);
      peer.close(new SelvageError('CHAINCODE_PROTOCOL', 'no more'));
      peer.close();
      await ends;
      await expect(async () => peer.send(message('1'))).rejects.toThrow();
    });

    it('hands messages over to a listener, one when the one before is dealt with, and then the end', async () => {
      const { peer, chaincode } = await open();
      const heard: string[] = [];
      const [busy, first, end] = [deferred<void>(), deferred<void>(), deferred<unknown>()];
      listenTo(peer.incoming, {
        received: ({ message: { txid } }) => {
          heard.push(txid);
          if (txid !== '1') return;
          first.resolve();
          return busy.promise;
        },
        ended: end.resolve,
      });
      for (const txid of ['1', '2', '3']) await chaincode.send(message(txid));
      await first.promise;
      chaincode.close();
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual(['1']);
      busy.resolve();
      expect(await end.promise).toBeUndefined();
      expect(heard).toEqual(['1', '2', '3']);
      peer.close();
    });

    it('lets others have their turn while many small messages come, and keeps their order', async () => {
      const { peer, chaincode } = await open();
      const heard: string[] = [];
      const all = Array.from({ length: 5000 }, (_, index) => String(index));
      const end = deferred<unknown>();
      let [inOneTurn, most] = [0, 0];
      const turn = (): void => {
        inOneTurn = 0;
        if (heard.length < all.length) setImmediate(turn);
      };
      turn();
      listenTo(peer.incoming, {
        received: ({ message: { txid } }) => {
          heard.push(txid);
          inOneTurn += 1;
          most = Math.max(most, inOneTurn);
        },
        ended: end.resolve,
      });
      await Promise.all(all.map((txid) => chaincode.send(message(txid))));
      chaincode.close();
      expect(await end.promise).toBeUndefined();
      expect(heard).toEqual(all);
      expect(most).toBeLessThanOrEqual(512); // 256 at once, twice when the others' turn comes between
      peer.close();
    });

    it('tells a listener of bytes that are no message, and that the peer closed', async () => {
      const { peer, chaincode } = await open();
      const malformed = deferred<unknown>();
      listenTo(peer.incoming, { received: () => undefined, ended: malformed.resolve });
      await chaincode.send(new Uint8Array([0xff, 0xff]));
      expect(await malformed.promise).toMatchObject({ code: 'MALFORMED' });
      peer.close();
      const another = await open();
      const closed = deferred<unknown>();
      listenTo(another.peer.incoming, { received: () => undefined, ended: closed.resolve });
      another.peer.close();
      expect(await closed.promise).toBeUndefined();
    });

    it('fails at bytes that are no message', async () => {
      const { peer, chaincode } = await open();
      await chaincode.send(new Uint8Array([0xff, 0xff]));
      await expect(txIds(peer.incoming)).rejects.toMatchObject({ code: 'MALFORMED' });
      peer.close();
    });

    it('holds a chaincode back that sends more than the peer reads', async () => {
      const { peer, chaincode } = await open();
      const large = protos.ChaincodeMessage.encode({ type: Type.PUT_STATE, payload: new Uint8Array(1024 * 1024) });
      let accepted = 0;
      const flood = Array.from({ length: 200 }, () => chaincode.send(large).then(() => (accepted += 1)));
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(accepted).toBeLessThan(200);
      let received = 0;
      for await (const _ of peer.incoming) {
        received += 1;
        if (received === 200) break;
      }
      await Promise.all(flood);
      peer.close();
    });
  });
}
