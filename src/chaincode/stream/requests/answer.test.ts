import { describe, expect, it } from 'vitest';
import { MemorySimulator, type MemoryState } from '../../../../test/fakes/memory-simulator.ts';
import { textOf, utf8 } from '../../../common/bytes.ts';
import { SelvageError } from '../../../common/errors.ts';
import type { TxSimulator } from '../../../ledger/simulator/tx-simulator.ts';
import type { CollectionPermissions } from '../../../lifecycle/collection-access.ts';
import { protos, queryresult } from '../../../protos/messages.ts';
import { Type } from '../message-types.ts';
import { TransactionContext } from '../transaction-context.ts';
import { answer } from './answer.ts';
import type { RequestParts } from './request.ts';

interface World {
  readonly isInit?: boolean;
  readonly state?: MemoryState;
  readonly kind?: 'init' | 'transaction';
  readonly channelId?: string;
  readonly simulator?: TxSimulator | undefined;
  readonly permissions?: CollectionPermissions;
  readonly capabilities?: { readonly keyLevelEndorsement: boolean; readonly purgePvtData: boolean } | undefined;
  readonly totalQueryLimit?: number;
}

/** A transaction `t` of chaincode `cc` on channel `ch`, and a way to ask on its behalf. */
function world(options: World = {}) {
  const { state, kind = 'transaction', isInit, channelId = 'ch', permissions = { read: true, write: true } } = options;
  const memory = new MemorySimulator(state);
  const simulator = 'simulator' in options ? options.simulator : memory;
  const proposal = { signedProposal: { proposalBytes: utf8(''), signature: utf8('') }, channelId, txId: 't', creator: utf8('') };
  const context = new TransactionContext(
    { kind, namespace: 'cc', input: { isInit }, proposal, simulator },
    { maxOpenQueries: 3, forget: () => undefined },
  );
  let ids = 0;
  const asked = { permissions: 0 };
  const parts: RequestParts = {
    calls: { isSystem: (name) => name === 'qscc', call: async (_, callee) => utf8(`${callee.name} on ${callee.channelId}`) },
    collections: {
      permissions: async () => {
        asked.permissions += 1;
        return permissions;
      },
    },
    capabilities: () => ('capabilities' in options ? options.capabilities : { keyLevelEndorsement: true, purgePvtData: true }) as never,
    newQueryId: () => `query-${++ids}`,
    totalQueryLimit: options.totalQueryLimit ?? 1000,
  };
  const ask = async (type: number, payload: Uint8Array, of: TransactionContext | undefined = context) =>
    (await answer({ type, payload, txid: 't', channelId, timestamp: undefined, proposal: undefined, chaincodeEvent: undefined }, of, parts))
      .message;
  const failure = async (type: number, payload: Uint8Array, of?: TransactionContext) => {
    const message = await ask(type, payload, of);
    expect(message).toMatchObject({ type: Type.ERROR, txid: 't', channelId });
    return textOf(message.payload ?? utf8(''));
  };
  const payload = async (type: number, request: Uint8Array) => {
    const message = await ask(type, request);
    expect(message, textOf(message.payload ?? utf8(''))).toMatchObject({ type: Type.RESPONSE, txid: 't', channelId });
    return message.payload ?? utf8('');
  };
  /** Asks for a transaction that this stream does not know. */
  const orphan = async (type: number, request: Uint8Array) =>
    textOf(
      (
        await answer(
          { type, payload: request, txid: 't', channelId, timestamp: undefined, proposal: undefined, chaincodeEvent: undefined },
          undefined,
          parts,
        )
      ).message.payload ?? utf8(''),
    );
  return { memory, context, ask, failure, payload, orphan, asked };
}

const values = new Map([
  ['cc/a', utf8('1')],
  ['cc/b', utf8('2')],
  ['cc/c', utf8('3')],
  ['other/a', utf8('not mine')],
  ['cc$coll/a', utf8('secret')],
  ['cc$coll/hash of a', utf8('hash')],
]);
const metadata = new Map([
  ['cc/a', new Map([['VALIDATION_PARAMETER', utf8('policy')]])],
  ['cc$coll/a', new Map([['VALIDATION_PARAMETER', utf8('private policy')]])],
]);

