import type { MaybePromise } from '../../common/maybe.ts';
import { type CallStatus, Status } from '../status.ts';
import type { Counting } from '../transport.ts';
import { percentDecoded, statusOfHttp, statusOfReset } from './grpc-status.ts';
import type { Field } from './hpack/static-table.ts';
import { MessageQueue } from './message-queue.ts';
import { MessageRefused } from './message-reader.ts';
import { ErrorCode } from './protocol.ts';
import type { Stream, StreamListener } from './stream.ts';

/** What gRPC puts before each message. */
const PREFIX_BYTES = 5;

/** A call that we make. It ends once, with a status. */
export abstract class ClientCall implements StreamListener {
  #stream: Stream | undefined;
  #head: readonly Field[] | undefined;
  #over = false;

  set stream(stream: Stream) {
    this.#stream = stream;
  }

  protected get open(): Stream | undefined {
    return this.#over ? undefined : this.#stream;
  }

  get over(): boolean {
    return this.#over;
  }

  /** DER of the server's certificate, once there is a stream. */
  get peerCertificate(): Uint8Array | undefined {
    return this.#stream?.peerCertificate;
  }

  /** Whether there is a stream for it. */
  get begun(): boolean {
    return this.#stream !== undefined;
  }

  abstract message(message: Buffer): void;
  abstract drained(): void;
  /** The call has ended. */
  protected abstract finished(status: CallStatus): void;

  headers(fields: readonly Field[], last: boolean): void {
    if (last) {
      this.#finish(statusIn(fields, this.#head ?? fields));
      this.#stream?.abandon(ErrorCode.NO_ERROR);
      return;
    }
    if (this.#head !== undefined) {
      this.#give(Status.INTERNAL, 'header fields in the middle of an answer');
      return;
    }
    if (fieldOf(fields, ':status')?.startsWith('1') === true) return; // informational: the real ones follow
    this.#head = fields;
  }

  ended(): void {
    if (!this.#over) this.#finish(statusIn([], this.#head ?? []));
  }

  refused({ status, message }: MessageRefused): void {
    this.#give(status, message);
  }

  cut(code: number | 'lost', reason: string): void {
    this.#finish({ code: code === 'lost' ? Status.UNAVAILABLE : statusOfReset(code), message: reason });
  }

  /** Gives the call up. */
  cancel(): void {
    const stream = this.open;
    this.#over = true;
    stream?.abandon(ErrorCode.CANCEL);
  }

  #give(code: number, message: string): void {
    this.open?.abandon(ErrorCode.CANCEL);
    this.#finish({ code, message });
  }

  #finish(status: CallStatus): void {
    if (this.#over) return;
    this.#over = true;
    this.finished(status);
  }
}

const fieldOf = (fields: readonly Field[], name: string): string | undefined => fields.find(([each]) => each === name)?.[1];

/** The status that an answer ended with; where it has none, what its HTTP status means. */
function statusIn(trailers: readonly Field[], head: readonly Field[]): CallStatus {
  const status = fieldOf(trailers, 'grpc-status');
  if (status !== undefined && /^\d{1,5}$/.test(status))
    return { code: Number(status), message: percentDecoded(fieldOf(trailers, 'grpc-message') ?? ''), metadata: trailers };
  const http = fieldOf(head, ':status') ?? 'none';
  return { code: http === '200' ? Status.UNKNOWN : statusOfHttp(http), message: `an answer without a gRPC status (HTTP status ${http})` };
}

/** One request, one answer. */
export class UnaryClientCall extends ClientCall {
  readonly #done: (status: CallStatus, response: Uint8Array | undefined) => void;
  readonly #received: ((bytes: number) => void) | undefined;
  #response: Uint8Array | undefined;

  /** @param received is told how many bytes have come, before anything of them is looked at */
  constructor(done: (status: CallStatus, response: Uint8Array | undefined) => void, received?: (bytes: number) => void) {
    super();
    this.#done = done;
    this.#received = received;
  }

  received(bytes: number): void {
    this.#received?.(bytes);
  }

  message(message: Buffer): void {
    if (this.#response !== undefined) {
      this.refused(new MessageRefused(Status.INTERNAL, 'more than one message in the answer to a unary call'));
      return;
    }
    this.#response = message;
    this.open?.consumed(message.length);
  }

  drained(): void {}

  protected finished(status: CallStatus): void {
    this.#done(status, this.#response);
  }
}

/** Messages in both directions. */
export class BidiClientCall extends ClientCall {
  readonly incoming = new MessageQueue((bytes) => {
    this.open?.consumed(bytes);
    this.#counting?.consumed(PREFIX_BYTES + bytes);
  });
  readonly #counting: Counting | undefined;
  readonly #failure: (status: CallStatus) => unknown;
  #waiting: { resolve(): void; reject(reason: unknown): void }[] = [];
  /** Why nothing can be sent any more. */
  #reason: unknown;

  readonly #left: () => void;

  /**
   * @param failure what readers and senders get for a status that is not OK
   * @param left is called when the call is over, however it ended
   */
  constructor(failure: (status: CallStatus) => unknown, left: () => void, counting?: Counting) {
    super();
    this.#failure = failure;
    this.#left = left;
    this.#counting = counting;
  }

  /** A promise resolves when more may be sent. */
  send(message: Uint8Array): MaybePromise<void> {
    const stream = this.open;
    if (stream === undefined || stream.ending) return Promise.reject(this.#reason ?? this.#failure(OVER));
    if (stream.send(message)) return;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  end(): void {
    this.open?.end();
  }

  received(bytes: number): void {
    this.#counting?.received(bytes);
  }

  message(message: Buffer): void {
    this.#counting?.waits();
    this.incoming.push(message);
  }

  drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve();
  }

  override cancel(): void {
    super.cancel();
    this.fail(this.#failure({ code: Status.CANCELLED, message: 'the call was cancelled' }));
  }

  /** Readers and senders get that reason from now on. */
  fail(reason: unknown): void {
    this.#reason ??= reason;
    this.#left();
    this.incoming.fail(reason);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(this.#reason);
  }

  protected finished(status: CallStatus): void {
    if (status.code === Status.OK) {
      this.#left();
      this.incoming.end();
      this.drained();
    } else this.fail(this.#failure(status));
  }
}

const OVER: CallStatus = { code: Status.CANCELLED, message: 'the call is over' };
