import type { Method } from '../method.ts';
import { Status } from '../status.ts';
import type { RequestHead } from './request-head.ts';
import { type CallHost, ServerCall } from './server-call.ts';

type UnaryMethod = Extract<Method, { kind: 'unary' }>;

/** One request, one answer. */
export class UnaryCall extends ServerCall {
  readonly #method: UnaryMethod;
  #request: Buffer | undefined;

  constructor(host: CallHost, head: RequestHead, method: UnaryMethod) {
    super(host, head, method.mostHeld);
    this.#method = method;
  }

  message(message: Buffer): void {
    if (this.#request !== undefined) {
      this.fail({ code: Status.INTERNAL, message: 'more than one message in a unary call' });
      return;
    }
    this.#request = message;
    this.open?.consumed(message.length);
  }

  ended(): void {
    const request = this.#request;
    if (request === undefined) {
      this.fail({ code: Status.INTERNAL, message: 'a unary call without a message' });
      return;
    }
    this.#request = undefined;
    this.serve(
      () => this.#method.handle(request, this),
      (response) => {
        this.answerHead();
        this.holding.keep(response.length);
        this.open?.send(response);
        this.answerWell();
      },
    );
  }

  drained(): void {}
}
