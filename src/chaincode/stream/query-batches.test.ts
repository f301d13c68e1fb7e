import { describe, expect, it } from 'vitest';
import { protos } from '../../protos/messages.ts';
import { encoded, QueryBatches } from './query-batches.ts';

/** `count` results, and how many of them were pulled. */
function source(count: number) {
  const seen = { pulled: 0, closed: 0 };
  const iterator = encoded(
    {
      next: () => {
        if (seen.pulled === count) return undefined;
        seen.pulled += 1;
        return seen.pulled;
      },
      [Symbol.asyncDispose]: async () => {
        seen.closed += 1;
      },
    },
    (value: number) => new Uint8Array([value]),
  );
  return { seen, iterator };
}

async function batches(count: number, limit = 100_000): Promise<{ readonly sizes: number[]; readonly pulled: number[] }> {
  const { seen, iterator } = source(count);
  const query = new QueryBatches(iterator, { limit });
  const sizes: number[] = [];
  const pulled: number[] = [];
  for (;;) {
    const { response, last } = await query.batch('id');
    expect(response.id).toBe('id');
    expect(response.hasMore).toBe(!last);
    expect(response.metadata).toBeUndefined();
    sizes.push(response.results?.length ?? 0);
    pulled.push(seen.pulled);
    if (last) return { sizes, pulled };
  }
}

describe('QueryBatches', () => {
  it('has a batch at once when its results are at hand, and in order when some have to be waited for', async () => {
    expect(new QueryBatches(source(150).iterator, { limit: 1000 }).batch('id')).not.toBeInstanceOf(Promise);

    let pulled = 0;
    const some = encoded(
      {
        next: () => {
          pulled += 1;
          if (pulled > 130) return undefined;
          return pulled % 7 === 0 ? Promise.resolve(pulled) : pulled;
        },
        [Symbol.asyncDispose]: async () => undefined,
      },
      (value: number) => new Uint8Array([value]),
    );
    const query = new QueryBatches(some, { limit: 1000 });
    const first = await query.batch('id');
    const second = await query.batch('id');
    const values = [first, second].flatMap(({ response }) => (response.results ?? []).map(({ resultBytes }) => resultBytes?.[0]));
    expect([first.last, second.last, first.response.results?.length]).toEqual([false, true, 100]);
    expect(values).toEqual(Array.from({ length: 130 }, (_, at) => at + 1));
  });

  it('cuts after 100 results, with one read ahead', async () => {
    expect(await batches(0)).toEqual({ sizes: [0], pulled: [0] });
    expect(await batches(1)).toEqual({ sizes: [1], pulled: [1] });
    expect(await batches(100)).toEqual({ sizes: [100], pulled: [100] });
    expect(await batches(101)).toEqual({ sizes: [100, 1], pulled: [101, 101] });
    expect(await batches(200)).toEqual({ sizes: [100, 100], pulled: [101, 200] });
    expect(await batches(201)).toEqual({ sizes: [100, 100, 1], pulled: [101, 201, 201] });
  });

  it('loses no result and keeps the order', async () => {
    const query = new QueryBatches(source(250).iterator, { limit: 100_000 });
    const all: number[] = [];
    for (let last = false; !last; ) {
      const cut = await query.batch('id');
      all.push(...(cut.response.results ?? []).map(({ resultBytes }) => resultBytes?.[0] ?? -1));
      last = cut.last;
    }
    expect(all).toEqual(Array.from({ length: 250 }, (_, at) => (at + 1) % 256));
  });

  it('stops at the limit over all batches and reads nothing beyond it', async () => {
    expect(await batches(500, 150)).toEqual({ sizes: [100, 50], pulled: [101, 150] });
    expect(await batches(500, 100)).toEqual({ sizes: [100], pulled: [100] });
    expect(await batches(500, 101)).toEqual({ sizes: [100, 1], pulled: [101, 101] });
  });

  it('answers one page with count and bookmark, however large', async () => {
    const { seen, iterator } = source(500);
    const query = new QueryBatches(iterator, { limit: 150, bookmark: () => 'k151' });
    const { response, last } = await query.batch('id');
    expect(last).toBe(true);
    expect(response.hasMore).toBe(false);
    expect(response.results).toHaveLength(150);
    expect(seen.pulled).toBe(150);
    expect(protos.QueryResponseMetadata.decode(response.metadata ?? new Uint8Array(0))).toEqual({
      fetchedRecordsCount: 150,
      bookmark: 'k151',
    });
  });

  it('closes its results when disposed', async () => {
    const { seen, iterator } = source(1);
    await new QueryBatches(iterator, { limit: 1 })[Symbol.asyncDispose]();
    expect(seen.closed).toBe(1);
  });
});
