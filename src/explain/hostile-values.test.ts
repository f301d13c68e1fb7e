import { describe, expect, it } from 'vitest';
import type { Call } from './call.ts';
import type { Explanation } from './explanation.ts';
import { jsonOf, pathDifferences } from './json-paths.ts';
import { linesOf } from './lines.ts';
import { RecentWrites } from './recent-writes.ts';

const HOSTILE = `\u001b[2J\u202e${'x'.repeat(1_000)}`;
const nested = (depth: number): Buffer => Buffer.from(`{"a":"]]\\"","b":${'['.repeat(depth)}${']'.repeat(depth)}}`);

describe('What strangers wrote into the ledger', () => {
  it('commands no terminal by the id of a transaction, which is invalid and in the block all the same', () => {
    const call: Call = { txId: HOSTILE, chaincode: 'cc', fn: 'f', args: [], submitter: { mspId: 'Org1MSP', name: 'User1' } };
    const place = { block: 3n, index: 1 };
    const explanation: Explanation = {
      ...{
        channelId: 'ch',
        place,
        call,
        code: 'MVCC_READ_CONFLICT',
        valid: false,
        reason: 'it lost',
        perhaps: false,
        writes: [],
        remedy: '',
      },
      ...{ winner: { place: { block: 2n, index: 0 }, code: 'VALID', call }, doubts: [], details: { policy: HOSTILE } },
    };
    const lines = linesOf(explanation);
    expect(lines.join('')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(lines[0]).toContain('\\u{1b}[2J');
    expect(lines[0]?.length).toBeLessThan(120);
  });

  it('is no JSON to compare where it is nested without end', () => {
    expect(jsonOf(nested(900))).toBeDefined();
    expect(jsonOf(nested(8_000))).toBeUndefined();
    expect(jsonOf(Buffer.from(JSON.stringify({ text: '[{'.repeat(5_000) })))).toBeDefined();
    const [one, other] = [jsonOf(nested(900)), jsonOf(nested(901))];
    expect([...pathDifferences(one?.json, other?.json)]).toHaveLength(1);
    const writes = new RecentWrites();
    const call: Call = { txId: '1', chaincode: 'cc', fn: 'f', args: [], submitter: undefined };
    for (const index of [0, 1]) writes.add(['cc', 'k'], { place: { block: 1n, index }, call, value: nested(7_900 + index) });
    expect(writes.apart(['cc', 'k'], { block: 1n, index: 0 }, nested(8_000))).toEqual({ deltas: false, fields: [] });
  });
});
