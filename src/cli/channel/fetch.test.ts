import { afterEach, describe, expect, it } from 'vitest';
import { type DeliveryScript, deliveringPeer, signer } from '../../../test/fakes/delivering-peer.ts';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { Scope } from '../../common/scope.ts';
import { fetchBlock } from './fetch.ts';

const never = { signal: new AbortController().signal };

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function asking(script: DeliveryScript) {
  const { peer, delivered } = await deliveringPeer(script, scope);
  const timers = new FakeTimers();
  const fetch = (which: string) => fetchBlock({ source: peer, signer, channelId: 'c', tlsCertHash: undefined, timers }, which, never);
  return { fetch, timers, delivered };
}

describe('a block that is fetched', () => {
  it('is the one that was asked for', async () => {
    const { fetch } = await asking([4n, 'end']);
    expect((await fetch('4')).header?.number).toBe(4n);
  });

  it('is the newest, whatever its number', async () => {
    const { fetch } = await asking([17n, 'end']);
    expect((await fetch('newest')).header?.number).toBe(17n);
  });

  it('is refused when it is another one', async () => {
    const { fetch } = await asking([5n, 'end']);
    await expect(fetch('4')).rejects.toMatchObject({
      code: 'BLOCK_INVALID',
      message: expect.stringMatching(/^the peer at 127\.0\.0\.1:\d+ delivered block 5 of channel c where block 4 was asked for$/),
    });
  });

  it('is given up when nothing comes for a minute', async () => {
    const { fetch, timers, delivered } = await asking([]);
    const hangs = expect(fetch('4')).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringMatching(/does not deliver block 4 of channel c: nothing came for 60 s$/),
    });
    await delivered;
    await timers.advance(60_000);
    await hangs;
  });
});
