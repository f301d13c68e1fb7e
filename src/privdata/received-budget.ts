/** What others make this peer keep, counted and bounded. */

export interface BudgetLimits {
  /** Bytes that one peer may have here. */
  readonly perSender: number;
  /** Bytes that the peers of one organisation may have here: it may have as many as it likes. */
  readonly perOrganization: number;
  /** Bytes that all may have here. */
  readonly total: number;
}

export const DEFAULT_LIMITS: BudgetLimits = { perSender: 128 * 1024 ** 2, perOrganization: 256 * 1024 ** 2, total: 1024 ** 3 };

/** What an entry costs beside its bytes. */
const PER_ENTRY = 1024;

export interface Sender {
  readonly mspId: string;
  /** Hexadecimal. */
  readonly pkiId: string;
}

interface Held extends Sender {
  readonly txId: string;
  readonly bytes: number;
  /** Height of this peer's ledger when it came. */
  readonly height: bigint;
}

/** Private data that others gave, from when it came until its transaction is committed or it is too old. */
export class ReceivedBudget {
  readonly #limits: BudgetLimits;
  /** In the order in which they came. */
  readonly #byTransaction = new Map<string, Held[]>();
  readonly #used = new Map<string, number>();

  constructor(limits: BudgetLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Bytes that are held now, with what entries cost. */
  get held(): number {
    return this.#used.get(ALL) ?? 0;
  }

  /** Counts what came; false when there is no room for it, and then it does not count. */
  admit(txId: string, size: number, { mspId, pkiId }: Sender, height: bigint): boolean {
    const bytes = size + PER_ENTRY;
    const { perSender, perOrganization, total } = this.#limits;
    const fits = (account: string, most: number): boolean => (this.#used.get(account) ?? 0) + bytes <= most;
    if (!fits(ALL, total) || !fits(organization(mspId), perOrganization) || !fits(sender(pkiId), perSender)) return false;
    const held = { txId, bytes, mspId, pkiId, height };
    this.#change(held, 1);
    const ofTransaction = this.#byTransaction.get(txId);
    if (ofTransaction === undefined) this.#byTransaction.set(txId, [held]);
    else ofTransaction.push(held);
    return true;
  }

  /** The transaction was committed. */
  release(txId: string): void {
    for (const held of this.#byTransaction.get(txId) ?? []) this.#change(held, -1);
    this.#byTransaction.delete(txId);
  }

  /** What came when the ledger was lower is not here any more. */
  releaseBelow(height: bigint): void {
    for (const [txId, [first]] of this.#byTransaction) {
      if (first === undefined || first.height >= height) return;
      this.release(txId);
    }
  }

  #change({ bytes, mspId, pkiId }: Held, sign: 1 | -1): void {
    for (const account of [ALL, organization(mspId), sender(pkiId)]) {
      const now = (this.#used.get(account) ?? 0) + sign * bytes;
      if (now <= 0) this.#used.delete(account);
      else this.#used.set(account, now);
    }
  }
}

const ALL = '';
const organization = (mspId: string): string => `o${mspId}`;
const sender = (pkiId: string): string => `p${pkiId}`;
