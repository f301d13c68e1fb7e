import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { deferred } from '../../common/deferred.ts';

/** Where lines go. `send` resolves when they are handed over and rejects when they are lost. */
export interface StatsdSink extends Disposable {
  send(lines: readonly string[]): Promise<void>;
}

/** What goes through every network in one piece. */
const DATAGRAM_BYTES = 1_400;
/** How long a server may take to be connected and to take the lines. */
const PATIENCE_MS = 3_000;

export interface StatsdPlace {
  readonly network: 'udp' | 'tcp';
  readonly host: string;
  readonly port: number;
}

export const openSink = (place: StatsdPlace): StatsdSink => (place.network === 'udp' ? new Datagrams(place) : new Connected(place));

class Datagrams implements StatsdSink {
  readonly #place: StatsdPlace;
  readonly #socket;

  constructor(place: StatsdPlace) {
    this.#place = place;
    this.#socket = createSocket(place.host.includes(':') ? 'udp6' : 'udp4').unref();
    this.#socket.on('error', () => undefined); // each send is told of its own
  }

  async send(lines: readonly string[]): Promise<void> {
    const { host, port } = this.#place;
    for (const datagram of inPieces(lines)) {
      const sent = deferred<void>();
      this.#socket.send(datagram, port, host, (error) => (error === null ? sent.resolve() : sent.reject(error)));
      await sent.promise;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function* inPieces(lines: readonly string[]): Generator<string> {
  let piece = '';
  for (const line of lines) {
    if (piece !== '' && Buffer.byteLength(piece + line) > DATAGRAM_BYTES) {
      yield piece;
      piece = '';
    }
    piece += line;
  }
  if (piece !== '') yield piece;
}

/** A connection for each sending: rare enough, and none that has broken meanwhile is written to. */
class Connected implements StatsdSink {
  readonly #place: StatsdPlace;
  readonly #over = new AbortController();

  constructor(place: StatsdPlace) {
    this.#place = place;
  }

  async send(lines: readonly string[]): Promise<void> {
    const { host, port } = this.#place;
    const done = deferred<void>();
    const socket = connect({ host, port, signal: this.#over.signal }).setTimeout(PATIENCE_MS).unref();
    socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
    socket.on('error', (error) => done.reject(error));
    socket.resume().end(lines.join(''), () => done.resolve());
    await done.promise;
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }
}