const REQUEST_TYPES = [8, 9, 10, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25];

describe('reads', () => {
  it('answer with the committed value, empty where there is none', async () => {
    const { payload } = world({ state: { values } });
    expect(await payload(Type.GET_STATE, protos.GetState.encode({ key: 'a' }))).toEqual(utf8('1'));
    expect(await payload(Type.GET_STATE, protos.GetState.encode({ key: 'zz' }))).toEqual(utf8(''));
    expect(await payload(Type.GET_STATE, protos.GetState.encode({ key: 'a', collection: 'coll' }))).toEqual(utf8('secret'));
    expect(await payload(Type.GET_PRIVATE_DATA_HASH, protos.GetState.encode({ key: 'a', collection: 'coll' }))).toEqual(utf8('hash'));
  });

  it('answer many keys in their order', async () => {
    const { payload } = world({ state: { values } });
    const read = async (request: protos.GetStateMultipleInit) =>
      protos.GetStateMultipleResult.decode(await payload(Type.GET_STATE_MULTIPLE, protos.GetStateMultiple.encode(request))).values.map(
        textOf,
      );
    expect(await read({ keys: ['b', 'zz', 'a'] })).toEqual(['2', '', '1']);
    expect(await read({ keys: ['zz', 'a'], collection: 'coll' })).toEqual(['', 'secret']);
  });

  it('answer metadata by name', async () => {
    const { payload } = world({ state: { values, metadata } });
    const read = async (request: protos.GetStateMetadataInit) =>
      protos.StateMetadataResult.decode(await payload(Type.GET_STATE_METADATA, protos.GetStateMetadata.encode(request))).entries.map(
        ({ metakey, value }) => [metakey, textOf(value)],
      );
    expect(await read({ key: 'a' })).toEqual([['VALIDATION_PARAMETER', 'policy']]);
    expect(await read({ key: 'a', collection: 'coll' })).toEqual([['VALIDATION_PARAMETER', 'private policy']]);
    expect(await read({ key: 'b' })).toEqual([]);
  });
});

describe('writes', () => {
  it('go to the chaincode’s own namespace; an empty value deletes', async () => {
    const { payload, memory } = world();
    await payload(Type.PUT_STATE, protos.PutState.encode({ key: 'k', value: utf8('v') }));
    await payload(Type.PUT_STATE, protos.PutState.encode({ key: 'gone' }));
    await payload(Type.DEL_STATE, protos.DelState.encode({ key: 'd' }));
    await payload(Type.PUT_STATE_METADATA, protos.PutStateMetadata.encode({ key: 'k', metadata: { metakey: 'm', value: utf8('v') } }));
    expect(memory.writes).toEqual(['put cc/k=v', 'del cc/gone', 'del cc/d', 'meta cc/k m']);
  });

  it('go to collections', async () => {
    const { payload, memory, asked } = world();
    const collection = 'coll';
    await payload(Type.PUT_STATE, protos.PutState.encode({ key: 'k', value: utf8('v'), collection }));
    await payload(Type.PUT_STATE, protos.PutState.encode({ key: 'gone', collection }));
    await payload(Type.DEL_STATE, protos.DelState.encode({ key: 'd', collection }));
    await payload(Type.PUT_STATE_METADATA, protos.PutStateMetadata.encode({ key: 'k', collection, metadata: { metakey: 'm' } }));
    await payload(Type.PURGE_PRIVATE_DATA, protos.PurgePrivateState.encode({ key: 'p', collection }));
    expect(memory.writes).toEqual(['put cc$coll/k=v', 'del cc$coll/gone', 'del cc$coll/d', 'meta cc$coll/k m', 'purge cc$coll/p']);
    expect(asked.permissions).toBe(1);
  });

  it('in a batch are made in order, up to the first that fails', async () => {
    const { payload, failure, memory } = world();
    const { PUT_STATE, DEL_STATE, PUT_STATE_METADATA, PURGE_PRIVATE_DATA } = protos.WriteRecord_Type;
    const good: protos.WriteRecordInit[] = [
      { type: PUT_STATE, key: 'a', value: utf8('1') },
      { type: DEL_STATE, key: 'b' },
      { type: PUT_STATE_METADATA, key: 'c', metadata: { metakey: 'm' } },
      { type: PURGE_PRIVATE_DATA, key: 'd', collection: 'coll' },
    ];
    await payload(Type.WRITE_BATCH_STATE, protos.WriteBatchState.encode({ rec: good }));
    expect(memory.writes).toEqual(['put cc/a=1', 'del cc/b', 'meta cc/c m', 'purge cc$coll/d']);
    const bad = protos.WriteBatchState.encode({
      rec: [
        { type: DEL_STATE, key: 'x' },
        { type: 77, key: 'y' },
        { type: DEL_STATE, key: 'z' },
      ],
    });
    expect(await failure(Type.WRITE_BATCH_STATE, bad)).toBe('WRITE_BATCH_STATE failed: transaction ID: t: unknown operation type: 77');
    expect(memory.writes.slice(4)).toEqual(['del cc/x']);
  });
});

