import { concatBytes, sha256 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { kvrwset } from '../../protos/messages.ts';

/** Most children of a node, in every read-write set that Fabric makes. */
export const MAX_DEGREE = 50;

/** What a range query records about its results: the reads themselves while they are few, else a Merkle summary. */
export interface QueryReadsSummary {
  readonly rawReads: kvrwset.QueryReadsInit | undefined;
  readonly readsMerkleHashes: kvrwset.QueryReadsMerkleSummaryInit | undefined;
}

/**
 * Sums up the results of one range query as they come.
 *
 * Up to `maxDegree` results stay as they are. One more turns all of them into a leaf: SHA-256 of their encoded
 * `QueryReads`. A level that outgrows `maxDegree` nodes becomes one node of the next: SHA-256 of its nodes together.
 * @see RangeQueryResultsHelper in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/rwsetutil/query_results_helper.go
 */
export class QueryReads {
  readonly #maxDegree: number;
  #pending: kvrwset.KVReadInit[] = [];
  /** Node hashes by level; the leaves are at index 0, which is level 1. */
  readonly #levels: Uint8Array[][] = [];

  /** @throws {SelvageError} `MALFORMED` for a degree under 2, which no tree can have */
  constructor({ maxDegree = MAX_DEGREE }: { readonly maxDegree?: number } = {}) {
    if (maxDegree < 2) throw new SelvageError('MALFORMED', `maxDegree [${maxDegree}] should not be less than 2 in the merkle tree`);
    this.#maxDegree = maxDegree;
  }

  add(read: kvrwset.KVReadInit): void {
    this.#pending.push(read);
    if (this.#pending.length > this.#maxDegree) this.#closeLeaf();
  }

  /** The highest level so far, 0 without one, and its hashes: what later results can no longer change, only follow. */
  get top(): { readonly level: number; readonly hashes: readonly Uint8Array[] } {
    return { level: this.#levels.length, hashes: this.#levels.at(-1) ?? [] };
  }

  /** Ends the sum: nothing may be added afterwards. */
  finish(): QueryReadsSummary {
    if (this.#levels.length === 0) {
      const kvReads = this.#pending;
      return { rawReads: kvReads.length === 0 ? undefined : { kvReads }, readsMerkleHashes: undefined };
    }
    if (this.#pending.length > 0) this.#closeLeaf();
    this.#promoteLeftovers();
    const { level, hashes } = this.top;
    return { rawReads: undefined, readsMerkleHashes: { maxDegree: this.#maxDegree, maxLevel: level, maxLevelHashes: hashes } };
  }

  #closeLeaf(): void {
    const leaf = sha256(kvrwset.QueryReads.encode({ kvReads: this.#pending }));
    this.#pending = [];
    this.#append(0, leaf);
    for (let at = 0; this.#nodes(at).length > this.#maxDegree; at += 1) this.#append(at + 1, combined(this.#take(at)));
  }

  /** Brings what is left on the lower levels up to the highest one; a node alone moves up unhashed. */
  #promoteLeftovers(): void {
    for (let at = 0; at < this.#levels.length - 1; at += 1) {
      const left = this.#take(at);
      if (left.length > 0) this.#append(at + 1, combined(left));
    }
    const top = this.#levels.length - 1;
    if (this.#nodes(top).length > this.#maxDegree) this.#append(top + 1, combined(this.#take(top)));
  }

  #nodes(at: number): readonly Uint8Array[] {
    return this.#levels[at] ?? [];
  }

  #take(at: number): readonly Uint8Array[] {
    const nodes = this.#nodes(at);
    this.#levels[at] = [];
    return nodes;
  }

  #append(at: number, hash: Uint8Array): void {
    this.#levels[at] = [...this.#nodes(at), hash];
  }
}

const combined = (nodes: readonly Uint8Array[]): Uint8Array => {
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined ? only : sha256(concatBytes(...nodes));
};
