/** A chaincode that says again what a recorded one said, and notes where the peer says something else than the recorded peer. */
import type { ReceivedMessage } from '../../src/chaincode/ports/connection.ts';
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { equalBytes, utf8 } from '../../src/common/bytes.ts';
import { deferred } from '../../src/common/deferred.ts';
import { protos } from '../../src/protos/messages.ts';
import { connectionPair } from '../fakes/memory-connection.ts';
import { bytesIn, messageIn, type RecordedStream, type StreamLine } from './recording.ts';

/** What the peer said where the recorded peer said `line`, or, without one, nothing. */
export interface Heard {
  readonly line: StreamLine | undefined;
  readonly message: ReceivedMessage;
  readonly equal: boolean;
}

export interface RecordedChaincodeParts {
  readonly stream: RecordedStream;
  /** Ids the peer is to give to the queries that follow, so that the recorded messages name the right ones. */
  readonly queryIds: string[];
}

/** Transactions are known by channel and id. */
export const keyOf = ({ channel, txid }: { readonly channel: string; readonly txid: string }): string => `${channel} ${txid}`;

/**
 * One recorded connection. Each INIT or TRANSACTION is answered as it was; {@link begin} goes back to where the last
 * {@link accept} was, so that a proposal can be tried again.
 */
export class RecordedChaincode {
  readonly stream: RecordedStream;
  readonly connection = connectionPair();
  readonly #queryIds: string[];
  readonly #runs: ReadonlyMap<string, readonly (readonly StreamLine[])[]>;
  readonly #playing = new Map<string, Playback>();
  readonly #late = new Set<string>();
  readonly #ready = deferred<void>();
  /** How many runs of each transaction were accepted, and how many were played. */
  #accepted = new Map<string, number>();
  #played = new Map<string, number>();
  #heard: Heard[] = [];
  #failure: unknown;

  constructor({ stream, queryIds }: RecordedChaincodeParts) {
    this.stream = stream;
    this.#queryIds = queryIds;
    this.#runs = byTransaction(stream.lines);
    this.#ready.promise.catch(() => undefined);
  }

  /** Resolves when the peer said READY; rejects when it ends the connection instead. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  begin(): void {
    this.#played = new Map(this.#accepted);
    this.#heard = [];
    this.#late.clear();
  }

  /** What the peer said since {@link begin}. */
  get heard(): readonly Heard[] {
    return this.#heard;
  }

  /** @returns {@link heard} */
  accept(): readonly Heard[] {
    this.#accepted = this.#played;
    return this.#heard;
  }

  /** Runs that the recorded peer asked for and nobody asked for here, by transaction id. */
  get missed(): readonly string[] {
    return [...this.#runs].flatMap(([key, runs]) =>
      key !== BARE && (this.#accepted.get(key) ?? 0) < runs.length ? [key.slice(key.indexOf(' ') + 1)] : [],
    );
  }

  /** Keeps back the answer of a transaction: the recorded peer had given up before it came. */
  tooLate(txId: string): void {
    this.#late.add(txId);
  }

  /** Speaks until the connection ends. */
  async run(): Promise<void> {
    const { incoming } = this.connection.chaincode;
    const bare = new Playback(this.#runs.get(BARE)?.[0] ?? []);
    this.#playing.set(BARE, bare);
    await this.#say(bare, '');
    for await (const message of incoming) await this.#hear(message);
    this.#ready.reject(new Error('the peer ended the connection'));
  }

  async #hear(received: ReceivedMessage): Promise<void> {
    const { type, txid, channelId: channel } = received.message;
    const key = type === Type.READY ? BARE : keyOf({ channel, txid });
    if (type === Type.INIT || type === Type.TRANSACTION) this.#playing.set(key, this.#nextRun(key));
    const playback = this.#playing.get(key);
    const line = playback?.expected();
    this.#heard.push({ line, message: received, equal: line !== undefined && equalBytes(received.bytes, bytesIn(line)) });
    if (playback === undefined || line === undefined) return this.#refuse(received);
    if (type === Type.READY) this.#ready.resolve();
    await this.#say(playback, txid);
  }

  /** At a state other than the recorded one the peer may ask for what the recorded chaincode never did. */
  async #refuse({ message: { txid, channelId } }: ReceivedMessage): Promise<void> {
    const payload = utf8('this was not recorded');
    await this.connection.chaincode.send(protos.ChaincodeMessage.encode({ type: Type.ERROR, payload, txid, channelId }));
  }

  #nextRun(key: string): Playback {
    const runs = this.#runs.get(key) ?? [];
    const number = this.#played.get(key) ?? 0;
    this.#played.set(key, number + 1);
    return new Playback(runs[number] ?? runs.at(-1) ?? []);
  }

  /** Everything the recorded chaincode said before it heard something again. */
  async #say(playback: Playback, txId: string): Promise<void> {
    for (let line = playback.said(); line !== undefined; line = playback.said()) {
      const ends = line.type === 'COMPLETED' || line.type === 'ERROR';
      if (ends && this.#late.has(txId)) return;
      const id = playback.nextQueryId(line);
      if (id !== undefined) this.#queryIds.push(id);
      await this.connection.chaincode.send(bytesIn(line));
    }
  }

  /** The script cannot go on: nobody must wait for it. */
  fail(thrown: unknown): void {
    this.#failure ??= thrown;
    this.#ready.reject(thrown);
    this.close();
  }

  get failure(): unknown {
    return this.#failure;
  }

  close(): void {
    this.connection.chaincode.close();
  }
}

const BARE = keyOf({ channel: '', txid: '' });

/** Lines by transaction, and there by run. READY is of no transaction, whatever it carries. */
function byTransaction(lines: readonly StreamLine[]): ReadonlyMap<string, readonly (readonly StreamLine[])[]> {
  const found = new Map<string, StreamLine[][]>();
  for (const line of lines) {
    const key = line.type === 'READY' ? BARE : keyOf(line);
    const runs = found.get(key) ?? [];
    const last = runs.at(-1);
    if (last === undefined || line.type === 'INIT' || line.type === 'TRANSACTION') runs.push([line]);
    else last.push(line);
    found.set(key, runs);
  }
  return found;
}

/** The lines of one transaction and how far they were played. */
class Playback {
  readonly #lines: readonly StreamLine[];
  #at = 0;

  constructor(lines: readonly StreamLine[]) {
    this.#lines = lines.filter(({ type }) => type !== 'KEEPALIVE');
  }

  expected(): StreamLine | undefined {
    const line = this.#lines[this.#at];
    if (line?.dir !== 'peer->cc') return undefined;
    this.#at += 1;
    return line;
  }

  said(): StreamLine | undefined {
    const line = this.#lines[this.#at];
    if (line?.dir !== 'cc->peer') return undefined;
    this.#at += 1;
    return line;
  }

  /** The id in the recorded answer to a request that opens a query. */
  nextQueryId({ type }: StreamLine): string | undefined {
    const answer = this.#lines[this.#at];
    if (!OPENS_QUERY.has(type) || answer?.type !== 'RESPONSE') return undefined;
    return protos.QueryResponse.decode(messageIn(answer).payload).id;
  }
}

const OPENS_QUERY: ReadonlySet<string> = new Set(['GET_STATE_BY_RANGE', 'GET_QUERY_RESULT', 'GET_HISTORY_FOR_KEY']);