describe('queries', () => {
  const range = protos.GetStateByRange.encode({ startKey: 'a', endKey: 'z' });
  const read = (bytes: Uint8Array) => {
    const { results, ...rest } = protos.QueryResponse.decode(bytes);
    return { ...rest, keys: results.map(({ resultBytes }) => queryresult.KV.decode(resultBytes).key) };
  };

  it('close their iterator at the end', async () => {
    const { payload, memory, failure } = world({ state: { values } });
    expect(read(await payload(Type.GET_STATE_BY_RANGE, range))).toMatchObject({ keys: ['a', 'b', 'c'], hasMore: false, id: 'query-1' });
    expect(memory.openIterators).toBe(0);
    expect(await failure(Type.QUERY_STATE_NEXT, protos.QueryStateNext.encode({ id: 'query-1' }))).toBe(
      'QUERY_STATE_NEXT failed: transaction ID: t: query iterator not found',
    );
  });

  it('go on with NEXT and stop with CLOSE, which succeeds for any id', async () => {
    const many = new Map(Array.from({ length: 250 }, (_, at) => [`cc/k${String(at).padStart(3, '0')}`, utf8('v')]));
    const { payload, memory } = world({ state: { values: many } });
    const first = read(await payload(Type.GET_STATE_BY_RANGE, protos.GetStateByRange.encode({})));
    expect(first).toMatchObject({ hasMore: true, id: 'query-1' });
    const second = read(await payload(Type.QUERY_STATE_NEXT, protos.QueryStateNext.encode({ id: 'query-1' })));
    expect([...first.keys, ...second.keys]).toEqual([...many.keys()].slice(0, 200).map((name) => name.slice(3)));
    expect(memory.openIterators).toBe(1);
    for (const id of ['query-1', 'query-1', 'never opened'])
      expect(read(await payload(Type.QUERY_STATE_CLOSE, protos.QueryStateClose.encode({ id })))).toMatchObject({
        keys: [],
        hasMore: false,
        id,
      });
    expect(memory.openIterators).toBe(0);
  });

  it('are paginated when size or bookmark is given', async () => {
    const { payload } = world({ state: { values }, totalQueryLimit: 2 });
    const page = async (pageSize: number, bookmark: string) => {
      const answered = read(
        await payload(
          Type.GET_STATE_BY_RANGE,
          protos.GetStateByRange.encode({ startKey: 'a', metadata: protos.QueryMetadata.encode({ pageSize, bookmark }) }),
        ),
      );
      return { keys: answered.keys, hasMore: answered.hasMore, ...protos.QueryResponseMetadata.decode(answered.metadata) };
    };
    expect(await page(1, '')).toEqual({ keys: ['a'], hasMore: false, fetchedRecordsCount: 1, bookmark: 'b' });
    expect(await page(1, 'b')).toEqual({ keys: ['b'], hasMore: false, fetchedRecordsCount: 1, bookmark: 'c' });
    expect(await page(50, 'b')).toEqual({ keys: ['b', 'c'], hasMore: false, fetchedRecordsCount: 2, bookmark: '' });
    expect(await page(0, 'c')).toEqual({ keys: ['c'], hasMore: false, fetchedRecordsCount: 1, bookmark: '' });
    expect(await page(-5, '')).toMatchObject({ keys: ['a', 'b'], fetchedRecordsCount: 2 });
  });

  it('over a collection need read access and are never paginated', async () => {
    const request = protos.GetStateByRange.encode({ collection: 'coll', metadata: protos.QueryMetadata.encode({ pageSize: 1 }) });
    const member = world({ state: { values } });
    expect(read(await member.payload(Type.GET_STATE_BY_RANGE, request)).metadata).toHaveLength(0);
    const stranger = world({ state: { values }, permissions: { read: false, write: true } });
    expect(await stranger.failure(Type.GET_STATE_BY_RANGE, request)).toBe(
      'GET_STATE_BY_RANGE failed: transaction ID: t: tx creator does not have read access permission on privatedata in chaincodeName:cc collectionName: coll',
    );
    expect(stranger.memory.openIterators).toBe(0);
  });

  it('say what the ledger says when it cannot', async () => {
    const { failure } = world();
    for (const collection of ['', 'coll'])
      expect(await failure(Type.GET_QUERY_RESULT, protos.GetQueryResult.encode({ query: '{}', collection }))).toBe(
        'GET_QUERY_RESULT failed: transaction ID: t: ExecuteQuery not supported for leveldb',
      );
  });

  it('hand size and bookmark of a rich query to the state database, and its bookmark back', async () => {
    const asked: unknown[] = [];
    class RichSimulator extends MemorySimulator {
      override query(...[namespace, query, page]: Parameters<TxSimulator['query']>) {
        asked.push([namespace, query, page]);
        const left = [{ namespace, key: 'a', value: utf8('1') }];
        return { next: () => left.shift(), bookmark: () => 'couch-bookmark', [Symbol.asyncDispose]: async () => undefined };
      }
    }
    const { payload } = world({ simulator: new RichSimulator() });
    const request = (metadata: Uint8Array) => protos.GetQueryResult.encode({ query: '{"selector":{}}', metadata });
    const plain = read(await payload(Type.GET_QUERY_RESULT, request(utf8(''))));
    expect(plain).toMatchObject({ keys: ['a'], hasMore: false, metadata: utf8('') });
    const paged = read(await payload(Type.GET_QUERY_RESULT, request(protos.QueryMetadata.encode({ pageSize: 5, bookmark: 'b' }))));
    expect(protos.QueryResponseMetadata.decode(paged.metadata)).toEqual({ fetchedRecordsCount: 1, bookmark: 'couch-bookmark' });
    expect(asked).toEqual([
      ['cc', '{"selector":{}}', undefined],
      ['cc', '{"selector":{}}', { size: 5, bookmark: 'b' }],
    ]);
  });

  it('close their iterator when reading it fails', async () => {
    const seen = { closed: 0 };
    class BrokenSimulator extends MemorySimulator {
      override history() {
        return {
          next: () => Promise.reject(new SelvageError('SIMULATION_FAILED', 'disk')),
          [Symbol.asyncDispose]: async () => {
            seen.closed += 1;
          },
        };
      }
    }
    const { failure } = world({ simulator: new BrokenSimulator() });
    expect(await failure(Type.GET_HISTORY_FOR_KEY, protos.GetHistoryForKey.encode({ key: 'a' }))).toContain('t: disk');
    expect(seen.closed).toBe(1);
  });

  it('answer history', async () => {
    const history = ['t2', 't1'].map((txId) => ({ txId, value: utf8('v'), timestamp: undefined, isDelete: false }));
    const { payload } = world({ state: { history } });
    const { results } = protos.QueryResponse.decode(await payload(Type.GET_HISTORY_FOR_KEY, protos.GetHistoryForKey.encode({ key: 'a' })));
    expect(results.map(({ resultBytes }) => queryresult.KeyModification.decode(resultBytes).txId)).toEqual(['t2', 't1']);
  });

  it('are limited in number, and closed with their transaction', async () => {
    const many = new Map(Array.from({ length: 101 }, (_, at) => [`cc/k${at}`, utf8('v')]));
    const { payload, failure, memory, context } = world({ state: { values: many } });
    const all = protos.GetStateByRange.encode({});
    for (let at = 0; at < 3; at += 1) await payload(Type.GET_STATE_BY_RANGE, all);
    expect(await failure(Type.GET_STATE_BY_RANGE, all)).toContain('the transaction has 3 queries open');
    expect(memory.openIterators).toBe(3);
    await context.close();
    expect(memory.openIterators).toBe(0);
  });
});

