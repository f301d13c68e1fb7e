import type { Field } from './hpack/static-table.ts';
import { ErrorCode } from './protocol.ts';
import type { RequestHead } from './request-head.ts';
import type { Stream, StreamListener } from './stream.ts';

/** How a request that is no gRPC call is answered. */
export interface ForeignAnswer {
  /** Header block; the whole answer where there is no body. */
  readonly head: Buffer;
  readonly body?: Buffer;
}

/** A request that is no gRPC call: answered with a status of HTTP, and a sentence, when it has ended. */
export class ForeignRequest implements StreamListener {
  readonly discards = true;
  readonly #head: RequestHead;
  readonly #answer: ForeignAnswer;
  stream: Stream | undefined;

  constructor(head: RequestHead, answer: ForeignAnswer) {
    this.#head = head;
    this.#answer = answer;
  }

  headers(_fields: readonly Field[]): void {}
  message(): void {}
  refused(): void {}
  cut(): void {}
  drained(): void {}

  ended(): void {
    const { stream } = this;
    const { contentLength } = this.#head;
    const { head, body } = this.#answer;
    if (contentLength !== undefined && contentLength !== stream?.received)
      stream?.reset(ErrorCode.PROTOCOL_ERROR, 'the data is not as long as the request says');
    else if (body === undefined) stream?.end(head);
    else {
      stream?.headers(head);
      stream?.endWith(body);
    }
  }
}
