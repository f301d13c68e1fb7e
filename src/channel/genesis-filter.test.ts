import { describe, expect, it } from 'vitest';
import type { common } from '../protos/messages.ts';
import { withTransactionsFilter } from './genesis-filter.ts';

describe('filter of a first block', () => {
  const block = (metadata: common.BlockMetadata | undefined): common.Block => ({
    header: undefined,
    data: { data: [new Uint8Array([1])] },
    metadata,
  });
  const empty = new Uint8Array();

  it('is one VALID where there is none', () => {
    const filled = [empty, empty, new Uint8Array([0])];
    expect(withTransactionsFilter(block(undefined)).metadata?.metadata).toEqual(filled);
    expect(withTransactionsFilter(block({ metadata: [empty, empty, empty, empty] })).metadata?.metadata).toEqual([...filled, empty]);
  });

  it('stays what it is', () => {
    const marked = block({ metadata: [empty, empty, new Uint8Array([254])] });
    expect(withTransactionsFilter(marked)).toBe(marked);
  });
});
