import { compareUtf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { StateEntry, StateIterator, StateSnapshot, StateValue } from '../ledger/statedb/state.ts';
import { type Touches, valueAfter } from './touches.ts';

/** Values by state namespace and key that are taken as they are, as far as no touch is newer. */
export type Assumed = ReadonlyMap<string, ReadonlyMap<string, StateValue>>;

/** The state before a block, as far as it was asked for, made of what the blocks before it did. */
export class StateBefore implements StateSnapshot {
  readonly savepoint = undefined;
  readonly #touches: Touches;
  readonly #assumed: Assumed;
  /** What came after this block counts as not done. */
  readonly #until: bigint | undefined;

  constructor(touches: Touches, { assumed = new Map(), until }: { readonly assumed?: Assumed; readonly until?: bigint } = {}) {
    this.#touches = touches;
    this.#assumed = assumed;
    this.#until = until;
  }

  get(namespace: string, key: string): StateValue | undefined {
    const until = this.#until;
    const touches = this.#touches.of(namespace, key);
    const counted = until === undefined ? touches : touches.filter(({ at }) => at.block <= until);
    return valueAfter(counted, this.#assumed.get(namespace)?.get(key));
  }

  getMany(namespace: string, keys: readonly string[]): (StateValue | undefined)[] {
    return keys.map((key) => this.get(namespace, key));
  }

  range(namespace: string, start: string, end: string): StateIterator {
    const range = { namespace, start, end, includeEnd: false };
    const assumed = [...(this.#assumed.get(namespace)?.keys() ?? [])].filter(
      (key) => compareUtf8(key, start) >= 0 && (end === '' || compareUtf8(key, end) < 0),
    );
    const keys = [...new Set([...assumed, ...this.#touches.keysIn(range)])].sort(compareUtf8);
    let at = 0;
    const next = (): StateEntry | undefined => {
      for (let key = keys[at]; key !== undefined; key = keys[at]) {
        at += 1;
        const value = this.get(namespace, key);
        if (value !== undefined) return { key, ...value };
      }
      return undefined;
    };
    return { next, [Symbol.dispose]: () => undefined };
  }

  query(): never {
    throw new SelvageError('INTERNAL', 'the state of blocks has no rich queries');
  }

  [Symbol.dispose](): void {}
}
