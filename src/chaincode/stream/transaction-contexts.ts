import { type Deferred, deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import type { OpenTransaction } from '../../packages/launch-spec.ts';
import { type StreamCall, TransactionContext } from './transaction-context.ts';

/** The transactions that run on one stream, by channel and transaction id. */
export class TransactionContexts {
  readonly #byChannel = new Map<string, Map<string, TransactionContext>>();
  readonly #maxOpenQueries: number;
  #idle: Deferred<void> | undefined;

  constructor({ maxOpenQueries }: { readonly maxOpenQueries: number }) {
    this.#maxOpenQueries = maxOpenQueries;
  }

  /**
   * The caller disposes what it gets.
   * @throws {SelvageError} `CHAINCODE_FAILED` `txid: TXID(CHANNEL) exists`, when this transaction runs here already
   */
  open(call: StreamCall): TransactionContext {
    const { channelId, txId } = call.proposal;
    const ofChannel = this.#byChannel.get(channelId) ?? new Map<string, TransactionContext>();
    if (ofChannel.has(txId)) throw new SelvageError('CHAINCODE_FAILED', `txid: ${txId}(${channelId}) exists`);
    const context = new TransactionContext(call, { maxOpenQueries: this.#maxOpenQueries, forget: () => this.#forget(channelId, txId) });
    this.#byChannel.set(channelId, ofChannel.set(txId, context));
    return context;
  }

  get(channelId: string, txId: string): TransactionContext | undefined {
    return this.#byChannel.get(channelId)?.get(txId);
  }

  get size(): number {
    return [...this.#byChannel.values()].reduce((sum, ofChannel) => sum + ofChannel.size, 0);
  }

  all(): readonly TransactionContext[] {
    return [...this.#byChannel.values()].flatMap((ofChannel) => [...ofChannel.values()]);
  }

  list(): readonly OpenTransaction[] {
    return [...this.#byChannel].flatMap(([channelId, ofChannel]) => [...ofChannel.keys()].map((txId) => ({ channelId, txId })));
  }

  /** Resolves when none is open. */
  idle(): Promise<void> {
    if (this.#byChannel.size === 0) return Promise.resolve();
    this.#idle ??= deferred<void>();
    return this.#idle.promise;
  }

  failAll(reason: Error): void {
    for (const context of this.all()) context.fail(reason);
  }

  #forget(channelId: string, txId: string): void {
    const ofChannel = this.#byChannel.get(channelId);
    ofChannel?.delete(txId);
    if (ofChannel?.size === 0) this.#byChannel.delete(channelId);
    if (this.#byChannel.size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
