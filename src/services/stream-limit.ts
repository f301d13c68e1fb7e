import { SelvageError } from '../common/errors.ts';

/**
 * Refuses streams of one service beyond `limit` at a time; 0 is no limit.
 * @see internal/peer/node/grpc_limiters.go in hyperledger/fabric v2.5
 */
export class StreamLimit {
  readonly #service: string;
  readonly #limit: number;
  #open = 0;

  /** @param service as in the refusal, like `/protos.Deliver` */
  constructor(service: string, limit: number) {
    this.#service = service;
    this.#limit = limit;
  }

  /** @throws {SelvageError} `OVERLOADED` */
  async run<T>(serve: () => Promise<T>): Promise<T> {
    if (this.#limit > 0 && this.#open >= this.#limit) {
      throw new SelvageError('OVERLOADED', `too many requests for ${this.#service}, exceeding concurrency limit (${this.#limit})`);
    }
    this.#open += 1;
    try {
      return await serve();
    } finally {
      this.#open -= 1;
    }
  }
}
