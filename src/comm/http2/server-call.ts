import { LazyAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { LONGEST_TIMER_MS } from '../../common/timers.ts';
import type { Holding } from '../byte-budget.ts';
import { EXHAUSTED, PER_CALL_BYTES } from '../limits.ts';
import type { CallContext } from '../method.ts';
import { type CallStatus, Status } from '../status.ts';
import { ANSWER_HEAD, statusOfReset, TRAILERS_OK, trailersOf } from './grpc-status.ts';
import type { MessageRefused } from './message-reader.ts';
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
  readonly #abort = new LazyAbort();
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
    return this.cancellation.signal;
  }

  get cancellation(): LazyAbort {
    const { timeoutMs } = this.head;
    if (timeoutMs !== undefined && timeoutMs < LONGEST_TIMER_MS && this.#over === undefined)
      this.#timer ??= setTimeout(() => this.fail(TOO_LATE), timeoutMs);
    return this.#abort;
  }

  get remote(): string {
    return this.host.remote;
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.host.peerCertificate;
  }

  readonly responds = (ms: number): Promise<boolean | undefined> => this.host.responds(ms);

  readonly mayHold = (bytes: number): void => this.holding.allow(bytes);

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

  protected answerHead(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.open?.headers(ANSWER_HEAD);
  }

  /** Runs the handler; whatever it returns or throws, `done` hears of it once, and the call has stopped counting by then. */
  protected serve<T>(handle: () => Promise<T>, done: (result: T) => void): void {
    this.#handling = true;
    this.host.began(this);
    settled(handle).then(
      (result) => {
        this.#endedHandling();
        done(result);
      },
      (thrown: unknown) => {
        this.#endedHandling();
        if (this.open !== undefined) this.answer(trailersOf(this.host.refusal(thrown, this.head.path), !this.#answered));
      },
    );
  }

  /** Ends the call in order. */
  protected answerWell(): void {
    this.answerHead();
    this.answer(TRAILERS_OK);
  }

  protected answer(trailers: Buffer): void {
    this.open?.end(trailers);
  }

  #endedHandling(): void {
    this.#handling = false;
    clearTimeout(this.#timer);
    this.host.endedHandling(this);
    if (this.#streamClosed) this.holding[Symbol.dispose]();
  }

  /** Nobody waits for an answer any more. */
  protected cutShort(text: string, { code, message }: CallStatus): void {
    if (this.#over !== undefined) return;
    this.#over = new SelvageError('CANCELLED', text, { details: { grpcStatus: code, reason: message } });
    clearTimeout(this.#timer);
    this.#abort.abort(this.#over);
    this.abandoned(this.#over);
  }

  protected abandoned(_reason: SelvageError): void {}
}

/** A promise in any case: a handler may throw before it has one. */
function settled<T>(handle: () => Promise<T>): Promise<T> {
  try {
    return handle();
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

const TOO_MUCH: CallStatus = { code: Status.RESOURCE_EXHAUSTED, message: EXHAUSTED };
const TOO_LATE: CallStatus = { code: Status.DEADLINE_EXCEEDED, message: 'the deadline of the call has passed' };
