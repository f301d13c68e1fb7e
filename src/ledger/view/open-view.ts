import { Scope } from '../../common/scope.ts';
import { BlockIndex } from '../blockstore/block-index.ts';
import { BlockView, EMPTY } from '../blockstore/block-view.ts';
import { SegmentReader } from '../blockstore/segment-reader.ts';
import { COMPATIBILITY, type FabricRelease } from '../compatibility.ts';
import { HistoryIndex } from '../history/history-index.ts';
import { LmdbStore } from '../kv/lmdb-store.ts';
import { blocksIn, stateIn } from '../layout.ts';
import type { LedgerView } from '../ledger.ts';
import type { SimulatorOptions } from '../simulator/simulator-parts.ts';
import { KvStateStore } from '../statedb/kv-state-store.ts';
import { StoredView } from './stored-view.ts';

export interface OpenViewParts {
  readonly channelId: string;
  /** Of this one ledger. */
  readonly folder: string;
  /** As the writer has it; `2.x` by default. */
  readonly release?: FabricRelease | undefined;
  readonly simulator?: SimulatorOptions | undefined;
}

/**
 * Opens the ledger in a folder for reading, in any thread or process, while another one commits to it or none does. It takes no lock
 * and changes nothing; what it shows of a block it shows when that is durable and its state is there. In the process that writes, it is
 * opened after the writer.
 * @throws {SelvageError} `LEDGER_CORRUPT`, `LEDGER_UNAVAILABLE`, also where no ledger was ever made
 */
export async function openLedgerView({
  channelId,
  folder,
  release = '2.x',
  simulator = {},
}: OpenViewParts): Promise<LedgerView & AsyncDisposable> {
  await using scope = new Scope();
  const { duplicates, historyOrder: order } = COMPATIBILITY[release];
  const kv = scope.use(new LmdbStore({ path: stateIn(folder), readOnly: true }));
  const files = scope.use(new SegmentReader(blocksIn(folder)));
  const index = new BlockIndex({ kv, duplicates });
  const blocks = new BlockView({ index, files, tip: () => index.tip() ?? EMPTY });
  const history = new HistoryIndex({ kv, readEnvelope: (location) => blocks.envelope(location), order });
  const view = new StoredView({ channelId, blocks, state: new KvStateStore(kv), history, simulator });
  const owned = scope.move();
  return Object.assign(view, { [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() });
}
