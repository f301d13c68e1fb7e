import { describe, expect, it } from 'vitest';
import type { LogFields, Logger } from '../../common/log.ts';
import { silent } from '../../common/log.ts';
import { indexFileFor, type QueryAdvice, QueryAdvisor } from './query-advice.ts';
import type { QueryCost } from './rich/query-plan.ts';

const cost = (indexable: readonly string[], changed: Partial<QueryCost> = {}): QueryCost => ({
  plan: { selector: '{}', index: '_all_docs', candidates: [], range: undefined, indexable, sort: [] },
  documentsExamined: 7,
  warnings: [],
  scannedAll: true,
  ...changed,
});

function advisor() {
  const told: QueryAdvice[] = [];
  const logged: (readonly [string, LogFields | undefined])[] = [];
  const log: Logger = { ...silent, warn: (message, fields) => void logged.push([message, fields]) };
  return { told, logged, advisor: new QueryAdvisor({ log, advise: (advice) => told.push(advice) }) };
}

describe('advice for a query that no index serves', () => {
  it('is given once for each kind of query, with the file that would serve it', () => {
    const { told, logged, advisor: advice } = advisor();
    for (const owner of ['a', 'b']) advice.tell({ namespace: 'cc', query: `{"selector":{"owner":"${owner}"}}` }, cost(['owner']));
    advice.tell({ namespace: 'cc$$pshared', query: '{}' }, cost(['owner', 'price.amount']));
    expect(told).toEqual([
      {
        namespace: 'cc',
        query: '{"selector":{"owner":"a"}}',
        documentsExamined: 7,
        file: {
          path: 'META-INF/statedb/couchdb/indexes/indexOwner.json',
          content: '{"index":{"fields":["owner"]},"ddoc":"indexOwnerDoc","name":"indexOwner","type":"json"}',
        },
      },
      {
        namespace: 'cc$$pshared',
        query: '{}',
        documentsExamined: 7,
        file: indexFileFor('cc$$pshared', { indexable: ['owner', 'price.amount'] }),
      },
    ]);
    expect(told[1]?.file?.path).toBe('META-INF/statedb/couchdb/collections/shared/indexes/indexOwnerPriceamount.json');
    expect(logged.map(([message]) => message)).toEqual(
      Array.from({ length: 2 }, () => 'no index serves this query: every document was looked at'),
    );
  });

  it('says so where no index would help, and is not given where one served or nothing was there', () => {
    const { told, advisor: advice } = advisor();
    advice.tell({ namespace: 'cc', query: '{"selector":{}}' }, cost([]));
    advice.tell({ namespace: 'cc', query: '{"selector":{"a":1}}' }, cost(['a'], { scannedAll: false }));
    advice.tell({ namespace: 'cc', query: '{"selector":{"b":1}}' }, cost(['b'], { documentsExamined: 0 }));
    expect(told.map(({ file }) => file)).toEqual([undefined]);
  });

  it('is given for one that was refused, too', () => {
    const { told, logged, advisor: advice } = advisor();
    for (const owner of ['a', 'b'])
      advice.tellRefused({ namespace: 'cc', query: `{"selector":{"owner":"${owner}"},"sort":["size"]}` }, ['owner', 'size']);
    const file = indexFileFor('cc', { indexable: ['owner', 'size'] });
    expect(told).toEqual([{ namespace: 'cc', query: '{"selector":{"owner":"a"},"sort":["size"]}', documentsExamined: undefined, file }]);
    expect(logged).toEqual([
      [
        'no index has the order that this query asks for: it was refused',
        expect.objectContaining({ index: file?.content, path: file?.path }),
      ],
    ]);
  });

  it('passes on what CouchDB would warn of, once for each kind', () => {
    const { logged, advisor: advice } = advisor();
    const warnings = [{ query: '{"selector":{}}', text: 'The number of documents examined is high in proportion to 10 results.' }];
    for (const _ of [1, 2]) advice.tell({ namespace: 'cc', query: '{}' }, cost(['a'], { warnings, scannedAll: false }));
    expect(logged.map(([message]) => message)).toEqual([
      'The query [{"selector":{}}] caused the following warning: [The number of documents examined is high in proportion to 10 results.]',
    ]);
  });
});
