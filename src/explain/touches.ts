import { compareUtf8 } from '../common/bytes.ts';
import { flagsOf } from '../ledger/block-metadata.ts';
import { changesOf, type KeyChange, outcomeOf } from '../ledger/commit/apply-writes.ts';
import { stateNamespace } from '../ledger/commit/pending-state.ts';
import { readTransaction } from '../ledger/commit/transaction.ts';
import type { StateValue } from '../ledger/statedb/state.ts';
import { type common, protos } from '../protos/messages.ts';
import type { Place } from './call.ts';

/** What one valid transaction did to one key. */
export interface Touch {
  readonly at: Place;
  readonly txId: string;
  readonly change: KeyChange;
}

export interface KeyTouch extends Touch {
  /** Of the state. */
  readonly namespace: string;
  readonly key: string;
}

/** A part of one namespace of the state. */
export interface KeyRange {
  readonly namespace: string;
  readonly start: string;
  /** '' is open. */
  readonly end: string;
  readonly includeEnd: boolean;
}

export const inRange = ({ start, end, includeEnd }: KeyRange, key: string): boolean => {
  if (compareUtf8(key, start) < 0) return false;
  const order = end === '' ? -1 : compareUtf8(key, end);
  return order < 0 || (order === 0 && includeEnd);
};

/** What the valid transactions of a block did, in order. @param below only transactions before this index */
export function* touchesOf(block: common.Block, below = Number.POSITIVE_INFINITY): Generator<KeyTouch> {
  const flags = flagsOf(block);
  for (const [index, bytes] of (block.data?.data ?? []).entries()) {
    if (index >= below) return;
    if (flags[index] !== protos.TxValidationCode.VALID) continue;
    const { transaction, txId } = readTransaction(bytes);
    if (transaction === undefined || !transaction.endorsed) continue;
    const at = { block: block.header?.number ?? 0n, index };
    for (const { space, changes } of changesOf(transaction)) {
      const namespace = stateNamespace(space);
      for (const [key, change] of changes) yield { namespace, key, at, txId, change };
    }
  }
}

/** So many blocks behind the first keep every touch of a range, so that it can be told how it was at each of them. */
const KEPT_BLOCKS = 256n;

/** What was done to the keys that somebody asks for, the newest first: blocks are added from the newest to the oldest. */
export class Touches {
  readonly #keys = new Map<string, Map<string, Touch[]>>();
  readonly #ranges: readonly KeyRange[];
  readonly #values: boolean;
  #newest: bigint | undefined;

  /** @param values whether values and metadata are asked for, not versions alone */
  constructor({ ranges = [], values = false }: { readonly ranges?: readonly KeyRange[]; readonly values?: boolean } = {}) {
    this.#ranges = ranges;
    this.#values = values;
  }

  want(namespace: string, key: string): void {
    const known = this.#keys.get(namespace) ?? new Map<string, Touch[]>();
    this.#keys.set(namespace, known);
    if (!known.has(key)) known.set(key, []);
  }

  has(namespace: string, key: string): boolean {
    return this.#keys.get(namespace)?.has(key) === true;
  }

  of(namespace: string, key: string): readonly Touch[] {
    return this.#keys.get(namespace)?.get(key) ?? [];
  }

  keysIn(range: KeyRange): readonly string[] {
    return [...(this.#keys.get(range.namespace)?.keys() ?? [])].filter((key) => inRange(range, key));
  }

  /** Whether nothing older can change the answer. A range is never settled: older keys may be in it. */
  get settled(): boolean {
    return (
      this.#ranges.length === 0 && [...this.#keys.values()].every((keys) => [...keys.values()].every((touches) => this.#settles(touches)))
    );
  }

  /** What a block did to the keys that are asked for, in order, with nothing of the block in it. */
  among(block: common.Block): readonly KeyTouch[] {
    const found: KeyTouch[] = [];
    for (const touch of touchesOf(block)) if (this.#asked(touch.namespace, touch.key)) found.push(this.#slim(touch));
    return found;
  }

  /** Takes in what {@link among} found in one block, which is older than those before. */
  add(ofBlock: readonly KeyTouch[]): void {
    for (const touch of ofBlock.toReversed()) {
      this.#newest ??= touch.at.block;
      this.want(touch.namespace, touch.key);
      const known = this.#keys.get(touch.namespace)?.get(touch.key);
      if (known !== undefined && (touch.at.block + KEPT_BLOCKS > this.#newest || !this.#settles(known))) known.push(touch);
    }
  }

  #asked(namespace: string, key: string): boolean {
    return this.has(namespace, key) || this.#ranges.some((range) => range.namespace === namespace && inRange(range, key));
  }

  #settles(touches: readonly Touch[]): boolean {
    const write = touches.find(({ change }) => change.write !== undefined)?.change.write;
    if (write === undefined) return false;
    return (
      !this.#values ||
      touches.some(({ change }) => change.metadata !== undefined || (change.write !== undefined && change.write.value === undefined))
    );
  }

  /** Of values that nobody asks for only their being there is kept: the block they are a view of can go. */
  #slim({ change: { write, metadata }, ...rest }: KeyTouch): KeyTouch {
    const kept = (value: Uint8Array | undefined): Uint8Array | undefined => value && (this.#values ? new Uint8Array(value) : HERE);
    return {
      ...rest,
      change: { ...(write && { write: { value: kept(write.value) } }), ...(metadata && { metadata: { value: kept(metadata.value) } }) },
    };
  }
}

const HERE = new Uint8Array(1);

/** What touches, the newest first, made of a value. */
export function valueAfter(touches: readonly Touch[], before: StateValue | undefined): StateValue | undefined {
  return touches.reduceRight<StateValue | undefined>((latest, { change, at }) => {
    const outcome = outcomeOf(change, latest, { blockNum: at.block, txNum: BigInt(at.index) });
    return outcome === undefined ? latest : outcome.value;
  }, before);
}
