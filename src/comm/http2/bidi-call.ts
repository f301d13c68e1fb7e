import { type Deferred, deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Incoming } from '../../common/incoming.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import type { ByteStream, Method } from '../method.ts';
import { MessageQueue } from './message-queue.ts';
import type { RequestHead } from './request-head.ts';
import { type CallHost, ServerCall } from './server-call.ts';

type BidiMethod = Extract<Method, { kind: 'bidi' }>;

/** What gRPC puts before each message. */
const PREFIX_BYTES = 5;

/** Messages in both directions. */
export class BidiCall extends ServerCall implements ByteStream {
  readonly #method: BidiMethod;
  readonly #incoming = new MessageQueue((bytes) => this.#taken(bytes));
  #room: Deferred<void> | undefined;

  constructor(host: CallHost, head: RequestHead, method: BidiMethod) {
    super(host, head, method.mostHeld);
    this.#method = method;
  }

  get incoming(): Incoming<Uint8Array> {
    return this.#incoming;
  }

  /** Begins at once: a client may want to hear something before it says anything. */
  start(): void {
    this.serve(
      () => this.#method.handle(this, this),
      () => this.answerWell(),
    );
  }

  send(message: Uint8Array): MaybePromise<void> {
    const stream = this.open;
    if (stream === undefined || stream.ending) return Promise.reject(this.signal.reason ?? new SelvageError('CANCELLED', 'the call ended'));
    this.answerHead();
    if (stream.send(message)) return;
    this.#room ??= waiting();
    return this.#room.promise;
  }

  message(message: Buffer): void {
    this.holding.waits();
    this.#incoming.push(message);
  }

  ended(): void {
    this.#incoming.end();
  }

  drained(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  override abandoned(reason: SelvageError): void {
    this.#incoming.fail(reason);
    this.#room?.reject(reason);
    this.#room = undefined;
  }

  #taken(bytes: number): void {
    this.open?.consumed(bytes);
    this.holding.consumed(PREFIX_BYTES + bytes);
  }
}

function waiting(): Deferred<void> {
  const room = deferred<void>();
  room.promise.catch(() => undefined); // a sender that does not wait is told by its next call
  return room;
}
