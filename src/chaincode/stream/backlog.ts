import { type Deferred, deferred } from '../../common/deferred.ts';

export interface BacklogLimits {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Counts the requests of one stream that were read and wait behind another of their transaction. Shims send one at a time, so
 * this is zero for all but a chaincode that floods; that one is not read any further until it has room again.
 */
export class Backlog {
  readonly #limits: BacklogLimits;
  #messages = 0;
  #bytes = 0;
  #closed = false;
  #room: Deferred<void> | undefined;

  constructor(limits: BacklogLimits) {
    this.#limits = limits;
  }

  get messages(): number {
    return this.#messages;
  }

  enter(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    this.#release();
  }

  /** Whether another message may be read, which is the usual case. */
  get hasRoom(): boolean {
    return this.#closed || (this.#messages < this.#limits.messages && this.#bytes < this.#limits.bytes);
  }

  /** Resolves when another message may be read. */
  async room(): Promise<void> {
    if (this.hasRoom) return;
    this.#room ??= deferred();
    await this.#room.promise;
  }

  /** Lets everybody go who waits: the stream is over. */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    if (!this.hasRoom) return;
    this.#room?.resolve();
    this.#room = undefined;
  }
}
