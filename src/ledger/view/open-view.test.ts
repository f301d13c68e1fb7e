import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hex, utf8 } from '../../common/bytes.ts';
import { blockDataHash } from '../../protos/hashes.ts';
import { common, protos } from '../../protos/messages.ts';
import { configTransaction, endorsed } from '../commit/test-block.contract.ts';
import type { Ledger } from '../ledger.ts';
import { FolderLedgerProvider } from '../ledger-provider.ts';
import { openLedgerView } from './open-view.ts';

const repository = join(import.meta.dirname, '..', '..', '..');
const script = join(repository, 'test', 'ledger', 'view-reader.mjs');
const isBuilt = existsSync(join(repository, 'dist', 'ledger', 'view', 'open-view.js'));
const { VALID } = protos.TxValidationCode;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-view-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const folder = (): string => join(root, 'channels', 'ch');

const blockOf = (number: bigint, previousHash: Uint8Array, data: readonly Uint8Array[]): common.Block => ({
  header: { number, previousHash, dataHash: blockDataHash({ data }) },
  data: { data },
  metadata: { metadata: [] },
});

async function created(provider: FolderLedgerProvider): Promise<Ledger> {
  const config = configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }));
  return provider.create('ch', blockOf(0n, new Uint8Array(0), [config]));
}

/** Writes a key in a block of its own. */
async function put(ledger: Ledger, txId: string, value: Uint8Array): Promise<void> {
  await using simulator = await ledger.simulate(txId);
  simulator.putState('cc', 'k', value);
  const transaction = endorsed(txId, (await simulator.result()).publicRwset);
  const { height, currentBlockHash } = ledger.blocks.info();
  await ledger.commit({ block: blockOf(height, currentBlockHash, [transaction]), flags: new Uint8Array([VALID]), reasons: [] });
}

interface Reader extends AsyncDisposable {
  look(asked: { readonly key: string; readonly txId: string }): Promise<unknown>;
}

async function inThread(): Promise<Reader> {
  const worker = new Worker(script, { workerData: { folder: folder() } });
  await once(worker, 'message');
  return {
    look: async (asked) => {
      const seen = once(worker, 'message');
      worker.postMessage(asked);
      return (await seen)[0];
    },
    [Symbol.asyncDispose]: async () => {
      worker.postMessage('end');
      await once(worker, 'exit');
    },
  };
}

async function inProcess(): Promise<Reader> {
  const child: ChildProcess = fork(script, [folder()]);
  await once(child, 'message');
  return {
    look: async (asked) => {
      const seen = once(child, 'message');
      child.send(asked);
      return (await seen)[0];
    },
    [Symbol.asyncDispose]: async () => {
      child.send('end');
      await once(child, 'exit');
    },
  };
}

/** What the writer itself says. */
async function known(ledger: Ledger, changes: readonly string[]) {
  await using simulator = await ledger.simulate('tx');
  await simulator.getState('cc', 'k');
  simulator.putState('cc', 'k', utf8('simulated'));
  const { height, currentBlockHash } = ledger.blocks.info();
  using snapshot = ledger.snapshot();
  return {
    height: Number(height),
    hash: hex(currentBlockHash),
    savepoint: Number(height) - 1,
    value: hex((await snapshot.get('cc', 'k'))?.value ?? utf8('')),
    changes,
    publicRwset: hex((await simulator.result()).publicRwset),
    code: VALID,
    last: Number(height) - 1,
  };
}

describe.skipIf(!isBuilt)('a ledger that another one writes', () => {
  it.each([
    ['a thread', inThread],
    ['a process', inProcess],
  ])('is read in %s of its own, every block as soon as it is committed', async (_, start) => {
    await using provider = await FolderLedgerProvider.open({ root, segmentBytes: 300_000 });
    const ledger = await created(provider);
    await put(ledger, 'tx0', utf8('first'));
    await using reader = await start();
    expect(await reader.look({ key: 'k', txId: 'tx0' })).toEqual(await known(ledger, ['tx0']));
    const changes = ['tx0'];
    for (let number = 1; number <= 30; number += 1) {
      await put(ledger, `tx${number}`, new Uint8Array(100_000).fill(number)); // the files grow under the reader
      changes.unshift(`tx${number}`);
      if (number % 10 === 0) expect(await reader.look({ key: 'k', txId: `tx${number}` })).toEqual(await known(ledger, changes));
    }
  });
});

describe('a view of a ledger', () => {
  it('needs no writer and changes nothing', async () => {
    {
      await using provider = await FolderLedgerProvider.open({ root });
      await put(await created(provider), 'tx0', utf8('value'));
    }
    const before = (await readdir(folder(), { recursive: true })).sort();
    await using view = await openLedgerView({ channelId: 'ch', folder: folder() });
    expect([view.blocks.info().height, await view.blocks.hasTransaction('tx0')]).toEqual([2n, true]);
    expect((await readdir(folder(), { recursive: true })).sort()).toEqual(before);
  });

  it('is opened after the writer in its process; the writer is refused otherwise, and nothing of its state is lost', async () => {
    {
      await using provider = await FolderLedgerProvider.open({ root });
      await put(await created(provider), 'tx0', utf8('value'));
    }
    const view = await openLedgerView({ channelId: 'ch', folder: folder() });
    await using provider = await FolderLedgerProvider.open({ root });
    await expect(provider.open('ch')).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
    expect(view.blocks.info().height).toBe(2n);
    await view[Symbol.asyncDispose]();
    const ledger = await provider.open('ch');
    await using late = await openLedgerView({ channelId: 'ch', folder: folder() });
    using before = late.snapshot();
    await put(ledger, 'tx1', utf8('value'));
    using after = late.snapshot(); // while the older one is in use
    expect([before.savepoint?.blockNum, after.savepoint?.blockNum, late.blocks.info().height]).toEqual([1n, 2n, 3n]);
  });

  it('is refused where no ledger is, and makes none', async () => {
    await expect(openLedgerView({ channelId: 'ch', folder: folder() })).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect(existsSync(folder())).toBe(false);
  });
});
