import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CountedStore } from '../../../test/fakes/counted-store.ts';
import { utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { silent } from '../../common/log.ts';
import { unmeasured } from '../../common/metrics.ts';
import { Scope } from '../../common/scope.ts';
import { blockDataHash } from '../../protos/hashes.ts';
import { common, protos } from '../../protos/messages.ts';
import { BlockStore } from '../blockstore/block-store.ts';
import { COMPATIBILITY } from '../compatibility.ts';
import { HistoryIndex } from '../history/history-index.ts';
import { MemoryStore } from '../kv/memory-store.ts';
import { ledgerMetrics } from '../ledger-metrics.ts';
import { ExpirySchedule, FOR_EVER } from '../pvtdata/expiry.ts';
import { PrivateDataStore } from '../pvtdata/private-data-store.ts';
import { KvTransientStore } from '../pvtdata/transient-store.ts';
import { KvStateStore } from '../statedb/kv-state-store.ts';
import { KvLedger } from './kv-ledger.ts';
import { configTransaction, endorsed } from './test-block.contract.ts';

const { VALID, BAD_PROPOSAL_TXID } = protos.TxValidationCode;

async function openLedger(changed: () => void = () => undefined) {
  await using scope = new Scope();
  const directory = await mkdtemp(join(tmpdir(), 'selvage-kv-ledger-'));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  const [kv, synced] = [new CountedStore(), new MemoryStore()];
  const blocks = scope.use(await BlockStore.open({ directory, kv }));
  const compatibility = COMPATIBILITY['2.x'];
  const state = new KvStateStore(new MemoryStore());
  const ledger = await KvLedger.open({
    channelId: 'ch',
    kv,
    blocks,
    state,
    history: new HistoryIndex({ kv, readEnvelope: (location) => blocks.envelope(location), order: compatibility.historyOrder }),
    transient: new KvTransientStore(synced),
    privateData: new PrivateDataStore(synced),
    expiry: new ExpirySchedule({ kv, lifetimes: FOR_EVER }),
    compatibility,
    simulator: {},
    mayHold: undefined,
    transientRetention: 0n,
    log: silent,
    metrics: ledgerMetrics(unmeasured, 'ch'),
    changed,
    owned: scope.move(),
  });
  const commit = async (transactions: readonly Uint8Array[], refused: readonly string[] = []) => {
    const { height: number, currentBlockHash: previousHash } = ledger.blocks.info();
    const header = { number, previousHash, dataHash: blockDataHash({ data: transactions }) };
    return ledger.commit({
      block: { header, data: { data: transactions }, metadata: { metadata: [] } },
      flags: Uint8Array.from(transactions, (_, at) => (at < refused.length ? BAD_PROPOSAL_TXID : VALID)),
      reasons: refused.map((txId, index) => ({ txId, index, code: BAD_PROPOSAL_TXID, message: 'refused', details: {} })),
    });
  };
  await commit([configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }))]);
  return { ledger, kv, commit };
}

const anything = (txId: string): Uint8Array => endorsed(txId, new Uint8Array(0));

describe('a block that is durable', () => {
  it('is committed, and what waited for it goes, also when the index cannot be read any more', async () => {
    const { ledger, kv, commit } = await openLedger();
    await using _ = ledger;
    await ledger.transient.put('tx1', 1n, utf8('private'));
    const before = kv.commits;
    kv.reading = () => {
      if (kv.commits > before) throw new SelvageError('LEDGER_CORRUPT', 'damaged');
    };
    const outcome = await commit([anything('bad'), anything('tx1')], ['bad']);
    expect([outcome.blockNumber, ledger.blocks.info().height, await ledger.transient.get('tx1')]).toEqual([1n, 2n, []]);
    expect(ledger.reasonFor('bad')).toBeUndefined();
    kv.reading = () => undefined;
    await commit([anything('bad2')], ['bad2']);
    expect(ledger.reasonFor('bad2')).toMatchObject({ message: 'refused' });
  });

  it('is followed by no other when a follower of the state failed', async () => {
    let fails = false;
    const { ledger, commit } = await openLedger(() => {
      if (fails) throw new Error('no follower may fail');
    });
    await using _ = ledger;
    fails = true;
    await expect(commit([anything('tx1')])).rejects.toMatchObject({
      code: 'CHANNEL_HALTED',
      message: expect.stringContaining('no follower'),
    });
    fails = false;
    await expect(commit([anything('tx1')])).rejects.toMatchObject({ code: 'CHANNEL_HALTED' });
  });
});
