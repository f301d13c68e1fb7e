import { describe, expect, it } from 'vitest';
import { countedWork } from '../../../test/counted-work.ts';
import type { kvrwset } from '../../protos/messages.ts';
import { ParameterChanges } from './parameter-changes.ts';
import type { NamespaceSet } from './read-write-set.ts';

const key = (name: string) => ({ namespace: 'cc', collection: '', key: name });

/** A set that changes the parameters of these keys. */
const changing = (...keys: readonly string[]): readonly NamespaceSet[] => [
  {
    namespace: 'cc',
    public: {
      reads: [],
      writes: [],
      rangeQueriesInfo: [],
      metadataWrites: keys.map((each): kvrwset.KVMetadataWrite => ({ key: each, entries: [] })),
    },
    collections: [],
  },
];

describe('changes of validation parameters', () => {
  it('name the first transaction before that may change the key', async () => {
    const changes = new ParameterChanges();
    for (const index of [0, 2, 4, 6]) changes.announce(index, changing('a', 'b', 'a'));
    changes.settle(0, 'cc', false);
    const asked = [0, 1, 3, 5, 9].map((index) => changes.changedBefore(index, key('a')));
    changes.finish(2);
    changes.settle(4, 'cc', true);
    changes.finish(6);
    expect(await Promise.all(asked)).toEqual([undefined, undefined, undefined, 4, 4]);
    expect(await changes.changedBefore(9, key('c'))).toBeUndefined();
  });

  it('wait for the verdict over an earlier transaction, and for no later one', async () => {
    const changes = new ParameterChanges();
    changes.announce(1, changing('a'));
    changes.announce(5, changing('a'));
    const asked = changes.changedBefore(3, key('a'));
    changes.settle(1, 'cc', true);
    expect(await asked).toBe(1);
  });

  it('cost what is said, however often one transaction says it', async () => {
    const often = changing(...Array.from({ length: 4_000 }, () => 'a'));
    const { visited } = await countedWork(() => new ParameterChanges().announce(0, often));
    expect(visited).toBeLessThan(40_000);
  });

  it('cost what is asked, however many transactions change one key', async () => {
    const count = 1_000;
    const { visited } = await countedWork(async () => {
      const changes = new ParameterChanges();
      for (let index = 0; index < count; index += 1) changes.announce(index, changing('a'));
      const asked = Array.from({ length: count }, (_, index) => changes.changedBefore(index, key('a')));
      for (let index = 0; index < count; index += 1) changes.finish(index);
      await Promise.all(asked);
    });
    expect(visited).toBeLessThan(20 * count);
  });
});
