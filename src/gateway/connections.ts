import { GrpcClient } from '../comm/client.ts';
import type { Pem } from '../comm/tls.ts';
import { sha256 } from '../common/bytes.ts';

/** Where to connect to, and whom to believe that it is there. */
export interface ConnectionTarget {
  /** `host:port` */
  readonly address: string;
  /** PEM: authorities of its TLS certificate. */
  readonly tlsRoots: readonly Pem[];
}

export interface ConnectionsParts {
  /** PEM of what this peer shows of itself; undefined where nobody speaks TLS. */
  readonly tls: { readonly key: Pem; readonly cert: Pem } | undefined;
  /** Milliseconds that a connection may take to stand. */
  readonly dialTimeoutMs: number;
  /** Most connections that stay open unused. */
  readonly most?: number;
  /** Milliseconds after which an unused one is closed. */
  readonly idleMs?: number;
  readonly now?: () => number;
}

interface Pooled {
  readonly client: GrpcClient;
  readonly address: string;
  calls: number;
  lastUsed: number;
  /** Not for further calls. */
  left: boolean;
}

/** A connection as long as it is used. Dispose it when the call is over. */
export interface Leased extends Disposable {
  readonly client: GrpcClient;
}

const MOST = 256;
const IDLE_MS = 5 * 60_000;
const SWEEP_MS = 60_000;

/**
 * Connections to other peers and to orderers, one for each address and set of authorities. What nobody used for a while is closed, so
 * that addresses and authorities which the channels no longer name go away with their connections.
 */
export class Connections implements Disposable {
  readonly #parts: ConnectionsParts;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #pool = new Map<string, Pooled>();
  readonly #rootKeys = new WeakMap<readonly Pem[], string>();
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** How many are open. */
  get size(): number {
    return this.#pool.size;
  }

  /** @throws {SelvageError} `SETTING_INVALID` for authorities that cannot be used */
  lease(target: ConnectionTarget): Leased {
    const key = this.#keyOf(target);
    const pooled = this.#pool.get(key) ?? this.#open(target);
    this.#pool.delete(key);
    this.#pool.set(key, pooled);
    this.#bound();
    pooled.calls += 1;
    return { client: pooled.client, [Symbol.dispose]: () => this.#giveBack(pooled) };
  }

  /** The next call to that target gets a new connection; those that are under way end on the old one. */
  leave(target: ConnectionTarget): void {
    const key = this.#keyOf(target);
    const pooled = this.#pool.get(key);
    if (pooled === undefined) return;
    this.#pool.delete(key);
    pooled.left = true;
    if (pooled.calls === 0) pooled.client[Symbol.dispose]();
  }

  /** Closes those that nobody used for a while. */
  closeIdle(): void {
    const before = this.#now() - (this.#parts.idleMs ?? IDLE_MS);
    for (const [key, pooled] of this.#pool) if (pooled.calls === 0 && pooled.lastUsed <= before) this.#close(key, pooled);
    if (this.#pool.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearInterval(this.#sweep);
    for (const [key, pooled] of this.#pool) this.#close(key, pooled);
  }

  #open({ address, tlsRoots }: ConnectionTarget): Pooled {
    const { tls, dialTimeoutMs } = this.#parts;
    const client = new GrpcClient({ address, tls: tls && { ...tls, roots: tlsRoots }, dialTimeoutMs });
    if (this.#closed) client[Symbol.dispose]();
    else this.#sweep ??= setInterval(() => this.closeIdle(), SWEEP_MS).unref();
    return { client, address, calls: 0, lastUsed: this.#now(), left: false };
  }

  #giveBack(pooled: Pooled): void {
    pooled.calls -= 1;
    pooled.lastUsed = this.#now();
    if (pooled.left && pooled.calls === 0) pooled.client[Symbol.dispose]();
  }

  /** Those that were used longest ago go, unless they are in use now. */
  #bound(): void {
    for (const [key, pooled] of this.#pool) {
      if (this.#pool.size <= (this.#parts.most ?? MOST)) return;
      if (pooled.calls === 0) this.#close(key, pooled);
    }
  }

  #close(key: string, pooled: Pooled): void {
    this.#pool.delete(key);
    pooled.client[Symbol.dispose]();
  }

  #keyOf({ address, tlsRoots }: ConnectionTarget): string {
    let roots = this.#rootKeys.get(tlsRoots);
    if (roots === undefined) {
      roots = Buffer.from(sha256(...tlsRoots.map((root) => Buffer.from(root)))).toString('base64');
      this.#rootKeys.set(tlsRoots, roots);
    }
    return `${address} ${roots}`;
  }
}
