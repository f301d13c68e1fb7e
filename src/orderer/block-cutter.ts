/** A message as the block cutter weighs it. */
export interface Weighed {
  /** Bytes of payload and signature together. */
  readonly size: number;
}

export interface BatchSize {
  readonly maxMessageCount: number;
  readonly preferredMaxBytes: number;
}

/**
 * Cuts a stream of messages into batches. Pure bookkeeping: time is the caller's business.
 * @see receiver in hyperledger/fabric v2.5, orderer/common/blockcutter/blockcutter.go
 */
export class BlockCutter<M extends Weighed> {
  #pending: M[] = [];
  #pendingBytes = 0;

  /** Whether messages wait for more. */
  get waiting(): boolean {
    return this.#pending.length > 0;
  }

  /**
   * Takes one message and gives the batches that are full now, in order: none, one or two.
   * @param batchSize as the configuration in force says
   */
  take(message: M, { maxMessageCount, preferredMaxBytes }: BatchSize): M[][] {
    if (message.size > preferredMaxBytes) return [...this.#cutIfWaiting(), [message]];
    const before = this.#pendingBytes + message.size > preferredMaxBytes ? this.#cutIfWaiting() : [];
    this.#pending.push(message);
    this.#pendingBytes += message.size;
    return this.#pending.length >= maxMessageCount ? [...before, this.cut()] : before;
  }

  /** Everything that waits, which may be nothing. */
  cut(): M[] {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return batch;
  }

  #cutIfWaiting(): M[][] {
    return this.waiting ? [this.cut()] : [];
  }
}
