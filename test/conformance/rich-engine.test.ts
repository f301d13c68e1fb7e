import { afterAll, describe, expect, it } from 'vitest';
import { SelvageError } from '../../src/common/errors.ts';
import { compareValues } from '../../src/ledger/statedb/rich/compare-values.ts';
import { canonicalValue } from '../../src/ledger/statedb/rich/document-json.ts';
import { type FindAnswer, findDocuments } from '../../src/ledger/statedb/rich/find-documents.ts';
import { goJson } from '../../src/ledger/statedb/rich/go-json.ts';
import { parseIndexDefinition } from '../../src/ledger/statedb/rich/index-definition.ts';
import { indexLabel } from '../../src/ledger/statedb/rich/plan-query.ts';
import { projectFields } from '../../src/ledger/statedb/rich/project-fields.ts';
import { parseQueryJson } from '../../src/ledger/statedb/rich/query-json.ts';
import { parseQueryOptions, type QueryOptions } from '../../src/ledger/statedb/rich/query-options.ts';
import { RichDocument } from '../../src/ledger/statedb/rich/rich-document.ts';
import { Turns } from '../../src/ledger/statedb/rich/turns.ts';
import type { StateEntry } from '../../src/ledger/statedb/state.ts';
import { MemoryDocuments } from '../fakes/memory-documents.ts';
import { hasRecordedQueries, queryFixtureLines, readQueryFixture } from '../recorded-queries.ts';
import { Report } from './report.ts';

const SETS = ['types', 'assets', 'big'];

/** One answer of CouchDB; see the recordings' README. */
interface RecordedAnswer {
  readonly status: number;
  readonly error?: string;
  readonly reason?: string;
  readonly ids?: readonly string[];
  readonly docs?: readonly string[];
  readonly first?: string;
  readonly bookmark?: string | null;
  readonly warning?: string;
}

interface RecordedQuery extends RecordedAnswer {
  readonly n: number;
  readonly cat: string;
  readonly ix: string;
  /** The body as it was sent. */
  readonly q: string;
  readonly index?: string;
  readonly pages?: readonly RecordedAnswer[];
}

interface RecordedIndex {
  readonly file: unknown;
  readonly id: string;
  readonly name: string;
}

/** What the engine answers, in the words of the recordings. */
interface Outcome {
  readonly answer: RecordedAnswer;
  readonly index?: string;
  readonly found?: FindAnswer;
  readonly options?: QueryOptions;
}

const recordedIndexes = (): Record<string, Record<string, readonly RecordedIndex[]>> =>
  JSON.parse(readQueryFixture('indexes.json')) as Record<string, Record<string, readonly RecordedIndex[]>>;

function recordedDocuments(set: string): readonly StateEntry[] {
  return queryFixtureLines<{ k: string; t?: string; b?: string }>(`${set}.docs.jsonl`).map(({ k, t, b }) => ({
    key: k,
    value: t === undefined ? Buffer.from(b ?? '', 'base64') : Buffer.from(t, 'utf8'),
    version: { blockNum: 5n, txNum: 0n },
  }));
}

/** Every index set with the documents of a data set. */
function recordedSources(set: string): ReadonlyMap<string, MemoryDocuments> {
  const documents = recordedDocuments(set);
  return new Map(
    Object.entries(recordedIndexes()[set] ?? {}).map(([name, indexes]) => [
      name,
      new MemoryDocuments(
        documents,
        indexes.map(({ file }) => parseIndexDefinition(JSON.stringify(file))),
      ),
    ]),
  );
}

const refusalOf = (thrown: unknown): RecordedAnswer => {
  const { details, message } = SelvageError.from(thrown);
  if (details['status'] === undefined) throw thrown;
  return { status: Number(details['status']), error: String(details['error']), reason: String(details['reason'] ?? message) };
};

async function answered(source: MemoryDocuments, query: string): Promise<Outcome> {
  try {
    const options = parseQueryOptions(parseQueryJson(query));
    const found = await findDocuments(source, options, new Turns());
    const { rows, bookmark, warning, plan } = found;
    const documents = await Promise.all(rows.map(({ key }) => resultOf(source, key, options)));
    const answer = {
      status: 200,
      ids: rows.map(({ key }) => key),
      bookmark: bookmark ?? null,
      docs: documents,
      ...(warning && { warning }),
    };
    return { answer, index: indexLabel(plan.index), found, options };
  } catch (thrown) {
    return { answer: refusalOf(thrown) };
  }
}

/** A result in one form: recorded documents have no revision, and what they say of an attachment's is CouchDB's own counting. */
async function resultOf(source: MemoryDocuments, key: string, { fields }: QueryOptions): Promise<string> {
  const entry = source.get(key);
  if (entry === undefined) throw new Error(`${key} is not there`);
  const document = new RichDocument(entry);
  return comparable(fields === undefined ? document.whole : projectFields(document, fields));
}

function comparable(value: string | Parameters<typeof goJson>[0]): string {
  const json = typeof value === 'string' ? (JSON.parse(value) as Record<string, unknown>) : undefined;
  const members = json === undefined ? new Map(value as ReadonlyMap<string, never>) : new Map(Object.entries(json));
  members.delete('_rev');
  return goJson(members as never).replace(/"revpos":\d+/g, '"revpos":1');
}

