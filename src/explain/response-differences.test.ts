import { describe, expect, it } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import { kvrwset, protos, rwset } from '../protos/messages.ts';
import { differenceLines } from './difference-lines.ts';
import { responseDifferences } from './response-differences.ts';
import { shortDifference } from './short-difference.ts';

interface Answer {
  readonly set?: kvrwset.KVRWSetInit;
  readonly collection?: string;
  readonly result?: string;
  readonly event?: string;
  readonly version?: string;
}

function answer({ set = {}, collection, result = 'ok', event, version = '1' }: Answer): Uint8Array {
  const collectionHashedRwset = collection === undefined ? [] : [{ collectionName: 'secret', hashedRwset: utf8(collection) }];
  const results = rwset.TxReadWriteSet.encode({
    nsRwset: [{ namespace: 'basic', rwset: kvrwset.KVRWSet.encode(set), collectionHashedRwset }],
  });
  const extension = protos.ChaincodeAction.encode({
    results,
    response: { status: 200, payload: utf8(result) },
    chaincodeId: { name: 'basic', version },
    events:
      event === undefined ? undefined : protos.ChaincodeEvent.encode({ chaincodeId: 'basic', eventName: 'made', payload: utf8(event) }),
  });
  return protos.ProposalResponsePayload.encode({ proposalHash: utf8('hash'), extension });
}

const put = (value: unknown, key = 'a'): kvrwset.KVRWSetInit => ({
  writes: [{ key, value: utf8(typeof value === 'string' ? value : JSON.stringify(value)) }],
});

const told = (one: Answer, other: Answer): { readonly short: string; readonly lines: readonly string[] } => {
  const [first, second] = [answer(one), answer(other)];
  const differences = responseDifferences(first, second);
  return { short: shortDifference(first, second), lines: differenceLines({ first: 'Org1MSP', second: 'Org2MSP', differences }) };
};

describe('where two endorsers differ', () => {
  it('is told by places in JSON values, with both values for people and without them in short', () => {
    const one = { owner: { name: 'Max', since: '2026-11-30T08:00:00.001Z' }, tags: ['x', 'y'] };
    const other = { owner: { name: 'Max', since: '2026-11-30T08:00:00.009Z' }, tags: ['x'], more: 1 };
    expect(told({ set: put(one) }, { set: put(other) })).toEqual({
      short: 'the write of "a" of basic differs at owner.since, tags[1], more',
      lines: [
        'Org1MSP and Org2MSP differ in one place',
        '  the write of "a" of basic',
        '    owner.since: "2026-11-30T08:00:00.001Z" → "2026-11-30T08:00:00.009Z"',
        '    tags[1]: "y" → nothing',
        '    more: nothing → 1',
        expect.stringContaining('It looks like a clock'),
      ],
    });
  });

  it.each<[string, Answer, Answer, string, RegExp]>([
    [
      'a key that only one writes',
      { set: put('1') },
      { set: put('1', 'b') },
      'the write of "a" of basic is not there; the write of "b" of basic is there (a put)',
      /Look in the chaincode/,
    ],
    [
      'a delete',
      { set: put('1') },
      { set: { writes: [{ key: 'a', isDelete: true }] } },
      'the write of "a" of basic is a delete, not a put',
      /"a" of basic: 1 → a delete/,
    ],
    [
      'a peer that is behind',
      { set: { reads: [{ key: 'a', version: { blockNum: 3n, txNum: 0n } }] } },
      { set: { reads: [{ key: 'a', version: { blockNum: 4n, txNum: 1n } }] } },
      'the read of "a" of basic is version 4:1, not version 3:0',
      /different heights/,
    ],
    [
      'the order of fields',
      { set: put('{"x":1,"y":2}') },
      { set: put('{"y":2,"x":1}') },
      'the write of "a" of basic is the same JSON in other bytes',
      /another order/,
    ],
    ['the organisation of the peer', { result: 'Org1MSP' }, { result: 'Org2MSP' }, 'the result is another', /organisation/],
    [
      'something random',
      { result: '{"id":"5b0c6a0e-8f2e-4a8e-9d56-0a1b2c3d4e5f"}' },
      { result: '{"id":"0b0c6a0e-8f2e-4a8e-9d56-0a1b2c3d4e5f"}' },
      'the result differs at id',
      /random/,
    ],
    ['an event', { event: '1' }, { event: '2' }, 'the event made is another', /the event made: 1 → 2/],
    [
      'hashes of a collection',
      { collection: 'x' },
      { collection: 'y' },
      'collection secret of basic is another',
      /collection secret of basic: another → another/,
    ],
    ['another package', { version: '1' }, { version: '2' }, 'the chaincode version is "2", not "1"', /different packages/],
  ])('is told for %s', (_, one, other, short, line) => {
    const { short: said, lines } = told(one, other);
    expect(said).toBe(short);
    expect(lines.join('\n')).toMatch(line);
  });

  it('is nothing where they are the same', () => {
    expect(told({ set: put('1') }, { set: put('1') })).toEqual({ short: '', lines: ['Org1MSP and Org2MSP answer the same'] });
  });

  it('holds nothing that a terminal obeys, and few places of many', () => {
    const many = (value: number) => Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}\u001b[2J`, value]));
    const { short, lines } = told({ set: put(many(1), 'k\u009b2J\n') }, { set: put(many(2), 'k\u009b2J\n') });
    expect(short).toBe(
      'the write of "k\\u{9b}2J\\u{a}" of basic differs at "f0\\u001b[2J", "f1\\u001b[2J", "f2\\u001b[2J", "f3\\u001b[2J", …',
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(lines.at(-2)).toBe('    and 42 more places');
  });

  it('is not told of what cannot be read', () => {
    expect(shortDifference(Uint8Array.of(255), answer({}))).toBe('');
  });
});
