import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../test/fakes/memory-state.ts';
import { utf8 } from '../../common/bytes.ts';
import { deferred } from '../../common/deferred.ts';
import { kvrwset, rwset } from '../../protos/messages.ts';
import type { StateSnapshot } from '../statedb/state.ts';
import { openSimulator } from './open-simulator.ts';
import type { TxSimulator } from './tx-simulator.ts';

const version = { blockNum: 4n, txNum: 1n };

/** A snapshot that answers only once the gate opens, and then reads: it fails when something was closed under it. */
function gated(snapshot: StateSnapshot, gate: Promise<void>): StateSnapshot {
  return {
    savepoint: snapshot.savepoint,
    get: async (namespace, key) => gate.then(() => snapshot.get(namespace, key)),
    getMany: async (namespace, keys) => gate.then(() => snapshot.getMany(namespace, keys)),
    range: (namespace, start, end) => {
      const iterator = snapshot.range(namespace, start, end);
      return { next: async () => gate.then(() => iterator.next()), [Symbol.dispose]: () => iterator[Symbol.dispose]() };
    },
    query: (namespace, query, page) => snapshot.query(namespace, query, page),
    [Symbol.dispose]: () => snapshot[Symbol.dispose](),
  };
}

async function slowSimulation(): Promise<{ state: MemoryState; simulator: TxSimulator; open: () => void }> {
  const state = new MemoryState();
  await state.commit([{ namespace: 'cc', key: 'a', value: { value: utf8('1'), version } }], version);
  const { promise, resolve: open } = deferred<void>();
  const parts = { channelId: 'mychannel', txId: 'tx1', snapshot: gated(state.snapshot(), promise), history: undefined };
  return { state, simulator: openSimulator(parts), open };
}

describe('disposing a simulation', () => {
  it('closes its iterators and its snapshot, once', async () => {
    const { state, simulator } = await slowSimulation();
    simulator.getStateRange('cc', '', '');
    simulator.getPrivateDataRange('cc', 'coll', '', '');
    await simulator.getStateRange('cc', '', '')[Symbol.asyncDispose]();
    await Promise.all([simulator[Symbol.asyncDispose](), simulator[Symbol.asyncDispose]()]);
    await simulator[Symbol.asyncDispose]();
    expect(state.open.size).toBe(0);
  });

  it('waits for calls that are running', async () => {
    const { state, simulator, open } = await slowSimulation();
    const range = simulator.getStateRange('cc', '', '');
    const page = simulator.getStateRange('cc', '', '', { size: 1 });
    const running = [simulator.getState('cc', 'a'), range.next(), page.bookmark(), simulator.getPrivateData('cc', 'coll', 'a')];
    const disposed = simulator[Symbol.asyncDispose]();
    await Promise.resolve();
    expect(state.open.size).toBe(3);
    open();
    await disposed;
    expect(state.open.size).toBe(0);
    expect(await Promise.all(running)).toEqual([utf8('1'), expect.objectContaining({ key: 'a' }), 'a', undefined]);
  });

  it('waits for a call where no iterator is open', async () => {
    for (const end of [(simulator: TxSimulator) => simulator[Symbol.asyncDispose](), (simulator: TxSimulator) => simulator.result()]) {
      const { state, simulator, open } = await slowSimulation();
      const running = simulator.getState('cc', 'a');
      const ended = end(simulator);
      open();
      expect(await running).toEqual(utf8('1'));
      await ended;
      expect(state.open.size).toBe(0);
    }
  });

  it('waits for the step of an iterator that its caller closes', async () => {
    const { state, simulator, open } = await slowSimulation();
    const range = simulator.getStateRange('cc', '', '');
    const running = range.next();
    const closed = range[Symbol.asyncDispose]();
    expect(() => range.next()).toThrow('the iterator is closed');
    open();
    expect(await running).toMatchObject({ key: 'a' });
    await closed;
    await simulator[Symbol.asyncDispose]();
    expect(state.open.size).toBe(0);
  });

  it('happens with the result, which holds what was running', async () => {
    const { state, simulator, open } = await slowSimulation();
    const running = [simulator.getState('cc', 'a'), simulator.getStateRange('cc', '', '').next()];
    const result = simulator.result();
    open();
    const [set] = rwset.TxReadWriteSet.decode((await result).publicRwset).nsRwset;
    expect(kvrwset.KVRWSet.decode(set?.rwset ?? new Uint8Array())).toMatchObject({
      reads: [{ key: 'a', version }],
      rangeQueriesInfo: [{ endKey: 'a', itrExhausted: false }],
    });
    await Promise.all(running);
    expect(state.open.size).toBe(0);
  });

  it('survives a call that fails meanwhile', async () => {
    const state = new MemoryState();
    const snapshot = state.snapshot();
    const { promise, reject } = deferred<void>();
    const simulator = openSimulator({ channelId: 'c', txId: 't', snapshot: gated(snapshot, promise), history: undefined });
    const failing = expect(simulator.getState('cc', 'a')).rejects.toThrow('disk gone');
    const disposed = simulator[Symbol.asyncDispose]();
    reject(new Error('disk gone'));
    await Promise.all([failing, disposed]);
    expect(state.open.size).toBe(0);
  });
});
