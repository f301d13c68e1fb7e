import type { Socket } from 'node:net';
import type { ByteBudget, Holding } from '../byte-budget.ts';
import type { Method } from '../method.ts';
import { type CallStatus, Status } from '../status.ts';
import { BidiCall } from './bidi-call.ts';
import { Connection, type ConnectionParts } from './connection.ts';
import { type ForeignAnswer, ForeignRequest } from './foreign-request.ts';
import { CONTENT_TYPE, trailersOf } from './grpc-status.ts';
import type { HeaderList } from './hpack/decoder.ts';
import { encodeHeaders } from './hpack/encoder.ts';
import { ConnectionError, ErrorCode, PREFACE, Setting } from './protocol.ts';
import { type RequestHead, readRequestHead, wellFormedTrailers } from './request-head.ts';
import type { CallHost, ServerCall } from './server-call.ts';
import { Stream } from './stream.ts';
import { UnaryCall } from './unary-call.ts';

export interface ServerConnectionParts extends Omit<ConnectionParts, 'preface'> {
  /** By path, `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, Method>;
  /** What the calls of all connections hold. */
  readonly budget: ByteBudget;
  /** What the caller hears of a failure. */
  refusal(thrown: unknown, path: string): CallStatus;
  /** The connection is gone. */
  onEnd(connection: ServerConnection): unknown;
}

/** What browsers and other clients without gRPC are told. */
const foreign = (status: string): ForeignAnswer => ({
  head: encodeHeaders([
    [':status', status],
    ['content-type', 'text/plain'],
  ]),
  body: Buffer.from('This port speaks gRPC: POST with content-type application/grpc.\n'),
});
const NOT_GRPC = foreign('415');
const NOT_POST = foreign('405');

/** A client's connection to us. */
export class ServerConnection extends Connection implements CallHost {
  readonly #parts: ServerConnectionParts;
  readonly #calls = new Set<ServerCall>();
  #remote: string | undefined;

  constructor(parts: ServerConnectionParts) {
    super({ ...parts, preface: PREFACE });
    this.#parts = parts;
    this.announce([[Setting.MAX_CONCURRENT_STREAMS, parts.limits.calls]]);
  }

  get remote(): string {
    this.#remote ??= addressOf(this.socket);
    return this.#remote;
  }

  /** Calls whose handlers run. */
  get calls(): ReadonlySet<ServerCall> {
    return this.#calls;
  }

  /** Ends calls that would go on for ever, takes no further ones, and closes when the others have been answered. */
  windDown(status: CallStatus): void {
    if (this.over) return;
    this.goingAway = true;
    this.sendGoAway(ErrorCode.NO_ERROR, status.message);
    for (const call of this.#calls) if (call instanceof BidiCall) call.fail(status);
    this.#closeIfQuiet();
  }

  override forget(stream: Stream, ended: boolean): void {
    super.forget(stream, ended);
    this.#closeIfQuiet();
  }

  #closeIfQuiet(): void {
    if (this.goingAway && this.idles) this.close('all calls are answered');
  }

  refusal(thrown: unknown, path: string): CallStatus {
    return this.#parts.refusal(thrown, path);
  }

  /** Whether nothing goes on here. */
  get idles(): boolean {
    return this.streams.size === 0 && this.#calls.size === 0;
  }

  holding(evict: () => void, most: number | undefined): Holding {
    return this.#parts.budget.open(this, evict, most);
  }

  began(call: ServerCall): void {
    this.#calls.add(call);
  }

  endedHandling(call: ServerCall): void {
    this.#calls.delete(call);
    this.#closeIfQuiet();
  }

  protected wasOpened(stream: number): boolean {
    return stream % 2 === 1 && stream <= this.lastRemote;
  }

  /** Trailers of a call; the head of one would open a stream of a lower number than others before it. */
  protected mayBeLate(list: HeaderList, last: boolean): boolean {
    return last && wellFormedTrailers(list.fields);
  }

  protected override resetByOther(): void {
    this.floods.reset();
  }

  protected receiveHeaders(id: number, list: HeaderList, last: boolean): void {
    const open = this.streams.get(id);
    if (open !== undefined) {
      if (!last || !wellFormedTrailers(list.fields)) {
        open.reset(ErrorCode.PROTOCOL_ERROR, 'trailers that are none');
        return;
      }
      open.receiveHeaders(list.fields, true);
      return;
    }
    if (id % 2 === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'a client opens streams of odd numbers');
    this.lastRemote = id;
    if (this.goingAway || Math.max(this.#calls.size, this.streams.size) >= this.limits.calls) {
      this.sendReset(id, ErrorCode.REFUSED_STREAM);
      return;
    }
    if (list.tooLarge) {
      this.sendReset(id, ErrorCode.ENHANCE_YOUR_CALM);
      return;
    }
    const head = readRequestHead(list);
    if (head === undefined) {
      this.sendReset(id, ErrorCode.PROTOCOL_ERROR);
      return;
    }
    this.#open(id, head, last);
  }

  #open(id: number, head: RequestHead, last: boolean): void {
    const grpc = head.contentType.startsWith(CONTENT_TYPE);
    if (head.method !== 'POST' || !grpc) {
      const request = new ForeignRequest(head, head.method === 'POST' ? NOT_GRPC : NOT_POST);
      request.stream = this.#stream(id, request, last);
      return;
    }
    const method = this.#parts.methods.get(head.path);
    if (method === undefined) {
      const unknown = new ForeignRequest(head, {
        head: trailersOf({ code: Status.UNIMPLEMENTED, message: `unknown method ${head.path}` }, true),
      });
      unknown.stream = this.#stream(id, unknown, last);
      if (!last) unknown.ended(); // a caller with a stream may never end its half
      return;
    }
    const call = method.kind === 'unary' ? new UnaryCall(this, head, method) : new BidiCall(this, head, method);
    call.stream = this.#stream(id, call, false);
    if (!this.streams.has(id)) return; // one call too many for what the server may hold
    if (call instanceof BidiCall) call.start();
    if (last) this.streams.get(id)?.receiveHeaders([], true);
  }

  /** The client opens no more streams. What is open is answered, unless it has given up. */
  goAway(_lastStream: number, code: number, reason: string): void {
    this.goingAway = true;
    if (code === ErrorCode.NO_ERROR) this.#closeIfQuiet();
    else this.close(reason);
  }

  protected keepsAlive(): boolean {
    return true;
  }

  protected unforeseen(thrown: unknown): void {
    this.#parts.refusal(thrown, 'a connection');
  }

  protected ended(): void {
    this.#parts.onEnd(this);
  }

  #stream(id: number, listener: UnaryCall | BidiCall | ForeignRequest, last: boolean): Stream {
    const stream = new Stream(this, id, listener);
    this.add(stream);
    if (last) {
      listener.stream = stream;
      stream.receiveHeaders([], true);
    }
    return stream;
  }
}

function addressOf({ remoteAddress = 'unknown', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
