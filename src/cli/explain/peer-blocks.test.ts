import { afterEach, describe, expect, it } from 'vitest';
import { type DeliveryScript, deliveringPeer, signer } from '../../../test/fakes/delivering-peer.ts';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { deferred } from '../../common/deferred.ts';
import { Scope } from '../../common/scope.ts';
import type { common } from '../../protos/messages.ts';
import { PeerBlocks } from './peer-blocks.ts';

const never = { signal: new AbortController().signal };

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function peerWith(script: DeliveryScript) {
  const { peer, asked } = await deliveringPeer(script, scope);
  const timers = new FakeTimers();
  return { blocks: new PeerBlocks({ peer, signer }, { channelId: 'c', tlsCertHash: undefined, timers }), timers, asked };
}

async function numbersOf(blocks: AsyncIterable<common.Block>): Promise<(bigint | undefined)[]> {
  const numbers: (bigint | undefined)[] = [];
  for await (const { header } of blocks) numbers.push(header?.number);
  return numbers;
}

describe('the blocks that a peer delivers', () => {
  it('are those that it was asked for', async () => {
    const { blocks } = await peerWith([4n, 5n, 6n, 'end']);
    expect(await numbersOf(blocks.blocks({ first: 4n, last: 6n }, never))).toEqual([4n, 5n, 6n]);
  });

  it.each([
    { delivered: [5n], told: /127\.0\.0\.1:\d+ delivered block 5 of channel c where block 4 comes/ },
    { delivered: [4n, 4n], told: /delivered block 4 of channel c where block 5 comes/ },
    { delivered: [4n, 5n, 6n, 7n], told: /delivered block 7 of channel c after the last that was asked for, 6/ },
  ])('are refused when they are others: $delivered', async ({ delivered, told }) => {
    const { blocks } = await peerWith(delivered);
    await expect(numbersOf(blocks.blocks({ first: 4n, last: 6n }, never))).rejects.toMatchObject({
      code: 'BLOCK_INVALID',
      message: expect.stringMatching(told),
    });
  });

  it('may come slowly, until nothing comes for a minute', async () => {
    const may = [deferred<void>(), deferred<void>()];
    const { blocks, timers } = await peerWith(
      (async function* () {
        for (const [index, { promise }] of may.entries()) {
          await promise;
          yield BigInt(index);
        }
      })(),
    );
    const reading = blocks.blocks({ first: 0n, last: 2n }, never)[Symbol.asyncIterator]();
    for (const { resolve } of may) {
      const next = reading.next();
      await timers.advance(40_000);
      resolve();
      await next;
    }
    const hangs = expect(reading.next()).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringMatching(/^the peer at .* does not deliver blocks 0 to 2 of channel c: nothing came for 60 s$/),
    });
    await timers.advance(60_000);
    await hangs;
  });

  it('are given up with a peer that does not answer', async () => {
    const { blocks, timers, asked } = await peerWith([]);
    const hangs = Promise.all([
      expect(blocks.height(never)).rejects.toThrow(/does not tell the height of channel c: nothing came for 60 s$/),
      expect(blocks.blockOf('tx', never)).rejects.toThrow(/which block of channel c has the transaction: nothing came for 60 s$/),
    ]);
    await asked;
    await timers.advance(60_000);
    await hangs;
  });
});
