import { expect, it } from 'vitest';
import { MemoryDocuments } from '../../../../test/fakes/memory-documents.ts';
import type { StateEntry } from '../state.ts';
import { openRichQuery } from './open-rich-query.ts';

const entries = (...values: readonly string[]): StateEntry[] =>
  values.map((value, at) => ({ key: `k${at}`, value: Buffer.from(value, 'utf8'), version: { blockNum: 1n, txNum: 0n } }));

async function results(values: readonly string[], query: string): Promise<readonly string[]> {
  const limits = { total: 100_000, internal: 1000 };
  using open = openRichQuery({ source: new MemoryDocuments(entries(...values), []), query, limits });
  const found: string[] = [];
  for (let next = await open.next(); next !== undefined; next = await open.next()) found.push(Buffer.from(next.value).toString('utf8'));
  return found;
}

const nested = (begin: string, depth: number, inside: string, end: string): string => begin.repeat(depth) + inside + end.repeat(depth);
const listed = (count: number, part: (at: number) => string): string => Array.from({ length: count }, (_, at) => part(at)).join();
const ONE = ['{"a":1,"s":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}'];

it('takes a selector that is wide', async () => {
  expect(await results(ONE, `{"selector":{"$or":[${listed(19_000, (at) => `{"a":${at}}`)}]}}`)).toEqual(ONE);
  expect(await results(ONE, `{"selector":{"a":{"$in":[${listed(100_000, String)}]}}}`)).toEqual(ONE);
  expect(await results(ONE, `{"selector":{${listed(9_000, (at) => `"b${at}":{"$gt":${at}}`)}}}`)).toEqual([]);
});

it.each([
  ['too long', `{"selector":{"a":"${'x'.repeat(1024 * 1024)}"}}`, /at most 1048576/],
  ['a thousand levels deep', `{"selector":{"a":${nested('{"$not":', 1000, '{"$gt":1}', '}')}}}`, /more than 500 levels deep/],
  ['deeper than Go goes', `{"selector":${nested('{"a":', 20_000, '1', '}')}}`, /exceeded max depth/],
  ['with a number of a hundred thousand digits', `{"selector":{"a":${'9'.repeat(100_000)}}}`, /100000 digits/],
  ['with too many conditions', `{"selector":{"$or":[${listed(40_000, (at) => `{"a":${at}}`)}]}}`, /more than 20000 conditions/],
  [
    'with too many patterns',
    `{"selector":{"$and":[${listed(9_000, (at) => `{"s":{"$regex":"cccccccc${at}"}}`)}]}}`,
    /too many, or too large/,
  ],
  ['beyond doubles', '{"selector":{"a":1e400}}', /Reason:invalid UTF-8 JSON/],
])('refuses a query that is %s', async (_, query, text) => {
  await expect(results(ONE, query)).rejects.toThrow(text);
});

it('goes as deep as it says, and documents may be deeper', async () => {
  expect(await results(ONE, `{"selector":{"a":${nested('{"$not":', 490, '{"$gt":1}', '}')}}}`)).toEqual([]);
  const deep = `{"s":${nested('[', 9_000, '', ']')}}`;
  expect(await results([deep, `{"s":${nested('[', 20_000, '', ']')}}`], '{"selector":{"s":{"$gt":[[]]}}}')).toEqual([deep]);
});

it('refuses a document that would take too long, instead of keeping everybody waiting', async () => {
  await expect(results([`{"s":[${listed(500_000, String)}]}`], '{"selector":{"s":{"$elemMatch":{"$lt":0}}}}')).rejects.toThrow(
    'takes too long',
  );
});

it('lets others work while a regular expression explodes, and stops when nobody wants it any more', async () => {
  const query = openRichQuery({
    source: new MemoryDocuments(entries(...ONE), []),
    query: '{"selector":{"s":{"$regex":"^(a+)+$"}}}',
    limits: { total: 10, internal: 10 },
  });
  const end = query.next();
  let turns = 0;
  const others = (): void => {
    turns += 1;
    if (turns === 5) query[Symbol.dispose]();
    else setImmediate(others);
  };
  setImmediate(others);
  await expect(end).rejects.toThrow('the query was closed');
  expect(turns).toBe(5);
});

it('keeps keys and not documents of a page that is large', async () => {
  const large = Array.from({ length: 100 }, (_, at) => `{"at":${at},"s":"${'x'.repeat(100_000)}"}`);
  const source = new MemoryDocuments(entries(...large), []);
  let readAgain = 0;
  const counted = {
    indexes: [],
    get: (key: string) => {
      readAgain += 1;
      return source.get(key);
    },
    documents: source.documents.bind(source),
    indexed: source.indexed.bind(source),
  };
  using query = openRichQuery({
    source: counted,
    query: '{"selector":{"s":{"$gt":null}},"fields":["at"]}',
    limits: { total: 1000, internal: 1000 },
  });
  const found: string[] = [];
  for (let next = await query.next(); next !== undefined; next = await query.next()) found.push(Buffer.from(next.value).toString('utf8'));
  expect(found).toEqual(
    large
      .map((_, at) => [at, `{"at":${at}}`] as const)
      .sort(([a], [b]) => (`k${a}` < `k${b}` ? -1 : 1))
      .map(([, json]) => json),
  );
  expect(readAgain).toBe(100 - 41);
});
