export interface LruLimits<V> {
  /** The most entries that are kept. */
  readonly entries: number;
  /** The most that they may weigh together, by `weigh`: what is kept of strangers is bounded in bytes, not in number. */
  readonly weight?: number;
  readonly weigh?: (value: V) => number;
}

interface Entry<V> {
  readonly value: V;
  readonly weight: number;
}

/** A bounded map that forgets what was used longest ago. */
export class LruCache<K, V> {
  readonly #limits: LruLimits<V>;
  readonly #entries = new Map<K, Entry<V>>();
  #weight = 0;
  /** What was used last, which need not be put at the end again. */
  #newest: { readonly key: K; readonly value: V } | undefined;

  /** @param limits a number is the most entries that are kept */
  constructor(limits: number | LruLimits<V>) {
    this.#limits = typeof limits === 'number' ? { entries: limits } : limits;
  }

  get(key: K): V | undefined {
    if (this.#newest?.key === key) return this.#newest.value;
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#newest = { key, value: entry.value };
    return entry.value;
  }

  /** What alone weighs more than all may is not kept. */
  set(key: K, value: V): void {
    this.delete(key);
    const { entries, weight: most = Number.POSITIVE_INFINITY, weigh } = this.#limits;
    const weight = weigh?.(value) ?? 0;
    if (weight > most) return;
    this.#entries.set(key, { value, weight });
    this.#newest = { key, value };
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= entries && this.#weight <= most) return;
      this.delete(oldest);
    }
  }

  delete(key: K): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
    if (this.#newest?.key === key) this.#newest = undefined;
  }

  clear(): void {
    this.#entries.clear();
    this.#newest = undefined;
    this.#weight = 0;
  }
}