describe('refusals', () => {
  it('name the type and the transaction when there is no ledger context', async () => {
    const chainless = world({ simulator: undefined });
    const over = world();
    await over.context.close();
    for (const type of REQUEST_TYPES) {
      const text = / failed: transaction ID: t: no ledger context$/;
      expect(await chainless.failure(type, utf8(''))).toMatch(text);
      expect(await over.failure(type, utf8(''))).toMatch(text);
      expect(await over.orphan(type, utf8(''))).toMatch(text);
    }
  });

  it('tell that a payload does not parse', async () => {
    const { failure, memory } = world();
    for (const type of [...REQUEST_TYPES, Type.INVOKE_CHAINCODE])
      expect(await failure(type, new Uint8Array([0xff, 0xff]))).toContain(': unmarshal failed: ');
    expect(await failure(Type.PUT_STATE_METADATA, protos.PutStateMetadata.encode({ key: 'k' }))).toContain('unmarshal failed');
    expect(memory.writes).toEqual([]);
  });

  it('keep private data out of Init', async () => {
    const { failure, memory } = world({ kind: 'init', state: { values } });
    const collection = 'coll';
    const requests: [number, Uint8Array][] = [
      [Type.GET_STATE, protos.GetState.encode({ key: 'a', collection })],
      [Type.GET_PRIVATE_DATA_HASH, protos.GetState.encode({ key: 'a', collection })],
      [Type.GET_STATE_MULTIPLE, protos.GetStateMultiple.encode({ keys: ['a'], collection })],
      [Type.GET_STATE_METADATA, protos.GetStateMetadata.encode({ key: 'a', collection })],
      [Type.GET_STATE_BY_RANGE, protos.GetStateByRange.encode({ collection })],
      [Type.GET_QUERY_RESULT, protos.GetQueryResult.encode({ collection })],
      [Type.PUT_STATE, protos.PutState.encode({ key: 'a', value: utf8('v'), collection })],
      [Type.DEL_STATE, protos.DelState.encode({ key: 'a', collection })],
      [Type.PUT_STATE_METADATA, protos.PutStateMetadata.encode({ key: 'a', collection, metadata: {} })],
      [Type.PURGE_PRIVATE_DATA, protos.PurgePrivateState.encode({ key: 'a', collection })],
    ];
    for (const [type, payload] of requests)
      expect(await failure(type, payload)).toContain('private data APIs are not allowed in chaincode Init()');
    expect(memory.writes).toEqual([]);
  });

  it('let the initialisation of the 2.x lifecycle use private data', async () => {
    const { payload, memory } = world({ kind: 'init', isInit: true, state: { values } });
    await payload(Type.PUT_STATE, protos.PutState.encode({ key: 'a', value: utf8('v'), collection: 'coll' }));
    expect(memory.writes).toHaveLength(1);
  });

  it('keep strangers from reading and writing member-only collections, the hash excepted', async () => {
    const { failure, payload, memory } = world({ permissions: { read: false, write: false }, state: { values } });
    const collection = 'coll';
    expect(await failure(Type.GET_STATE, protos.GetState.encode({ key: 'a', collection }))).toBe(
      'GET_STATE failed: transaction ID: t: tx creator does not have read access permission on privatedata in chaincodeName:cc collectionName: coll',
    );
    expect(await failure(Type.PUT_STATE, protos.PutState.encode({ key: 'a', value: utf8('v'), collection }))).toBe(
      'PUT_STATE failed: transaction ID: t: tx creator does not have write access permission on privatedata in chaincodeName:cc collectionName: coll',
    );
    for (const [type, request] of [
      [Type.GET_STATE_MULTIPLE, protos.GetStateMultiple.encode({ keys: ['a'], collection })],
      [Type.GET_STATE_METADATA, protos.GetStateMetadata.encode({ key: 'a', collection })],
      [Type.DEL_STATE, protos.DelState.encode({ key: 'a', collection })],
      [Type.PUT_STATE, protos.PutState.encode({ key: 'a', collection })],
      [Type.PUT_STATE_METADATA, protos.PutStateMetadata.encode({ key: 'a', collection, metadata: {} })],
      [Type.PURGE_PRIVATE_DATA, protos.PurgePrivateState.encode({ key: 'a', collection })],
    ] as const)
      expect(await failure(type, request)).toContain('tx creator does not have');
    expect(await payload(Type.GET_PRIVATE_DATA_HASH, protos.GetState.encode({ key: 'a', collection }))).toEqual(utf8('hash'));
    expect(memory.writes).toEqual([]);
  });

  it('follow the capabilities of the channel', async () => {
    const old = world({ capabilities: { keyLevelEndorsement: false, purgePvtData: false } });
    const metadataText = 'key level endorsement is not enabled, channel application capability of V1_3 or later is required';
    const purgeText = 'purge private data is not enabled, channel application capability of V2_5 or later is required';
    const { PUT_STATE_METADATA, PURGE_PRIVATE_DATA } = protos.WriteRecord_Type;
    expect(await old.failure(Type.GET_STATE_METADATA, utf8(''))).toContain(metadataText);
    expect(await old.failure(Type.PUT_STATE_METADATA, utf8(''))).toContain(metadataText);
    expect(await old.failure(Type.PURGE_PRIVATE_DATA, utf8(''))).toContain(purgeText);
    const batch = (type: number) => protos.WriteBatchState.encode({ rec: [{ type, key: 'k', collection: 'coll', metadata: {} }] });
    expect(await old.failure(Type.WRITE_BATCH_STATE, batch(PUT_STATE_METADATA))).toContain(metadataText);
    expect(await old.failure(Type.WRITE_BATCH_STATE, batch(PURGE_PRIVATE_DATA))).toContain(purgeText);
    const none = world({ capabilities: undefined });
    expect(await none.failure(Type.GET_STATE_METADATA, utf8(''))).toContain('application config does not exist for ch');
    const new25 = world();
    expect(await new25.failure(Type.PURGE_PRIVATE_DATA, protos.PurgePrivateState.encode({ key: 'k' }))).toContain(
      'only applicable for private data',
    );
  });

  it('do not show what the peer did not foresee', async () => {
    const broken = new MemorySimulator();
    broken.getState = () => Promise.reject(new Error('secret path /var/peer'));
    const refusing = new MemorySimulator();
    refusing.getState = () => Promise.reject(new SelvageError('SIMULATION_FAILED', 'its text'));
    expect(await world({ simulator: broken }).failure(Type.GET_STATE, utf8(''))).toBe(
      'GET_STATE failed: transaction ID: t: internal error',
    );
    expect(await world({ simulator: refusing }).failure(Type.GET_STATE, utf8(''))).toBe('GET_STATE failed: transaction ID: t: its text');
  });
});

