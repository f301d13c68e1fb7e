import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../test/fakes/memory-state.ts';
import { runs } from '../../../test/runs.ts';
import { compareUtf8, utf8 } from '../../common/bytes.ts';
import { kvrwset, protos, rwset } from '../../protos/messages.ts';
import { NamespaceUpdates } from './namespace-updates.ts';
import { commit, endorsed, simulated } from './test-block.contract.ts';

const { VALID, PHANTOM_READ_CONFLICT } = protos.TxValidationCode;
const version = { blockNum: 1n, txNum: 0n };

async function stateOf(keys: readonly string[]): Promise<MemoryState> {
  const state = new MemoryState();
  await state.commit(
    keys.map((key) => ({ namespace: 'cc', key, value: { value: utf8('v'), version } })),
    version,
  );
  return state;
}

const rangeTransaction = (query: kvrwset.RangeQueryInfoInit): Uint8Array => {
  const set = { namespace: 'cc', rwset: kvrwset.KVRWSet.encode({ rangeQueriesInfo: [query] }) };
  return endorsed('tx', rwset.TxReadWriteSet.encode({ nsRwset: [set] }));
};

const codeOf = async (state: MemoryState, query: kvrwset.RangeQueryInfoInit): Promise<number | undefined> =>
  (await commit(state, 2n, [rangeTransaction(query)])).flags[0];

const reads = (...keys: readonly string[]) => ({ kvReads: keys.map((key) => ({ key, version })) });

describe('a recorded range', () => {
  it('includes its end key only when it was not exhausted', async () => {
    const state = await stateOf(['a', 'b', 'c']);
    expect(await codeOf(state, { startKey: 'a', endKey: 'c', itrExhausted: true, rawReads: reads('a', 'b') })).toBe(VALID);
    expect(await codeOf(state, { startKey: 'a', endKey: 'c', itrExhausted: false, rawReads: reads('a', 'b') })).toBe(PHANTOM_READ_CONFLICT);
    expect(await codeOf(state, { startKey: 'a', endKey: 'c', itrExhausted: false, rawReads: reads('a', 'b', 'c') })).toBe(VALID);
    expect(await codeOf(state, { startKey: 'c', endKey: 'c', itrExhausted: false, rawReads: reads('c') })).toBe(VALID);
  });

  it('without results must still have none', async () => {
    const state = await stateOf(['a']);
    expect(await codeOf(state, { startKey: 'b', endKey: '', itrExhausted: true })).toBe(VALID);
    expect(await codeOf(state, { startKey: 'a', endKey: '', itrExhausted: true })).toBe(PHANTOM_READ_CONFLICT);
    expect(await codeOf(state, { startKey: 'z', endKey: 'b', itrExhausted: true })).toBe(VALID);
  });

  it('is a phantom when its last results are gone', async () => {
    const state = await stateOf(['a', 'b', 'c']);
    expect(await codeOf(state, { startKey: 'a', endKey: '', itrExhausted: true, rawReads: reads('a', 'b', 'c', 'd') })).toBe(
      PHANTOM_READ_CONFLICT,
    );
    const range = await simulated(state, async (simulator) => {
      const results = simulator.getStateRange('cc', 'a', '');
      await results.next();
      await results.next();
    });
    const removal = await simulated(state, (simulator) => simulator.deleteState('cc', 'b'));
    const { flags } = await commit(state, 2n, [endorsed('remover', removal.publicRwset), endorsed('reader', range.publicRwset)]);
    expect([...flags]).toEqual([VALID, PHANTOM_READ_CONFLICT]);
  });

  it('tells what it missed', async () => {
    const state = await stateOf(['a', 'c']);
    const query = { startKey: 'a', endKey: 'd', itrExhausted: true, rawReads: reads('a', 'b') };
    const { reasons } = await commit(state, 2n, [rangeTransaction(query)]);
    expect(reasons[0]?.details).toEqual({
      namespace: 'cc',
      startKey: 'a',
      endKey: 'd',
      keyRead: 'b',
      versionRead: '1:0',
      key: 'c',
      versionFound: '1:0',
    });
  });

  it('names the transaction of the block that made the phantom', async () => {
    const state = await stateOf(['a']);
    const range = await simulated(state, async (simulator) => {
      const results = simulator.getStateRange('cc', '', '');
      while ((await results.next()) !== undefined);
    });
    const write = await simulated(state, (simulator) => simulator.putState('cc', 'b', utf8('1')));
    const { flags, reasons } = await commit(state, 2n, [endorsed('writer', write.publicRwset), endorsed('reader', range.publicRwset)], {
      txIdAt: () => 'looked up in vain',
    });
    expect([...flags]).toEqual([VALID, PHANTOM_READ_CONFLICT]);
    expect(reasons[0]).toMatchObject({ txId: 'reader', index: 1, details: { key: 'b', versionFound: '2:0', writtenBy: 'writer' } });
  });

  it('with a forged summary is a phantom', async () => {
    const state = await stateOf(['a', 'b', 'c', 'd']);
    const forged = [
      { maxDegree: 50, maxLevel: 0, maxLevelHashes: [] },
      { maxDegree: 2, maxLevel: 1, maxLevelHashes: [new Uint8Array(32), new Uint8Array(32)] },
      { maxDegree: 2, maxLevel: 9, maxLevelHashes: [new Uint8Array(32)] },
      { maxDegree: 4_294_967_295, maxLevel: 1, maxLevelHashes: [] },
    ];
    for (const readsMerkleHashes of forged) {
      expect(await codeOf(state, { startKey: '', endKey: '', itrExhausted: true, readsMerkleHashes })).toBe(PHANTOM_READ_CONFLICT);
    }
  });

  it('leaves no cursor open, whatever comes of it', async () => {
    const state = await stateOf(['a', 'b', 'c']);
    await codeOf(state, { startKey: '', endKey: '', itrExhausted: true, rawReads: reads('a') });
    await codeOf(state, { startKey: '', endKey: '', itrExhausted: true, rawReads: reads('a', 'b', 'c') });
    expect(state.open.size).toBe(0);
  });
});

