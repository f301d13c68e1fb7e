import { SelvageError } from '../../common/errors.ts';
import type { Holding } from '../byte-budget.ts';
import { EXHAUSTED, PER_CALL_BYTES } from '../limits.ts';
import type { ByteStream, CallContext, Method } from '../method.ts';
import { type CallStatus, Status } from '../status.ts';
import { ANSWER_HEAD, statusOfReset, TRAILERS_OK, trailersOf } from './grpc-status.ts';
import type { Field } from './hpack/static-table.ts';
import { MessageQueue } from './message-queue.ts';
import type { MessageRefused } from './message-reader.ts';
import { ErrorCode } from './protocol.ts';
import type { RequestHead } from './request-head.ts';
import type { Stream, StreamListener } from './stream.ts';

/** What a call needs of the connection that it came on. */
export interface CallHost {
  readonly remote: string;
  readonly peerCertificate: Uint8Array | undefined;
  /** What the caller may know of a failure. */
  refusal(thrown: unknown, path: string): CallStatus;
  /** Whether the other side answers a ping within so many milliseconds; undefined when the connection is over. */
  responds(ms: number): Promise<boolean | undefined>;
  /** A handler begins, or has ended: calls count as long as their handler runs, whoever has gone. */
  began(call: ServerCall): void;
  endedHandling(call: ServerCall): void;
  /** Counts what a call holds; `evict` is called when that is too much, or when there is more than `most` of it. */
  holding(evict: () => void, most: number | undefined): Holding;
}

/** A call that is being served. Its signal and its deadline are made when somebody asks for them. */
export abstract class ServerCall implements StreamListener, CallContext {
  protected readonly host: CallHost;
  protected readonly head: RequestHead;
  protected readonly holding: Holding;
  #stream: Stream | undefined;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over: SelvageError | undefined;
  #answered = false;
  #handling = false;
  #streamClosed = false;

  constructor(host: CallHost, head: RequestHead, mostHeld: number | undefined) {
    this.host = host;
    this.head = head;
    this.holding = host.holding(() => this.fail(TOO_MUCH), mostHeld);
  }

  received(bytes: number): void {
    this.holding.received(bytes);
  }

  /** Set once, directly after the stream was made for this listener. From here on the call counts, and may have to end for it. */
  set stream(stream: Stream) {
    this.#stream = stream;
    this.holding.keep(PER_CALL_BYTES);
  }

