import { SelvageError } from '../../common/errors.ts';

const refused = (message: string, txId: string): SelvageError => new SelvageError('SIMULATION_FAILED', message, { details: { txId } });

/**
 * What one simulation may still do: private range queries and paginated queries belong to read-only transactions, and
 * after the end nothing is allowed. Texts as in Fabric, whose spelling is its own.
 * @see txSimulator in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/txmgr/tx_simulator.go
 */
export class SimulationRules {
  readonly #txId: string;
  #over = false;
  #wrote = false;
  #queriedPrivate = false;
  #paginated = false;

  constructor(txId: string) {
    this.#txId = txId;
  }

  readonly beforeRead = (): void => {
    if (this.#over) throw refused('this instance should not be used after calling Done()', this.#txId);
  };

  beforeKey(key: string): void {
    this.beforeRead();
    if (!key.isWellFormed()) throw refused('the key must be a UTF-8 string', this.#txId);
  }

  beforeWrite(key: string): void {
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
