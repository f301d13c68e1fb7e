import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { runs } from '../../../../test/runs.ts';
import { compareUtf8, utf8 } from '../../../common/bytes.ts';
import { silent } from '../../../common/log.ts';
import { Scope } from '../../../common/scope.ts';
import { MemoryStore } from '../../kv/memory-store.ts';
import { KvStateStore } from '../kv-state-store.ts';
import { compareKeys } from '../rich/compare-values.ts';
import type { DocumentScan, IndexRange } from '../rich/document-source.ts';
import type { JsonValue } from '../rich/json-value.ts';
import { RichState } from '../rich-state.ts';
import type { StateUpdate } from '../state.ts';
import { KvDocuments } from './kv-documents.ts';
import { indexesOf, isComplete } from './stored-index.ts';

const scope = new Scope();
afterEach(() => scope[Symbol.asyncDispose]());

const LIMITS = { total: 1000, internal: 100 };
const FILE = { path: 'a.json', content: JSON.stringify({ index: { fields: ['a', 'b'] }, ddoc: 'd', name: 'ab' }) };

function opened(kv = new MemoryStore()) {
  const rich = new RichState({ kv, log: silent, limits: LIMITS });
  return { kv, rich, state: scope.use(new KvStateStore(kv, { rich })) };
}

const put = (key: string, value: object | undefined): StateUpdate => ({
  namespace: 'ns',
  key,
  value: value && { value: utf8(JSON.stringify(value)), version: { blockNum: 1n, txNum: 0n } },
});

const SAVEPOINT = { blockNum: 1n, txNum: 0n };

async function keysOf(scan: DocumentScan): Promise<string[]> {
  const keys: string[] = [];
  for (let entry = await scan.next(); entry !== undefined; entry = await scan.next()) keys.push(entry.key);
  scan[Symbol.dispose]();
  return keys;
}

const scalar: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue>(null, true, false, 0, -1, 1.5, 2 ** 53, 1e300, 'a', 'A', 'á', 'b', 'B', '', '\u0000', 'เก', 'Straße', '😀'),
  fc.integer({ min: -3, max: 3 }),
);
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('x', 'y', 'é'), scalar, { maxKeys: 2 }),
);
const document = fc.record({ a: value, b: value }, { requiredKeys: [] });
const documents = fc.dictionary(fc.constantFrom('k1', 'k2', 'k3', 'K1', 'é', '😀', '\uffee', 'k'), document, { maxKeys: 8 });
const bound = fc.array(value, { maxLength: 2 });
const range: fc.Arbitrary<IndexRange> = fc.record(
  {
    low: bound,
    high: bound,
    descending: fc.boolean(),
    from: fc.record({ key: fc.array(value, { maxLength: 3 }), document: fc.constantFrom('k', 'k2', 'é', '') }),
  },
  { requiredKeys: ['low', 'high', 'descending'] },
);

/** What a scan of an index is, without one. */
function expected(
  all: Readonly<Record<string, { readonly a?: JsonValue; readonly b?: JsonValue }>>,
  { low, high, descending, from }: IndexRange,
): string[] {
  const order = (x: readonly [readonly JsonValue[], string], y: readonly [readonly JsonValue[], string]): number =>
    compareKeys(x[0], y[0]) || compareUtf8(x[1], y[1]);
  const sign = descending ? -1 : 1;
  return Object.entries(all)
    .flatMap(([key, { a, b }]) => (a === undefined || b === undefined ? [] : [[[a, b], key] as const]))
    .filter(([columns]) => compareKeys(low, columns.slice(0, low.length)) <= 0 && compareKeys(columns.slice(0, high.length), high) <= 0)
    .filter((row) => from === undefined || sign * order([from.key, from.document], row) <= 0)
    .sort((x, y) => sign * order(x, y))
    .map(([, key]) => key);
}

describe('the documents of a namespace in the order of an index', () => {
  it('are those of the definition, from rows and without them', async () => {
    const property = fc.asyncProperty(
      documents,
      documents,
      fc.array(range, { minLength: 1, maxLength: 5 }),
      async (before, changes, ranges) => {
        const { kv, state, rich } = opened();
        await state.commit(
          Object.entries(before).map(([key, each]) => put(key, each)),
          SAVEPOINT,
        );
        await rich.indexes.deploy('ns', [FILE]);
        using unbuilt = kv.snapshot();
        const seen = new KvDocuments(unbuilt, 'ns');
        const [index] = seen.indexes;
        if (index === undefined) throw new Error('there is no index');
        for (const each of ranges) expect(await keysOf(seen.indexed(index, each))).toEqual(expected(before, each));
        await rich.indexes.built();
        const emptied = Object.keys(before).filter((_, at) => at % 3 === 0);
        await state.commit(
          [...emptied.map((key) => put(key, undefined)), ...Object.entries(changes).map(([key, each]) => put(key, each))],
          SAVEPOINT,
        );
        using built = kv.snapshot();
        expect(indexesOf(built, 'ns').map(isComplete)).toEqual([true]);
        const now = new KvDocuments(built, 'ns');
        const after = { ...Object.fromEntries(Object.entries(before).filter(([key]) => !emptied.includes(key))), ...changes };
        for (const each of ranges) expect(await keysOf(now.indexed(now.indexes[0] ?? index, each))).toEqual(expected(after, each));
        await state[Symbol.asyncDispose]();
      },
    );
    await fc.assert(property, { numRuns: runs(100) });
  });
});
