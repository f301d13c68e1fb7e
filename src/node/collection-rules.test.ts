import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../test/fakes/memory-ledger.ts';
import { protos } from '../protos/messages.ts';
import { definedLifetimes } from './collection-rules.ts';

describe('how long private data lives', () => {
  const state = new MemoryState();
  const config = [
    { staticCollectionConfig: { name: 'brief', blockToLive: 3n } },
    { staticCollectionConfig: { name: 'kept', blockToLive: 0n } },
  ];
  state.put('lscc', 'mycc~collection', protos.CollectionConfigPackage.encode({ config }), [1n, 0n]);
  const blocks = async (namespace: string, collection: string) => {
    using snapshot = state.snapshot();
    return await definedLifetimes.blockToLive({ namespace, collection }, snapshot);
  };

  it('is what the chaincode was instantiated with', async () => {
    expect(await blocks('mycc', 'brief')).toBe(3n);
    expect(await blocks('mycc', 'kept')).toBe(0n);
  });

  it('is for ever where nobody defined it', async () => {
    expect(await blocks('mycc', 'other')).toBe(0n);
    expect(await blocks('other', 'brief')).toBe(0n);
  });
});
