import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryState } from '../../test/fakes/memory-state.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { common, kvrwset, protos, rwset } from '../protos/messages.ts';
import { configTransaction, endorsed } from './commit/test-block.contract.ts';
import type { CommitOutcome, Ledger } from './ledger.ts';
import { FolderLedgerProvider } from './ledger-provider.ts';
import type { Beside, Savepoint, StateUpdate } from './statedb/state.ts';

const { VALID, MVCC_READ_CONFLICT } = protos.TxValidationCode;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-elsewhere-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** State that is kept elsewhere: it outlives the ledger that uses it, and may fail at what comes after its own commit. */
class DistantState extends MemoryState {
  failBeside = false;
  readonly applied: bigint[] = [];

  override async commit(updates: readonly StateUpdate[], savepoint: Savepoint, beside?: Beside): Promise<void> {
    this.applied.push(savepoint.blockNum);
    await super.commit(updates, savepoint);
    if (this.failBeside) throw new SelvageError('DISK_FULL', 'no room');
    await beside?.kv.commit(beside.writes);
  }
}

const open = (state: DistantState): Promise<FolderLedgerProvider> => FolderLedgerProvider.open({ root, openState: async () => state });

const blockOf = (number: bigint, previousHash: Uint8Array, data: readonly Uint8Array[]): common.Block => ({
  header: { number, previousHash, dataHash: blockDataHash({ data }) },
  data: { data },
  metadata: { metadata: [] },
});

const genesis = (): common.Block =>
  blockOf(0n, new Uint8Array(0), [configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }))]);

async function commit(ledger: Ledger, ...transactions: readonly Uint8Array[]): Promise<CommitOutcome> {
  const { height, currentBlockHash } = ledger.blocks.info();
  return ledger.commit({
    block: blockOf(height, currentBlockHash, transactions),
    flags: new Uint8Array(transactions.length).fill(VALID),
    reasons: [],
  });
}

/** A transaction that reads a key and writes it anew. */
async function count(ledger: Ledger, txId: string): Promise<Uint8Array> {
  await using simulator = await ledger.simulate(txId);
  const before = await simulator.getState('cc', 'n');
  simulator.putState('cc', 'n', utf8(String(Number(before === undefined ? 0 : textOf(before)) + 1)));
  return endorsed(txId, (await simulator.result()).publicRwset);
}

const counted = (state: MemoryState): string | undefined => {
  const found = state.contents().get('cc')?.get('n');
  return found && textOf(found.value);
};