describe('INVOKE_CHAINCODE', () => {
  const spec = (name: string) => protos.ChaincodeSpec.encode({ chaincodeId: { name }, input: { args: [] } });

  it('calls on the named channel, or the caller’s', async () => {
    const { payload } = world();
    expect(textOf(await payload(Type.INVOKE_CHAINCODE, spec('callee:1.0')))).toBe('callee on ch');
    expect(textOf(await payload(Type.INVOKE_CHAINCODE, spec('callee/other')))).toBe('callee on other');
  });

  it('without a ledger calls system chaincode only', async () => {
    const chainless = world({ simulator: undefined, channelId: '' });
    expect(textOf(await chainless.payload(Type.INVOKE_CHAINCODE, spec('qscc')))).toBe('qscc on ');
    expect(await chainless.failure(Type.INVOKE_CHAINCODE, spec('callee'))).toContain('could not get valid transaction');
    expect(await chainless.orphan(Type.INVOKE_CHAINCODE, spec('qscc'))).toContain('failed to get transaction context');
    const over = world();
    expect(await over.orphan(Type.INVOKE_CHAINCODE, spec('callee'))).toContain('could not get valid transaction');
    await over.context.close();
    expect(await over.failure(Type.INVOKE_CHAINCODE, spec('qscc'))).toContain('could not get valid transaction');
  });
});
