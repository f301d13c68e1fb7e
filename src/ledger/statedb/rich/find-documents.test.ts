import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryDocuments } from '../../../../test/fakes/memory-documents.ts';
import { compareUtf8 } from '../../../common/bytes.ts';
import { SelvageError } from '../../../common/errors.ts';
import type { StateEntry } from '../state.ts';
import { compareKeys } from './compare-values.ts';
import { type FindAnswer, findDocuments } from './find-documents.ts';
import { type IndexDefinition, parseIndexDefinition } from './index-definition.ts';
import { IndexKeys } from './index-key.ts';
import { Matcher } from './matcher.ts';
import { PatternRuns } from './pattern/pattern-runs.ts';
import { parseQueryJson } from './query-json.ts';
import { parseQueryOptions, type QueryOptions } from './query-options.ts';
import { RichDocument } from './rich-document.ts';
import { Turns } from './turns.ts';

const RUNS = 1500;

const scalar = fc.constantFrom<unknown>(
  null,
  false,
  true,
  -1,
  0,
  1,
  2,
  0.5,
  1e21,
  9007199254740992,
  '',
  'a',
  'A',
  'á',
  'ab',
  'b',
  '-',
  '\u00ad',
);
const value = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('x', 'y', '0'), scalar, { maxKeys: 2 }) },
);
const FIELDS = ['a', 'b', 'c', 'c.x'];
const documents = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { maxKeys: 3 }), { minLength: 1, maxLength: 40 });

/** Conditions that CouchDB takes; not on `_id`, whose ranges are not its comparisons. */
const onValue = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom('$lt', '$lte', '$eq', '$ne', '$gte', '$gt'), scalar)
      .map(([operator, argument]) => ({ [operator]: argument })),
  },
  fc.tuple(fc.constantFrom('$lt', '$gte'), value).map(([operator, argument]) => ({ [operator]: argument })),
  fc
    .tuple(
      fc.constantFrom('$in', '$nin', '$all'),
      fc.array(
        scalar.filter((one) => one !== null),
        { maxLength: 3 },
      ),
    )
    .map(([operator, list]) => ({ [operator]: list })),
  fc.boolean().map((exists) => ({ $exists: exists })),
  fc.constantFrom('null', 'boolean', 'number', 'string', 'array', 'object').map((type) => ({ $type: type })),
  fc.constantFrom('^a', 'b$', '.').map((pattern) => ({ $regex: pattern })),
  fc.constantFrom('', 'a', 'á').map((prefix) => ({ $beginsWith: prefix })),
  fc.constantFrom({ $size: 1 }, { $mod: [2, 0] }, { $elemMatch: { $gt: 0 } }, { $allMatch: { $ne: null } }, { $keyMapMatch: { $eq: 'x' } }),
);
const condition = fc.tuple(fc.constantFrom(...FIELDS), onValue).map(([field, what]) => ({ [field]: what }));
const { selector } = fc.letrec<{ selector: object }>((tie) => ({
  selector: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: condition },
    { weight: 3, arbitrary: fc.tuple(condition, condition).map(([one, other]) => ({ ...one, ...other })) },
    // Two bounds of one field.
    fc.tuple(fc.constantFrom(...FIELDS), scalar, scalar).map(([field, low, high]) => ({ [field]: { $gte: low, $lt: high } })),
    fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(tie('selector'), { minLength: 1, maxLength: 3 }))
      .map(([operator, list]) => ({ [operator]: list })),
    tie('selector').map((inner) => ({ $not: inner })),
  ),
}));

const index = fc
  .record({
    columns: fc.uniqueArray(fc.constantFrom(...FIELDS), { minLength: 0, maxLength: 2 }),
    filter: fc.option(condition, { nil: undefined, freq: 4 }),
  })
  .map(({ columns, filter }) => ({ fields: columns, ...(filter !== undefined && { partial_filter_selector: filter }) }));
const indexes = fc
  .array(index, { minLength: 1, maxLength: 6 })
  .map((definitions) =>
    definitions.map((definition, at) => parseIndexDefinition(JSON.stringify({ index: definition, ddoc: `d${at}`, name: `n${at}` }))),
  );

const sort = fc
  .tuple(fc.uniqueArray(fc.constantFrom(...FIELDS), { minLength: 1, maxLength: 2 }), fc.constantFrom('asc', 'desc'))
  .map(([names, direction]) => names.map((name) => ({ [name]: direction })));
