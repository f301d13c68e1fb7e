import { afterEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../common/bytes.ts';
import { silent } from '../../../common/log.ts';
import { Scope } from '../../../common/scope.ts';
import type { KvWrite } from '../../kv/kv-store.ts';
import { MemoryStore } from '../../kv/memory-store.ts';
import { KvStateStore } from '../kv-state-store.ts';
import { RichState } from '../rich-state.ts';
import type { IndexFile, StateUpdate } from '../state.ts';
import { indexFindings } from './index-findings.ts';
import { DROPPED, rowsPrefix } from './key-space.ts';
import { indexesOf } from './stored-index.ts';

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const SAVEPOINT = { blockNum: 1n, txNum: 0n };

function opened(kv: MemoryStore = new MemoryStore()) {
  const rich = new RichState({ kv, log: silent, limits: { total: 100, internal: 100 } });
  return { kv, indexes: rich.indexes, state: scope.use(new KvStateStore(kv, { rich })) };
}

const put = (key: string, value: object): StateUpdate => ({
  namespace: 'cc',
  key,
  value: { value: utf8(JSON.stringify(value)), version: SAVEPOINT },
});

const many = (count: number): StateUpdate[] => Array.from({ length: count }, (_, at) => put(`k${at}`, { n: at, owner: `o${at % 7}` }));

const file = (path: string, name: string, fields: readonly unknown[]): IndexFile => ({
  path,
  content: JSON.stringify({ index: { fields }, ddoc: 'd', name }),
});

/** Names of the indexes, how many rows each has, and what is wrong with them. */
async function seen(kv: MemoryStore) {
  using snapshot = kv.snapshot();
  const rows = async (number: number): Promise<number> => {
    using found = snapshot.range({ gte: rowsPrefix(number, 'ordered'), lt: rowsPrefix(number + 1, 'ordered') });
    let count = 0;
    while ((await found.next()) !== undefined) count += 1;
    return count;
  };
  const indexes = indexesOf(snapshot, 'cc');
  const names = await Promise.all(indexes.map(async ({ number, definition }) => [definition.name, await rows(number)] as const));
  using dropped = snapshot.range({ gte: DROPPED, lt: utf8('qh') });
  return { indexes: names, findings: await indexFindings(snapshot), dropped: (await dropped.next()) !== undefined };
}

/** Exactly these indexes, in this order, with so many rows each, nothing wrong with them and nothing left of others. */
async function expectSound(kv: MemoryStore, rows: { readonly [index: string]: number }) {
  expect(await seen(kv)).toEqual({ indexes: Object.entries(rows), findings: [], dropped: false });
}

/** Counts what each commit writes, and may fail. */
class WatchedStore extends MemoryStore {
  readonly commits: number[] = [];
  fails = false;

  override async commit(writes: readonly KvWrite[]): Promise<void> {
    if (this.fails) throw new Error('the disk is gone');
    this.commits.push(writes.length);
    await super.commit(writes);
  }
}

describe('the indexes of a state', () => {
  it('take in what was there before, in steps of bounded size, and go with each commit from then on', async () => {
    const kv = new WatchedStore();
    const { state, indexes } = opened(kv);
    await state.commit(many(1000), SAVEPOINT);
    kv.commits.length = 0;
    expect(await indexes.deploy('cc', [file('a', 'byN', ['n']), file('b', 'byOwner', ['owner', 'n'])])).toEqual([]);
    const meanwhile = state.commit([put('k1', { n: 'new' }), { namespace: 'cc', key: 'k2', value: undefined }], SAVEPOINT);
    await meanwhile;
    await indexes.built();
    expect(Math.max(...kv.commits)).toBeLessThan(200);
    await expectSound(kv, { byN: 999, byOwner: 998 });
    await state.commit([put('k3', { other: 1 }), put('new', { n: 1, owner: 'x' })], SAVEPOINT);
    await expectSound(kv, { byN: 999, byOwner: 998 });
  });

  it('are replaced by name, dropped with their rows where no file has them, and left alone where nothing changed', async () => {
    const { kv, state, indexes } = opened(new WatchedStore());
    await state.commit(many(50), SAVEPOINT);
    const first = [file('a', 'x', ['n']), file('b', 'y', ['owner'])];
    await indexes.deploy('cc', first);
    await indexes.built();
    const before = (kv as WatchedStore).commits.length;
    await indexes.deploy('cc', [...first].reverse());
    await indexes.built();
    expect((kv as WatchedStore).commits.length - before).toBe(0);
    await indexes.deploy('cc', [file('a', 'x', ['owner', 'n'])]);
    await indexes.built();
    await expectSound(kv, { x: 50 });
    await indexes.deploy('cc', []);
    await indexes.built();
    await expectSound(kv, {});
    expect(await indexes.namespaces()).toEqual([]);
  });

  it('are refused file by file in CouchDB’s words, and the others made', async () => {
    const { indexes } = opened();
    const refused = await indexes.deploy('cc', [file('a', 'x', [{ n: 'DESC' }]), { path: 'b', content: 'no JSON' }, file('c', 'y', ['n'])]);
    expect(refused).toEqual([
      {
        path: 'a',
        reason:
          'error handling CouchDB request. Error:invalid_sort_field,  Status Code:400,  Reason:Invalid sort field: {[{<<"n">>,<<"DESC">>}]}',
      },
      { path: 'b', reason: 'error handling CouchDB request. Error:bad_request,  Status Code:400,  Reason:invalid UTF-8 JSON' },
    ]);
    expect(await indexes.namespaces()).toEqual(['cc']);
  });

  it('go on after a stop where they were', async () => {
    const { kv, state, indexes } = opened(new WatchedStore());
    await state.commit(many(500), SAVEPOINT);
    await indexes.deploy('cc', [file('a', 'x', ['n'])]);
    await state[Symbol.asyncDispose]();
    {
      using snapshot = kv.snapshot();
      expect(indexesOf(snapshot, 'cc')[0]?.built).toBe(false);
    }
    const again = opened(kv);
    await again.indexes.built();
    await expectSound(kv, { x: 500 });
  });

  it('are as before where a commit fails, and a build that fails leaves commits alone', async () => {
    const kv = new WatchedStore();
    const { state, indexes } = opened(kv);
    await indexes.deploy('cc', [file('a', 'x', ['n'])]);
    await state.commit(many(10), SAVEPOINT);
    kv.fails = true;
    await expect(state.commit([put('k1', { n: 100 })], SAVEPOINT)).rejects.toThrow('the disk is gone');
    kv.fails = false;
    await expectSound(kv, { x: 10 });
    await state.commit([put('k1', { n: 100 })], SAVEPOINT);
    await expectSound(kv, { x: 10 });
  });
});

describe('what is found in indexes', () => {
  it('names the one that is not what the state gives', async () => {
    const { kv, state, indexes } = opened();
    await indexes.deploy('cc', [file('a', 'x', ['n'])]);
    await indexes.built();
    await state.commit(many(3), SAVEPOINT);
    using snapshot = kv.snapshot();
    const number = indexesOf(snapshot, 'cc')[0]?.number ?? 0;
    using rows = snapshot.range({ gte: rowsPrefix(number, 'ordered') });
    const first = await rows.next();
    await kv.commit([{ key: first?.key ?? utf8(''), value: undefined }]);
    expect((await seen(kv)).findings).toEqual(['the index d/x of cc has 2 rows, and the state gives 3']);
  });
});