/** How an answer differs, undefined if it does not. */
function difference(recorded: RecordedAnswer, { answer, options }: Outcome): string | undefined {
  const { warning, docs, first, ids, ...plain } = recorded;
  for (const name of ['status', 'error', 'reason'] as const) {
    if (plain[name] !== answer[name]) return `${name}: ${answer[name]} instead of ${plain[name]} (${answer.reason})`;
  }
  if (recorded.status !== 200) return undefined;
  if (ids !== undefined && ids.join('\n') !== answer.ids?.join('\n')) return `ids: ${answer.ids?.join()} instead of ${ids.join()}`;
  if ((plain.bookmark ?? null) !== answer.bookmark) return `bookmark: ${answer.bookmark} instead of ${plain.bookmark}`;
  for (const [at, document] of [...(docs ?? []), ...(first === undefined ? [] : [first])].entries()) {
    if (comparable(document) !== answer.docs?.[at]) return `document: ${answer.docs?.[at]} instead of ${comparable(document)}`;
  }
  // Where the limit ended it, CouchDB's shards had looked at some more documents by then.
  const whole = options !== undefined && (answer.ids?.length ?? 0) < options.limit;
  return warningPart(warning, whole) === warningPart(answer.warning, whole) ? undefined : `warning: ${answer.warning}`;
}

const warningPart = (warning: string | undefined, whole: boolean): string | undefined =>
  whole ? warning : warning?.split('\n').find((line) => !line.startsWith('The number of documents examined'));

/** A page's request: the same with the bookmark of the one before. */
const withBookmark = (query: string, bookmark: string): string =>
  `${query.trimEnd().replace(/\}$/, '')},"bookmark":${JSON.stringify(bookmark)}}`;

async function problemsOf(query: RecordedQuery, source: MemoryDocuments): Promise<string | undefined> {
  let bookmark: string | undefined;
  for (const page of query.pages ?? [query]) {
    const outcome = await answered(source, bookmark === undefined ? query.q : withBookmark(query.q, bookmark));
    // Pages were recorded without their status and their warnings.
    const { warning } = outcome.answer;
    const recorded = query.pages === undefined ? page : { ...page, status: 200, ...(warning !== undefined && { warning }) };
    const problem = difference(recorded, outcome);
    if (problem !== undefined) return problem;
    if (query.index !== undefined && outcome.index !== undefined && query.index !== outcome.index) return `index: ${outcome.index}`;
    bookmark = outcome.answer.bookmark ?? undefined;
  }
  return undefined;
}

describe.skipIf(!hasRecordedQueries)('the engine of rich queries against recorded CouchDB (needs the recorded fixtures)', () => {
  const report = new Report('rich queries');
  afterAll(() => report.print());

  it.each(SETS)('%s: results, order, index, bookmarks, warnings and refusals', async (set) => {
    const sources = recordedSources(set);
    const queries = queryFixtureLines<RecordedQuery>(`${set}.queries.jsonl`);
    const problems: string[] = [];
    for (const query of queries) {
      const source = sources.get(query.ix);
      const problem = source === undefined ? `no index set ${query.ix}` : await problemsOf(query, source);
      if (problem === undefined) report.covered(`${set}: ${query.cat}`);
      else problems.push(`${query.n} ${query.cat} ${query.q}: ${problem}`);
    }
    expect(problems).toEqual([]);
    expect(queries.length).toBeGreaterThan(0);
  });

  it('names of indexes whose files name none', () => {
    for (const { file, id, name } of Object.values(recordedIndexes()).flatMap((sets) => Object.values(sets).flat())) {
      expect(parseIndexDefinition(JSON.stringify(file))).toMatchObject({ designDocument: id, name });
      report.covered('index definitions');
    }
  });

  it('index definitions, taken and refused', () => {
    interface Creation {
      readonly def?: string;
      readonly status: number;
      readonly error?: string;
      readonly reason?: string;
      readonly id?: string;
      readonly name?: string;
    }
    const taken = (def: string): Omit<Creation, 'def'> => {
      try {
        const { designDocument, name } = parseIndexDefinition(def);
        return { status: 200, id: `_design/${designDocument}`, name };
      } catch (thrown) {
        return refusalOf(thrown);
      }
    };
    for (const { def, status, error, reason, id, name } of queryFixtureLines<Creation>('index-create.jsonl')) {
      if (def === undefined) continue;
      expect([def, taken(def)]).toEqual([def, JSON.parse(JSON.stringify({ status, error, reason, id, name }))]);
      report.covered('index-create');
    }
  });

  it('values as queries return them', () => {
    for (const { put, query } of queryFixtureLines<{ put: string; query: string }>('fabric/values.jsonl')) {
      expect(Buffer.from(canonicalValue(Buffer.from(put, 'utf8'))).toString('utf8')).toBe(query);
      report.covered('values');
    }
  });

  it('strings in the order of the collation, as far as this ICU has it', () => {
    const lines = queryFixtureLines<readonly [text: string, key: string]>('collation.jsonl').map(([text]) => text);
    const isInOrder = (text: string, at: number, all: readonly string[]): boolean => compareValues(all[at - 1] ?? text, text) <= 0;
    for (const [at, text] of lines.entries()) {
      if (isInOrder(text, at, lines)) report.covered('collation');
      else report.known('characters or weights of another ICU', `line ${at + 1}`);
    }
    // Characters and weights have changed since CouchDB's ICU; those of every day have not.
    expect(lines.filter(isInOrder).length).toBeGreaterThan(lines.length * 0.95);
    const everyday = lines.filter((text) => !/[^\0-\u1fff]|\p{M}/u.test(text));
    expect(everyday.filter((text, at) => !isInOrder(text, at, everyday))).toEqual([]);
  });
});
