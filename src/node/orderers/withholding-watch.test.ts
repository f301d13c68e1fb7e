import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../../common/deferred.ts';
import { silent } from '../../common/log.ts';
import { common } from '../../protos/messages.ts';
import { type HeaderSource, WithholdingWatch } from './withholding-watch.ts';

const header = (number: bigint): common.Block => common.Block.decode(common.Block.encode({ header: { number } }));

/** Time that passes when the test says so: each pause that begins is given to who waits for the next one. */
class Pauses {
  readonly #begun: { readonly ms: number; readonly over: Deferred<void> }[] = [];
  #waiting: (() => void) | undefined;

  readonly pause = (ms: number, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return Promise.reject(signal.reason);
    const over = deferred<void>();
    this.#begun.push({ ms, over });
    this.#waiting?.();
    return Promise.race([over.promise, once(signal, 'abort').then(() => Promise.reject(signal.reason))]);
  };

  /** Lets the next pause of that length be over, which may have to begin first. */
  async pass(ms: number): Promise<void> {
    for (;;) {
      const at = this.#begun.findIndex((each) => each.ms === ms);
      const [found] = at < 0 ? [] : this.#begun.splice(at, 1);
      if (found !== undefined) return found.over.resolve();
      await this.#another();
    }
  }

  /** Resolves when a pause of that length has begun. */
  async begun(ms: number): Promise<void> {
    while (!this.#begun.some((each) => each.ms === ms)) await this.#another();
  }

  #another(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

/** A witness with headers up to a number; after that it waits. */
function witness(last: bigint): HeaderSource & { readonly from: bigint[] } {
  const from: bigint[] = [];
  return {
    address: 'witness:7050',
    from,
    headers: async function* (start, { signal }) {
      from.push(start);
      for (let number = start; number <= last; number += 1n) yield header(number);
      await once(signal, 'abort');
    },
  };
}

function watch(others: readonly HeaderSource[]) {
  const proven: bigint[] = [];
  const time = new Pauses();
  const made = new WithholdingWatch({
    from: 5n,
    source: 'source:7050',
    others,
    prove: async (_, number) => void proven.push(number),
    withheldMs: 30_000,
    log: silent,
    pause: time.pause,
  });
  return { made, proven, time };
}

const left = (signal: AbortSignal): Promise<unknown> => (signal.aborted ? Promise.resolve() : once(signal, 'abort'));

describe('the watch over a source of blocks', () => {
  it('asks nobody as long as blocks come, and then from the block that does not', async () => {
    const other = witness(9n);
    const { made, proven, time } = watch([other]);
    await using _ = made;
    for (const number of [5n, 6n, 7n]) {
      made.awaiting();
      made.received(number);
    }
    made.awaiting();
    for (let at = 0; at < 3; at += 1) await time.pass(1_000); // begun for the blocks that came: nothing may follow from them
    await new Promise(setImmediate);
    expect(other.from).toEqual([]);
    await time.pass(1_000);
    await time.pass(30_000);
    await left(made.signal);
    expect(other.from).toEqual([8n]);
    expect(proven).toHaveLength(1);
    expect(made.signal.reason).toMatchObject({ code: 'BLOCKS_WITHHELD', details: { address: 'source:7050', block: '8' } });
  });

  it('suspects no more when the block comes', async () => {
    const { made, time } = watch([witness(5n)]);
    await using _ = made;
    made.awaiting();
    await time.pass(1_000);
    await time.begun(30_000);
    made.received(5n);
    made.awaiting();
    await time.pass(30_000); // the time that began with the suspicion
    await new Promise(setImmediate);
    expect(made.signal.aborted).toBe(false);
  });
});
