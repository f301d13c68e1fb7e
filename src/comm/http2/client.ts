import { SelvageError } from '../../common/errors.ts';
import { timerMs } from '../../common/timers.ts';
import { wordsOf } from '../dial-cause.ts';
import { type CallStatus, errorOf, notReached, Status } from '../status.ts';
import { clientContext } from '../tls.ts';
import type { BidiOptions, ClientStream, ClientTransport, DialOptions, UnaryOptions } from '../transport.ts';
import { BidiClientCall, type ClientCall, UnaryClientCall } from './client-call.ts';
import { ClientConnection } from './client-connection.ts';
import { DialTimeout, dial, type Target } from './dial.ts';
import { CONTENT_TYPE } from './grpc-status.ts';
import { encodeHeaders } from './hpack/encoder.ts';
import { CLIENT_LIMITS } from './limits.ts';

/** Milliseconds that a connection may take to stand, unless told otherwise. */
const DIAL_MS = 20_000;
/** How long `ready` waits before it tries again, in milliseconds. */
const RETRY_MS = 100;

/** A connection to another node over our own HTTP/2, made when first used and again when it is lost. */
export class Http2Client implements ClientTransport {
  readonly #address: string;
  readonly #target: Target;
  readonly #dialMs: number;
  readonly #heads = new Map<string, Buffer>();
  /** All that are open: the one that stands, those that are being made, and those that end with their last call. */
  readonly #open = new Set<ClientConnection>();
  #connection: ClientConnection | undefined;
  #dialling: Promise<ClientConnection> | undefined;
  #waiting: (() => void)[] = [];
  /** Ends dials that nobody waits for any more. */
  readonly #disposal = new AbortController();
  #closed = false;

  constructor({ address, tls, dialTimeoutMs = DIAL_MS }: DialOptions) {
    this.#address = address;
    this.#dialMs = dialTimeoutMs;
    this.#target = { address, tls: tls && { context: clientContext(tls), name: tls.hostnameOverride, judge: tls.judge } };
  }

