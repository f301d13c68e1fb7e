import { afterEach, describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../common/bytes.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { MemoryStore } from '../ledger/kv/memory-store.ts';
import { KvStateStore } from '../ledger/statedb/kv-state-store.ts';
import { RichState } from '../ledger/statedb/rich-state.ts';
import { explainQuery } from './explain-query.ts';

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function ledgerWith(fields: readonly string[]) {
  const kv = new MemoryStore();
  const state = scope.use(new KvStateStore(kv, { rich: new RichState({ kv, log: silent, limits: { total: 100, internal: 100 } }) }));
  const version = { blockNum: 1n, txNum: 0n };
  const documents = Array.from({ length: 30 }, (_, at) => ({
    namespace: 'cc',
    key: `k${at}`,
    value: { value: utf8(JSON.stringify({ owner: `o${at % 3}`, n: at })), version },
  }));
  await state.commit(documents, version);
  await state.indexes?.deploy('cc', [{ path: 'a', content: JSON.stringify({ index: { fields }, ddoc: 'd', name: 'x' }) }]);
  return { indexes: state.indexes, snapshot: () => state.snapshot() };
}

const explained = async (ledger: Parameters<typeof explainQuery>[0], query: object): Promise<unknown> =>
  JSON.parse(textOf(await explainQuery(ledger, 'cc', JSON.stringify(query))));

describe('an explained query', () => {
  it('says which index served it and what that took', async () => {
    const ledger = await ledgerWith(['owner']);
    expect(await explained(ledger, { selector: { owner: 'o1' } })).toMatchObject({
      index: 'd/x',
      results: 10,
      documentsExamined: 10,
      scannedAll: false,
      candidates: [{ index: 'd/x', usable: true }, { index: '_all_docs' }],
    });
  });

  it('says which index would, where none did', async () => {
    const ledger = await ledgerWith(['owner']);
    expect(await explained(ledger, { selector: { n: { $gt: 20 } } })).toMatchObject({
      index: '_all_docs',
      results: 9,
      scannedAll: true,
      advice: {
        path: 'META-INF/statedb/couchdb/indexes/indexN.json',
        content: '{"index":{"fields":["n"]},"ddoc":"indexNDoc","name":"indexN","type":"json"}',
      },
    });
  });

  it('names the file of the index that a sort misses, which then serves it', async () => {
    for (const query of [
      { selector: { owner: 'o1' }, sort: [{ n: 'desc' }] },
      { selector: { n: { $gt: 3 } }, sort: ['owner', 'n'] },
      { selector: { $or: [{ n: 1 }, { n: 2 }] }, sort: ['owner'] },
    ]) {
      const ledger = await ledgerWith(['nothing']);
      const refusal = await explained(ledger, query).then(String, (thrown: Error) => thrown.message);
      const [, path, content = ''] = /Reason:No index exists for this sort, .* Add to the chaincode (\S+): (.*)$/.exec(refusal) ?? [];
      expect(path).toMatch(/^META-INF\/statedb\/couchdb\/indexes\/index\w+\.json$/);
      await ledger.indexes?.deploy('cc', [{ path: path ?? '', content }]);
      expect(await explained(ledger, query)).toMatchObject({ scannedAll: false, results: expect.toSatisfy((n: number) => n > 0) });
    }
  });

  it('is refused in the words that chaincode gets, and where there are no queries or no such name', async () => {
    const ledger = await ledgerWith(['owner']);
    const refused = async (of: Parameters<typeof explainQuery>[0], chaincode: string, query: string): Promise<string> =>
      explainQuery(of, chaincode, query).then(String, (thrown: Error) => thrown.message);
    expect(await refused(ledger, 'cc', '{"selector":{"n":{"$foo":1}}}')).toBe(
      'error handling CouchDB request. Error:invalid_operator,  Status Code:400,  Reason:Invalid operator: $foo',
    );
    expect(await refused(ledger, 'cc$$pshared', '{}')).toBe("'cc$$pshared' is no name of a chaincode");
    expect(await refused({ ...ledger, indexes: undefined }, 'cc', '{}')).toBe(
      'this peer answers no rich queries: selvage.richQueries is false',
    );
  });
});
