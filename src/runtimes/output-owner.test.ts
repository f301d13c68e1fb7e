import { describe, expect, it } from 'vitest';
import { outputOwner } from './output-owner.ts';

const one = { channelId: 'mychannel', txId: `1a2b3c4d${'0'.repeat(56)}` };
const two = { channelId: 'my-other', txId: `5e6f7081${'1'.repeat(56)}` };

describe('a line that chaincode printed', () => {
  it('belongs to the only open transaction', () => {
    expect(outputOwner('hello', [one])).toBe(one);
  });

  it('belongs to nobody while there are several or none', () => {
    expect(outputOwner('hello', [one, two])).toBeUndefined();
    expect(outputOwner('hello', [])).toBeUndefined();
  });

  it('belongs to the open transaction that it names', () => {
    expect(outputOwner('info [c-api:stub] [my-other-5e6f7081] Calling', [one, two])).toBe(two);
    expect(outputOwner('[mychannel-1a2b3c4d] done', [one, two])).toBe(one);
  });

  it('does not belong to another than it names', () => {
    expect(outputOwner('[mychannel-99999999] late', [one])).toBeUndefined();
    expect(outputOwner('[my-other-1a2b3c4d]', [one, two])).toBeUndefined();
  });
});