/** What a transaction of the model does, on keys by number. */
type Action =
  | { readonly does: 'put' | 'delete'; readonly key: number }
  | { readonly does: 'range'; readonly start: number; readonly end: number; readonly pull: number };

const KEYS = 130;
/** Most actions happen among few keys, so that they meet. */
const someKey = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.integer({ min: 1, max: KEYS }));
const keyOf = (number: number): string => (number === 0 ? '' : `${['k', 'é', '\u{ffff}', '\u{1f600}'][number % 4]}${number}`);

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ does: fc.constantFrom('put' as const, 'delete' as const), key: someKey }),
  fc.record({
    does: fc.constant('range' as const),
    start: fc.oneof(fc.constant(0), someKey),
    end: fc.oneof(fc.constant(0), someKey),
    pull: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 120 }), fc.constant(1_000)),
  }),
);

type Model = ReadonlyMap<string, string>;

/** What a scan sees in a model of the state: `key@version`, all at once. */
const scan = (model: Model, start: string, within: (key: string) => boolean): string[] =>
  [...model]
    .filter(([key]) => compareUtf8(key, start) >= 0 && within(key))
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([key, at]) => `${key}@${at}`);

/** The code a transaction deserves and the state after it. */
function expected(before: Model, now: Map<string, string>, does: Action, index: number): number {
  if (does.does !== 'range') {
    if (does.does === 'put') now.set(keyOf(does.key), `2:${index}`);
    else now.delete(keyOf(does.key));
    return VALID;
  }
  const [start, end] = [keyOf(does.start), keyOf(does.end)];
  const requested = (key: string) => end === '' || compareUtf8(key, end) < 0;
  const pulled = scan(before, start, requested).slice(0, does.pull);
  const exhausted = pulled.length < does.pull;
  const last = pulled.at(-1)?.replace(/@[^@]*$/, '') ?? '';
  const seenNow = scan(now, start, exhausted ? requested : (key) => compareUtf8(key, last) <= 0);
  return JSON.stringify(seenNow) === JSON.stringify(pulled) ? VALID : PHANTOM_READ_CONFLICT;
}

async function transactionOf(state: MemoryState, does: Action): Promise<Uint8Array> {
  const { publicRwset } = await simulated(state, async (simulator) => {
    if (does.does === 'put') simulator.putState('cc', keyOf(does.key), utf8('w'));
    if (does.does === 'delete') simulator.deleteState('cc', keyOf(does.key));
    if (does.does !== 'range') return;
    const results = simulator.getStateRange('cc', keyOf(does.start), keyOf(does.end));
    for (let pulled = 0; pulled < does.pull && (await results.next()) !== undefined; pulled += 1);
  });
  return endorsed('tx', publicRwset);
}

describe('phantoms', () => {
  it('are found exactly where the results of a scan would differ', async () => {
    const some = (minLength: number, maxLength: number) =>
      fc.uniqueArray(fc.integer({ min: 1, max: KEYS }), { minLength, maxLength, size: 'max' });
    const numbers = fc.oneof(fc.subarray(Array.from({ length: 12 }, (_, at) => at + 1)), some(70, KEYS));
    const seen = { merkle: 0, phantoms: 0 };
    await fc.assert(
      fc.asyncProperty(numbers, fc.array(action, { maxLength: 12 }), async (present, actions) => {
        const state = await stateOf(present.map(keyOf));
        const before: Model = new Map(present.map((number) => [keyOf(number), '1:0']));
        const transactions = await Promise.all(actions.map((does) => transactionOf(state, does)));
        const now = new Map(before);
        const codes = actions.map((does, index) => expected(before, now, does, index));
        const { flags } = await commit(state, 2n, transactions);
        expect([...flags]).toEqual(codes);
        expect([...(state.contents().get('cc')?.keys() ?? [])].sort()).toEqual([...now.keys()].sort());
        seen.phantoms += codes.filter((code) => code === PHANTOM_READ_CONFLICT).length;
        seen.merkle += present.length > 60 ? 1 : 0;
      }),
      { numRuns: runs(100) },
    );
    expect(seen.phantoms).toBeGreaterThan(0);
    expect(seen.merkle).toBeGreaterThan(0);
  });
});

describe('pending updates', () => {
  it('keep their keys in byte order while some are added between ranges', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: KEYS }), fc.boolean())), (steps) => {
        const updates = new NamespaceUpdates();
        const known = new Set<string>();
        for (const [number, look] of steps) {
          updates.set(keyOf(number), { value: undefined, version, txId: '' });
          known.add(keyOf(number));
          if (look) expect([...updates.range('', '')].map(({ key }) => key)).toEqual([...known].sort(compareUtf8));
        }
        const middle = keyOf(50);
        const half = [...known].filter((key) => compareUtf8(key, middle) >= 0).sort(compareUtf8);
        expect([...updates.range(middle, '')].map(({ key }) => key)).toEqual(half);
      }),
    );
  });
});