describe('a ledger whose state lies elsewhere', () => {
  it('commits, judges, simulates and queries by that state alone', async () => {
    const state = new DistantState();
    await using provider = await open(state);
    const ledger = await provider.create('ch', genesis());
    const [first, stale] = [await count(ledger, 'tx1'), await count(ledger, 'tx2')];
    expect([...(await commit(ledger, first)).flags, ...(await commit(ledger, stale)).flags]).toEqual([VALID, MVCC_READ_CONFLICT]);
    expect(counted(state)).toBe('1');
    await using simulator = await ledger.simulate('tx3');
    const results = simulator.query('cc', '1');
    expect(await results.next()).toMatchObject({ namespace: 'cc', key: 'n' });
    expect([await results.next(), await results.bookmark()]).toEqual([undefined, 'n']);
    const [set] = rwset.TxReadWriteSet.decode((await simulator.result()).publicRwset).nsRwset;
    expect(kvrwset.KVRWSet.decode(set?.rwset ?? new Uint8Array()).reads).toMatchObject([{ key: 'n', version: { blockNum: 1n } }]);
  });

  it('applies the block of a crash once more where the state is ahead, without judging it again', async () => {
    const state = new DistantState();
    {
      await using provider = await open(state);
      const ledger = await provider.create('ch', genesis());
      const transaction = await count(ledger, 'tx1');
      state.failBeside = true;
      await expect(commit(ledger, transaction)).rejects.toMatchObject({ code: 'CHANNEL_HALTED' });
      await expect(commit(ledger, transaction)).rejects.toMatchObject({ code: 'CHANNEL_HALTED' });
      state.failBeside = false;
      await expect(commit(ledger, transaction)).rejects.toMatchObject({ code: 'CHANNEL_HALTED' });
      expect([ledger.blocks.info().height, counted(state)]).toEqual([1n, '1']);
    }
    await using provider = await open(state);
    const ledger = await provider.open('ch');
    expect([ledger.blocks.info().height, counted(state)]).toEqual([2n, '1']);
    expect(await ledger.blocks.transaction('tx1')).toMatchObject({ validationCode: VALID });
    expect((await commit(ledger, await count(ledger, 'tx2'))).flags).toEqual(new Uint8Array([VALID]));
    expect(counted(state)).toBe('2');
  });

  it('takes a block back when the state refuses it', async () => {
    const state = new DistantState();
    await using provider = await open(state);
    const ledger = await provider.create('ch', genesis());
    const transaction = await count(ledger, 'tx1');
    const { commit: commits } = state;
    state.commit = async () => {
      throw new SelvageError('DISK_FULL', 'no room');
    };
    await expect(commit(ledger, transaction)).rejects.toMatchObject({ code: 'DISK_FULL' });
    state.commit = commits;
    expect((await commit(ledger, transaction)).flags).toEqual(new Uint8Array([VALID]));
  });

  it('makes a state that was lost again from the blocks', async () => {
    {
      await using provider = await open(new DistantState());
      const ledger = await provider.create('ch', genesis());
      for (const txId of ['tx1', 'tx2', 'tx3']) await commit(ledger, await count(ledger, txId));
    }
    const empty = new DistantState();
    await using provider = await open(empty);
    const ledger = await provider.open('ch');
    expect([ledger.blocks.info().height, counted(empty), empty.applied]).toEqual([4n, '3', [0n, 1n, 2n, 3n]]);
  });

  it('keeps what it has while that state does not answer', async () => {
    const state = new DistantState();
    {
      await using provider = await open(state);
      const ledger = await provider.create('ch', genesis());
      await commit(ledger, await count(ledger, 'tx1'));
    }
    const { snapshot } = state;
    state.snapshot = () => {
      throw new SelvageError('LEDGER_UNAVAILABLE', 'the state does not answer');
    };
    await using provider = await open(state);
    await expect(provider.open('ch')).rejects.toMatchObject({ message: 'the state does not answer' });
    state.snapshot = snapshot;
    state.applied.length = 0;
    expect((await provider.open('ch')).blocks.info().height).toBe(2n);
    expect(state.applied).toEqual([]); // nothing had to be made again
  });
});

/** Has every file number in use while it opens the ledger, then none too many. */
const SHORT_OF_FILES = `
  import { closeSync, openSync } from 'node:fs';
  const { FolderLedgerProvider } = await import(process.argv[1]);
  const told = [];
  const log = { debug() {}, info() {}, error() {}, warn: (message) => told.push(message), child: () => log };
  const provider = await FolderLedgerProvider.open({ root: process.argv[2], log });
  const files = [];
  try { for (;;) files.push(openSync('/dev/null', 'r')); } catch {}
  const refused = await provider.open('ch').catch(({ code }) => code);
  for (const file of files) closeSync(file);
  const ledger = await provider.open('ch');
  process.stdout.write(JSON.stringify([refused, Number(ledger.blocks.info().height), told]));
  await provider[Symbol.asyncDispose]();
`;
const built = join(import.meta.dirname, '..', '..', 'dist', 'ledger', 'ledger-provider.js');

it.skipIf(process.platform !== 'linux' || !existsSync(built))('a ledger that finds no more files to open keeps its state', async () => {
  {
    await using provider = await FolderLedgerProvider.open({ root });
    const ledger = await provider.create('ch', genesis());
    await commit(ledger, await count(ledger, 'tx1'));
  }
  const script = ['--input-type=module', '-e', SHORT_OF_FILES, built, root];
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', 'ulimit -n 100; exec "$0" "$@"', process.execPath, ...script]);
  expect(JSON.parse(stdout)).toEqual(['LEDGER_UNAVAILABLE', 2, []]);
});