const hint = fc.constantFrom('d0', 'd1', ['d2', 'n2']);
const query = fc
  .tuple(selector, fc.option(sort, { freq: 1, nil: undefined }), fc.option(hint, { freq: 1, nil: undefined }))
  .map(([what, order, use]) => ({
    selector: what,
    ...(order !== undefined && { sort: order }),
    ...(use !== undefined && { use_index: use }),
  }));

const entriesOf = (values: readonly object[]): StateEntry[] =>
  values.map((each, at) => ({
    // Keys of both ends of the order of bytes.
    key: ['k', 'é', 'Z', '😀', '\uffee'][at % 5] + String(at),
    value: Buffer.from(JSON.stringify(each), 'utf8'),
    version: { blockNum: 1n, txNum: BigInt(at) },
  }));

/** The slow definition: every document is looked at, those that match are put in the order of the index. */
function slowly(entries: readonly StateEntry[], options: QueryOptions, { plan }: FindAnswer): readonly string[] {
  const matcher = new Matcher(options.selector);
  const patterns = new PatternRuns(() => new Error('too many steps'));
  const keys = new IndexKeys(plan.index ?? { columns: [] });
  const rows = entries.flatMap((entry) => {
    const document = new RichDocument(entry);
    const key = keys.keyOf(document);
    return key !== undefined && matcher.matches(document, patterns) ? [{ key, id: entry.key }] : [];
  });
  rows.sort((a, b) => compareKeys(a.key, b.key) || compareUtf8(a.id, b.id));
  return (plan.descending ? rows.reverse() : rows).map(({ id }) => id);
}

/** What a search comes to; undefined where CouchDB refuses it, as it does by the indexes that there are. */
async function found(source: MemoryDocuments, options: QueryOptions): Promise<FindAnswer | undefined> {
  try {
    return await findDocuments(source, options, new Turns());
  } catch (thrown) {
    expect(SelvageError.from(thrown).message).toMatch(/function_clause|no_usable_index/);
    return undefined;
  }
}

const idsOf = (answer: FindAnswer): readonly string[] => answer.rows.map(({ key }) => key);
const optionsOf = (json: object): QueryOptions => parseQueryOptions(parseQueryJson(JSON.stringify({ limit: 1000, ...json })));

async function property(
  judge: (parts: { entries: StateEntry[]; indexes: readonly IndexDefinition[]; query: object }) => Promise<boolean>,
): Promise<number> {
  let judged = 0;
  await fc.assert(
    fc.asyncProperty(documents, indexes, query, async (values, definitions, json) => {
      if (await judge({ entries: entriesOf(values), indexes: definitions, query: json })) judged += 1;
    }),
    { numRuns: RUNS },
  );
  return judged;
}

it('finds what its slow definition finds, in that order', async () => {
  const judged = await property(async (parts) => {
    const options = optionsOf(parts.query);
    const answer = await found(new MemoryDocuments(parts.entries, parts.indexes), options);
    if (answer === undefined) return false;
    expect(idsOf(answer)).toEqual(slowly(parts.entries, options, answer));
    return answer.plan.index !== undefined && answer.rows.length > 0;
  });
  expect(judged).toBeGreaterThan(RUNS / 30); // by an index, with results
});

it('finds the same documents with indexes and without', async () => {
  await property(async (parts) => {
    const { sort: _, ...unsorted } = parts.query as { sort?: unknown };
    const options = optionsOf(unsorted);
    const [one, other] = [
      await found(new MemoryDocuments(parts.entries, parts.indexes), options),
      await found(new MemoryDocuments(parts.entries, []), options),
    ];
    // A partial index that is named leaves out what its filter leaves out.
    if (one === undefined || other === undefined || one.plan.index?.partialFilter !== undefined) return false;
    expect([...idsOf(one)].sort()).toEqual([...idsOf(other)].sort());
    return true;
  });
});

it('comes to the same in pages, each from the bookmark of the one before', async () => {
  await property(async (parts) => {
    const source = new MemoryDocuments(parts.entries, parts.indexes);
    const whole = await found(source, optionsOf(parts.query));
    if (whole === undefined || whole.bookmark === undefined) return false;
    const ids: string[] = [];
    let bookmark: string | undefined;
    for (;;) {
      const page = await found(source, optionsOf({ ...parts.query, limit: 3, ...(bookmark !== undefined && { bookmark }) }));
      if (page === undefined || page.rows.length === 0) break;
      ids.push(...idsOf(page));
      bookmark = page.bookmark;
    }
    expect(ids).toEqual(idsOf(whole));
    return true;
  });
});