  protected get open(): Stream | undefined {
    return this.#over === undefined ? this.#stream : undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#over !== undefined) this.#controller.abort(this.#over);
      else if (this.head.timeoutMs !== undefined && this.head.timeoutMs < MAX_TIMER_MS)
        this.#timer = setTimeout(() => this.fail(TOO_LATE), this.head.timeoutMs);
    }
    return this.#controller.signal;
  }

  get remote(): string {
    return this.host.remote;
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.host.peerCertificate;
  }

  readonly responds = (ms: number): Promise<boolean | undefined> => this.host.responds(ms);

  abstract message(message: Buffer): void;
  abstract ended(): void;
  abstract drained(): void;

  headers(): void {} // trailers of a request say nothing here

  refused({ status, message }: MessageRefused): void {
    this.answer(trailersOf({ code: status, message }, !this.#answered));
    this.cutShort('the call ended: a message of it could not be taken', { code: status, message });
  }

  cut(code: number | 'lost', reason: string): void {
    this.cutShort('the call ended', { code: code === 'lost' ? Status.UNAVAILABLE : statusOfReset(code), message: reason });
  }

  /** Ends the call from our side. */
  fail(status: CallStatus): void {
    this.answer(trailersOf(status, !this.#answered));
    this.cutShort(status.message, status);
  }

  /** What the call held is given back when neither its stream nor its handler is there any more. */
  closed(): void {
    this.#streamClosed = true;
    if (!this.#handling) this.holding[Symbol.dispose]();
  }

  protected began(): void {
    this.#handling = true;
    this.host.began(this);
  }

  protected endedHandling(): void {
    this.#handling = false;
    clearTimeout(this.#timer);
    this.host.endedHandling(this);
    if (this.#streamClosed) this.holding[Symbol.dispose]();
  }

  protected answerHead(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.open?.headers(ANSWER_HEAD);
  }

  protected answer(trailers: Buffer): void {
    this.open?.end(trailers);
  }

  protected failWith(thrown: unknown): void {
    if (this.open !== undefined) this.answer(trailersOf(this.host.refusal(thrown, this.head.path), !this.#answered));
  }

  /** Nobody waits for an answer any more. */
  protected cutShort(text: string, { code, message }: CallStatus): void {
    if (this.#over !== undefined) return;
    this.#over = new SelvageError('CANCELLED', text, { details: { grpcStatus: code, reason: message } });
    clearTimeout(this.#timer);
    this.#controller?.abort(this.#over);
    this.abandoned(this.#over);
  }

  protected abandoned(_reason: SelvageError): void {}
}

const TOO_MUCH: CallStatus = { code: Status.RESOURCE_EXHAUSTED, message: EXHAUSTED };
const TOO_LATE: CallStatus = { code: Status.DEADLINE_EXCEEDED, message: 'the deadline of the call has passed' };

/** The longest time that a timer of Node can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

type UnaryMethod = Extract<Method, { kind: 'unary' }>;
type BidiMethod = Extract<Method, { kind: 'bidi' }>;

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
    this.began();
    this.#method.handle(request, this).then(
      (response) => this.#done(response, undefined),
      (thrown: unknown) => this.#done(undefined, { thrown }),
    );
  }

  drained(): void {}

  #done(response: Uint8Array | undefined, failure: { readonly thrown: unknown } | undefined): void {
    this.endedHandling();
    if (failure !== undefined) {
      this.failWith(failure.thrown);
      return;
    }
    this.answerHead();
    if (response !== undefined) {
      this.holding.keep(response.length);
      this.open?.send(response);
    }
    this.answer(TRAILERS_OK);
  }
}

/** Messages in both directions. */
export class BidiCall extends ServerCall implements ByteStream {
  readonly #method: BidiMethod;
  readonly #incoming = new MessageQueue((bytes) => this.#taken(bytes));
  #room: { readonly promise: Promise<void>; resolve(): void; reject(reason: unknown): void } | undefined;

  constructor(host: CallHost, head: RequestHead, method: BidiMethod) {
    super(host, head, method.mostHeld);
    this.#method = method;
  }

  get incoming(): AsyncIterable<Uint8Array> {
    return this.#incoming;
  }

  /** Begins at once: a client may want to hear something before it says anything. */
  start(): void {
    this.began();
    this.#method.handle(this, this).then(
      () => this.#done(undefined),
      (thrown: unknown) => this.#done({ thrown }),
    );
  }

  send(message: Uint8Array): Promise<void> {
    const stream = this.open;
    if (stream === undefined || stream.ending) return Promise.reject(this.signal.reason ?? new SelvageError('CANCELLED', 'the call ended'));
    this.answerHead();
    if (stream.send(message)) return SENT;
    this.#room ??= waiting();
    return this.#room.promise;
  }

  message(message: Buffer): void {
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

  #done(failure: { readonly thrown: unknown } | undefined): void {
    this.endedHandling();
    if (failure !== undefined) {
      this.failWith(failure.thrown);
      return;
    }
    this.answerHead();
    this.answer(TRAILERS_OK);
  }
}

/** What gRPC puts before each message. */
const PREFIX_BYTES = 5;

const SENT: Promise<void> = Promise.resolve();

function waiting(): { readonly promise: Promise<void>; resolve(): void; reject(reason: unknown): void } {
  let resolve = (): void => undefined;
  let reject = (_reason: unknown): void => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined); // a sender that does not wait is told by its next call
  return { promise, resolve, reject };
}

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
