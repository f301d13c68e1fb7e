import type { Cancellable } from '../common/cancel.ts';
import { flagsOf } from '../ledger/block-metadata.ts';
import { changesOf } from '../ledger/commit/apply-writes.ts';
import { stateNamespace } from '../ledger/commit/pending-state.ts';
import { readTransaction, type Transaction } from '../ledger/commit/transaction.ts';
import type { Version } from '../ledger/version.ts';
import { type common, protos } from '../protos/messages.ts';
import { type Call, callOf, type Place } from './call.ts';
import { type ContestedKey, type Help, type HotKey, helpsFor, hotKeys, keyId, type Loser } from './contention.ts';
import type { BlockSpan, ExplainedBlocks } from './explained-blocks.ts';
import type { StateKey } from './reader.ts';
import { RecentWrites } from './recent-writes.ts';
import { codeName } from './remedies.ts';
import { newestRead, pointReads, rangesOf } from './stale-reads.ts';
import { type KeyTouch, touchesOf } from './touches.ts';

/** What became of the transactions of a stretch of blocks, and why. */
export interface Summary {
  readonly channelId: string;
  readonly span: BlockSpan;
  readonly transactions: number;
  /** By name of the code, VALID not among them, with a place of the last one. */
  readonly invalid: readonly { readonly code: string; readonly count: number; readonly last: Place }[];
  /** Conflicts whose winner came before the span, or too long before them to be known here. */
  readonly unknown: number;
  readonly hotKeys: readonly HotKey[];
  /** For the hottest keys, the most helpful first. */
  readonly helps: readonly Help[];
}

const { MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID } = protos.TxValidationCode;

/** Most keys that help is looked for. */
const MOST_HELPED = 5;
const MOST_HOT = 50;
/** Losers beyond these are counted, not compared. */
const MOST_LOSERS = 100_000;

/** Sums up a stretch of blocks in one pass: who lost what to whom, and what would have helped. */
export async function summarize(blocks: ExplainedBlocks, span: BlockSpan, { signal, progress }: SummaryOptions): Promise<Summary> {
  const pass = new Pass();
  for await (const block of blocks.blocks(span, { signal })) {
    pass.take(block);
    progress?.(block.header?.number ?? 0n);
  }
  return { channelId: blocks.channelId, span, ...pass.summary() };
}

export interface SummaryOptions extends Cancellable {
  readonly progress?: (block: bigint) => void;
}

/** What one pass over blocks has seen so far. */
class Pass {
  readonly #writes = new RecentWrites();
  readonly #losers: Loser[] = [];
  readonly #invalid = new Map<number, { count: number; last: Place }>();
  #transactions = 0;
  #unknown = 0;

  take(block: common.Block): void {
    const flags = flagsOf(block);
    const touches = touchesByIndex(block);
    for (const [index, bytes] of (block.data?.data ?? []).entries()) {
      this.#transactions += 1;
      const [code, place] = [flags[index] ?? VALID, { block: block.header?.number ?? 0n, index }];
      if (code === VALID) this.#wrote(bytes, place, touches.get(index) ?? []);
      else this.#lost(bytes, place, code);
    }
  }

  #wrote(bytes: Uint8Array, place: Place, touches: readonly KeyTouch[]): void {
    const call = touches.length > 0 ? shortCall(bytes) : undefined;
    for (const { namespace, key, change } of touches)
      if (call !== undefined && change.write !== undefined) this.#writes.add([namespace, key], { place, call, value: change.write.value });
  }

  #lost(bytes: Uint8Array, place: Place, code: number): void {
    this.#invalid.set(code, { count: (this.#invalid.get(code)?.count ?? 0) + 1, last: place });
    if (code !== MVCC_READ_CONFLICT && code !== PHANTOM_READ_CONFLICT) return;
    const loser = loserOf(bytes, place, code === PHANTOM_READ_CONFLICT, this.#writes);
    if (loser === undefined || loser.contested.length === 0) this.#unknown += 1;
    else if (this.#losers.length < MOST_LOSERS) this.#losers.push(loser);
  }

  summary(): Omit<Summary, 'channelId' | 'span'> {
    const hot = hotKeys(this.#losers);
    return {
      transactions: this.#transactions,
      invalid: [...this.#invalid]
        .map(([code, { count, last }]) => ({ code: codeName(code), count, last }))
        .sort((a, b) => b.count - a.count),
      unknown: this.#unknown,
      hotKeys: hot.slice(0, MOST_HOT),
      helps: hot
        .slice(0, MOST_HELPED)
        .flatMap(({ key }) => helpsFor(key, this.#losers))
        .sort((a, b) => b.saved - a.saved),
    };
  }
}

function touchesByIndex(block: common.Block): ReadonlyMap<number, readonly KeyTouch[]> {
  const byIndex = new Map<number, KeyTouch[]>();
  for (const touch of touchesOf(block)) {
    const ofIndex = byIndex.get(touch.at.index) ?? [];
    byIndex.set(touch.at.index, ofIndex);
    ofIndex.push(touch);
  }
  return byIndex;
}

/** A call without its arguments, which nobody asks for here. */
const shortCall = (bytes: Uint8Array): Call => ({ ...callOf(bytes), args: [] });

const placeOf = (version: Version | undefined): Place | undefined => version && { block: version.blockNum, index: Number(version.txNum) };

function loserOf(bytes: Uint8Array, place: Place, phantom: boolean, recent: RecentWrites): Loser | undefined {
  const { transaction } = readTransaction(bytes);
  if (transaction === undefined) return undefined;
  const wanted = writesOf(transaction);
  const reads = [...pointReads(transaction)].map(([namespace, key, version]) => ({
    key: [namespace, key] as StateKey,
    version: placeOf(version),
  }));
  const ranged = phantom
    ? rangesOf(transaction)
        .flatMap((range) => recent.inRange(range, newestRead(transaction)))
        .slice(0, 1)
    : [];
  const looked = phantom ? ranged.map((key) => ({ key, version: undefined })) : reads;
  const contested = looked.flatMap(({ key, version }): ContestedKey[] => {
    const by = recent.after(key, version, place);
    return by === undefined ? [] : [{ key, by, apart: recent.apart(key, version, wanted.get(keyId(key))?.value) }];
  });
  return { place, call: shortCall(bytes), contested, reads, writes: [...wanted.values()].map(({ key }) => key), phantom };
}

function writesOf(transaction: Transaction): ReadonlyMap<string, { readonly key: StateKey; readonly value: Uint8Array | undefined }> {
  const written = changesOf(transaction).flatMap(({ space, changes }) =>
    [...changes].map(([key, { write }]) => ({ key: [stateNamespace(space), key] as StateKey, value: write?.value })),
  );
  return new Map(written.map((each) => [keyId(each.key), each]));
}
