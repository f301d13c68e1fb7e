import { SelvageError } from '../../common/errors.ts';
import type { DocumentRules } from '../statedb/state.ts';

const refused = (message: string, txId: string): SelvageError => new SelvageError('SIMULATION_FAILED', message, { details: { txId } });

/**
 * What one simulation may still do: private range queries and paginated queries belong to read-only transactions, and
 * after the end nothing is allowed. Texts as in Fabric, whose spelling is its own.
 * @see txSimulator in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/txmgr/tx_simulator.go
 */
export class SimulationRules {
  readonly #txId: string;
  readonly #documents: DocumentRules | undefined;
  #over = false;
  #wrote = false;
  #queriedPrivate = false;
  #paginated = false;

  /** @param documents of a state that does not hold every key and value */
  constructor(txId: string, documents: DocumentRules | undefined) {
    this.#txId = txId;
    this.#documents = documents;
  }

  readonly beforeRead = (): void => {
    if (this.#over) throw refused('this instance should not be used after calling Done()', this.#txId);
  };

  beforeKey(key: string): void {
    this.beforeRead();
    if (!key.isWellFormed()) throw refused('the key must be a UTF-8 string', this.#txId);
  }

  /** A key that the state is asked for itself, not by its hash. */
  beforeGet(key: string): void {
    this.beforeKey(key);
    this.#documents?.checkKey(key);
  }

  /** What is refused for its key or its value still counts as a write. */
  beforeWrite(key: string, value?: Uint8Array): void {
    this.beforeKey(key);
    if (this.#queriedPrivate) {
      throw refused(
        `txid [${this.#txId}]: unsuppored transaction. Transaction has already performed queries on pvt data. Writes are not allowed`,
        this.#txId,
      );
    }
    if (this.#paginated) {
      throw refused(
        `txid [${this.#txId}]: unsuppored transaction. Transaction has already performed a paginated query. Writes are not allowed`,
        this.#txId,
      );
    }
    this.#wrote = true;
    this.#documents?.checkKey(key);
    if (value !== undefined) this.#documents?.checkValue(value);
  }

  beforePrivateQuery(): void {
    this.beforeRead();
    if (this.#wrote) {
      throw refused(
        `txid [${this.#txId}]: unsuppored transaction. Queries on pvt data is supported only in a read-only transaction`,
        this.#txId,
      );
    }
    this.#queriedPrivate = true;
  }

  beforePaginatedQuery(): void {
    this.beforeRead();
    if (this.#wrote) {
      throw refused(
        `txid [${this.#txId}]: unsuppored transaction. Paginated queries are supported only in a read-only transaction`,
        this.#txId,
      );
    }
    this.#paginated = true;
  }

  /** @returns whether this call ended the simulation */
  end(): boolean {
    const first = !this.#over;
    this.#over = true;
    return first;
  }
}
