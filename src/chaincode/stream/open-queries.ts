import { SelvageError } from '../../common/errors.ts';
import { Scope } from '../../common/scope.ts';
import type { QueryBatches } from './query-batches.ts';

/** The iterators that one transaction has open, by the id its chaincode knows them by. */
export class OpenQueries implements AsyncDisposable {
  readonly #byId = new Map<string, QueryBatches>();
  readonly #limit: number;

  /** @param limit the most that may be open at once: chaincode that never closes what it opens must not eat the peer */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Owns the query from here on. @throws {SelvageError} `SIMULATION_FAILED` when too many are open; the query is then closed */
  async add(id: string, query: QueryBatches): Promise<void> {
    if (this.#byId.size < this.#limit) {
      this.#byId.set(id, query);
      return;
    }
    await query[Symbol.asyncDispose]();
    throw new SelvageError('SIMULATION_FAILED', `the transaction has ${this.#limit} queries open; close them before opening more`);
  }

  get none(): boolean {
    return this.#byId.size === 0;
  }

  get(id: string): QueryBatches | undefined {
    return this.#byId.get(id);
  }

  /** Harmless for an id that is not open. */
  async close(id: string): Promise<void> {
    const query = this.#byId.get(id);
    this.#byId.delete(id);
    await query?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using scope = new Scope();
    for (const query of this.#byId.values()) scope.use(query);
    this.#byId.clear();
  }
}