  /** @throws {SelvageError} `PEER_UNREACHABLE`, `DEADLINE_EXCEEDED`, `CANCELLED`, or `REFUSED_BY_PEER` with the other side's text */
  unary(path: string, request: Uint8Array, { signal, received }: UnaryOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const call = new UnaryClientCall((status, response) => {
        signal.removeEventListener('abort', cancel);
        if (status.code !== Status.OK) return reject(errorOf(status, this.#address));
        if (response === undefined) return reject(errorOf(NO_ANSWER, this.#address));
        resolve(response);
      }, received);
      const cancel = (): void => {
        call.cancel();
        reject(signal.reason);
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.#begin(path, call, (thrown) => {
        signal.removeEventListener('abort', cancel);
        reject(thrown);
      }).then((stream) => {
        stream?.send(request);
        stream?.end();
      }, reject);
    });
  }

  bidi(path: string, { signal, counting }: BidiOptions): ClientStream {
    const left = (): void => signal.removeEventListener('abort', cancel); // or the signal would keep the call for as long as it lives
    const call = new BidiClientCall((status) => (signal.aborted ? signal.reason : errorOf(status, this.#address)), left, counting);
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    const begun = this.#begin(path, call, (thrown) => call.fail(thrown));
    begun.catch(() => undefined);
    return {
      incoming: call.incoming,
      get peerCertificate() {
        return call.peerCertificate;
      },
      send: (message) => (call.begun ? call.send(message) : begun.then(() => call.send(message))),
      end: () =>
        call.begun
          ? call.end()
          : void begun.then(
              () => call.end(),
              () => undefined,
            ),
      [Symbol.dispose]: cancel,
    };
  }

  async ready(ms: number): Promise<void> {
    const end = performance.now() + ms;
    let failure: unknown;
    for (;;) {
      try {
        await this.#connect(Math.max(1, Math.min(end - performance.now(), DIAL_MS)));
        return;
      } catch (thrown) {
        const cutShort = thrown instanceof SelvageError && thrown.cause instanceof DialTimeout;
        if (failure === undefined || !cutShort) failure = thrown; // the last attempt may have had no time to fail for a reason
        if (this.#closed || end - performance.now() <= RETRY_MS) throw notReached(this.#address, ms, failure);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  connected(ms: number): Promise<boolean> {
    return this.#connect(Math.min(ms, DIAL_MS)).then(
      () => true,
      () => false,
    );
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#disposal.abort(new Error('the client was closed'));
    for (const connection of this.#open) connection.close('the client was closed');
    this.#connection = undefined;
    this.#resume();
  }

  /** Opens a stream for the call as soon as there is a connection with room. */
  async #begin(path: string, call: ClientCall, failed: (thrown: unknown) => void) {
    try {
      let connection = this.#usable();
      while (connection === undefined || !connection.hasRoom) {
        if (call.over) return undefined;
        connection = await this.#connect(this.#dialMs);
        if (!connection.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
      if (call.over) return undefined;
      const stream = connection.open(this.#head(path), call);
      call.stream = stream;
      return stream;
    } catch (thrown) {
      failed(thrown);
      return undefined;
    }
  }

  #usable(): ClientConnection | undefined {
    const connection = this.#connection;
    return connection === undefined || connection.over ? undefined : connection;
  }

  /** The connection that stands, or a new one that all who wait share. Each waits as long as it wants; the dial goes on for the others. */
  async #connect(ms: number): Promise<ClientConnection> {
    if (this.#closed) throw this.#unreachable(new Error('the client is closed'));
    const standing = this.#usable();
    if (standing !== undefined) return standing;
    if (this.#dialling === undefined) {
      const dialling = this.#make().finally(() => {
        if (this.#dialling === dialling) this.#dialling = undefined;
      });
      dialling.catch(() => undefined); // those who asked for it may have given up
      this.#dialling = dialling;
    }
    return within(ms, this.#dialling, () => this.#unreachable(new DialTimeout(`no connection within ${Math.ceil(ms)} ms`)));
  }

  async #make(): Promise<ClientConnection> {
    const ms = Math.max(DIAL_MS, this.#dialMs); // nobody waits longer
    const end = performance.now() + ms;
    let socket: Awaited<ReturnType<typeof dial>>;
    try {
      socket = await dial(this.#target, { ms, signal: this.#disposal.signal });
    } catch (cause) {
      throw this.#unreachable(cause);
    }
    return new Promise((resolve, reject) => {
      const connection: ClientConnection = new ClientConnection({
        socket,
        limits: { ...CLIENT_LIMITS, handshakeMs: timerMs(Math.max(1, end - performance.now())) },
        onReady: () => {
          this.#connection = connection;
          resolve(connection);
        },
        onLeave: (reason) => {
          if (connection.over) this.#open.delete(connection);
          if (this.#connection === connection) this.#connection = undefined;
          reject(this.#unreachable(new Error(reason)));
          this.#resume();
        },
        onRoom: () => this.#resume(),
      });
      this.#open.add(connection);
      if (this.#closed) connection.close('the client was closed');
    });
  }

  #resume(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** The header block of calls of a method; always the same bytes. */
  #head(path: string): Buffer {
    let head = this.#heads.get(path);
    if (head === undefined) {
      const { address, tls } = this.#target;
      head = encodeHeaders([
        [':method', 'POST'],
        [':scheme', tls === undefined ? 'http' : 'https'],
        [':path', path],
        [':authority', tls?.name ?? address],
        ['content-type', CONTENT_TYPE],
        ['te', 'trailers'],
        ['user-agent', 'selvage'],
      ]);
      this.#heads.set(path, head);
    }
    return head;
  }

  #unreachable(cause: unknown): SelvageError {
    const reason = cause instanceof Error ? wordsOf(cause) : String(cause);
    return new SelvageError('PEER_UNREACHABLE', `cannot reach ${this.#address}: ${reason}`, {
      cause,
      details: { address: this.#address, grpcStatus: Status.UNAVAILABLE, reason },
    });
  }
}

/** The promise, for so many milliseconds. */
function within<T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), timerMs(ms));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const NO_ANSWER: CallStatus = { code: Status.INTERNAL, message: 'an answer without a message' };
