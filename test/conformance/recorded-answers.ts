/** A recorded connection played line by line: the chaincode's lines are sent, and the state answers what the recorded peer answered. */

import type { ReceivedMessage } from '../../src/chaincode/ports/connection.ts';
import { ChaincodeRegistry } from '../../src/chaincode/registry.ts';
import { LocalChaincodeCalls } from '../../src/chaincode/stream/chaincode-calls.ts';
import { ChaincodeStream } from '../../src/chaincode/stream/chaincode-stream.ts';
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { equalBytes, textOf } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { ResultsIterator } from '../../src/ledger/simulator/tx-simulator.ts';
import type { ChaincodeRef } from '../../src/lifecycle/chaincode-ref.ts';
import type { CollectionPermissions } from '../../src/lifecycle/collection-access.ts';
import { protos, queryresult } from '../../src/protos/messages.ts';
import { connectionPair } from '../fakes/memory-connection.ts';
import { MemorySimulator } from '../fakes/memory-simulator.ts';
import { type Heard, keyOf } from './recorded-chaincode.ts';
import { bytesIn, messageIn, type RecordedStream, type StreamLine } from './recording.ts';

export interface ReplayedStream {
  readonly heard: readonly Heard[];
  /** Answers of the chaincode that did not come out as they were sent. */
  readonly changed: readonly string[];
  /** KEEPALIVE messages that the recorded peer sent. */
  readonly keepalives: number;
  /** Transactions that were still open when the stream had ended. */
  readonly left: number;
}

export interface ReplayParts {
  /** The name of the chaincode on the channel. */
  readonly name: string;
  /** Whether there is a chaincode of a name to call. */
  readonly isDefined: (name: string) => boolean;
}

export async function replayStream({ lines }: RecordedStream, parts: ReplayParts): Promise<ReplayedStream> {
  const heard: Heard[] = [];
  const changed: string[] = [];
  let keepalives = 0;
  const stream = startStream(lines, parts);
  const outbox = new Outbox(stream.incoming);
  const never = new AbortController();
  const running = new Map<string, Promise<ReceivedMessage>>();
  for (const [at, line] of lines.entries()) {
    if (line.dir === 'cc->peer') {
      await stream.send(bytesIn(line));
      if (line.type !== 'COMPLETED' && line.type !== 'ERROR') continue;
      const answer = await running.get(keyOf(line));
      if (answer === undefined || !equalBytes(answer.bytes, bytesIn(line))) changed.push(keyOf(line));
      running.delete(keyOf(line));
    } else if (line.type === 'KEEPALIVE') {
      keepalives += 1;
    } else {
      if (line.type === 'INIT' || line.type === 'TRANSACTION') {
        const simulator = new RecordedSimulator(answersAfter(lines, at));
        const execution = stream.peer.execute(callOf(line, parts.name, simulator), { signal: never.signal });
        execution.catch(() => undefined);
        running.set(keyOf(line), execution);
      }
      const message = await outbox.next(line.type === 'READY' ? keyOf({ channel: '', txid: '' }) : keyOf(line));
      heard.push({ line, message, equal: equalBytes(message.bytes, bytesIn(line)) });
    }
  }
  never.abort(new SelvageError('CANCELLED', 'the recording ends here'));
  await Promise.allSettled(running.values()); // transactions the recorded chaincode never answered
  stream.end();
  await stream.peer.ended;
  return { heard, changed, keepalives, left: stream.peer.transactions };
}

/** A stream that the recorded peer never answered came twice under one name. @returns what our peer says to the second one */
export async function replayDuplicate({ lines }: RecordedStream): Promise<readonly ReceivedMessage[]> {
  const registry = new ChaincodeRegistry({ open: true });
  const parts = { name: '', isDefined: () => false };
  const [first, second] = [startStream(lines, parts, registry), startStream(lines, parts, registry)];
  const said: ReceivedMessage[] = [];
  for (const line of lines) await first.send(bytesIn(line));
  const outbox = new Outbox(first.incoming);
  await outbox.next(keyOf({ channel: '', txid: '' })); // REGISTERED: now the name is taken
  for (const line of lines) await second.send(bytesIn(line));
  for await (const message of second.incoming) said.push(message);
  first.end();
  await first.peer.ended;
  return said;
}

/** What the recorded peer answered in one run of a transaction. */
function answersAfter(lines: readonly StreamLine[], at: number): readonly StreamLine[] {
  const start = lines[at];
  const following = lines.slice(at + 1).filter((line) => start !== undefined && line.dir === 'peer->cc' && keyOf(line) === keyOf(start));
  const next = following.findIndex(({ type }) => type === 'INIT' || type === 'TRANSACTION');
  return next < 0 ? following : following.slice(0, next);
}

function callOf(line: StreamLine, namespace: string, simulator: RecordedSimulator) {
  const message = messageIn(line);
  return {
    kind: message.type === Type.INIT ? ('init' as const) : ('transaction' as const),
    namespace,
    input: protos.ChaincodeInput.decode(message.payload),
    proposal: {
      signedProposal: message.proposal ?? { proposalBytes: new Uint8Array(), signature: new Uint8Array() },
      channelId: message.channelId,
      txId: message.txid,
      creator: new Uint8Array(),
    },
    simulator,
  };
}

const OPENS_QUERY = /^GET_(STATE_BY_RANGE|QUERY_RESULT|HISTORY_FOR_KEY)$/;

/** The ids in the answers to requests that open a query, in the order of the requests. */
const queryIds = (lines: readonly StreamLine[]): string[] =>
  lines.flatMap((request, at) => {
    if (!OPENS_QUERY.test(request.type)) return [];
    const reply = lines.slice(at).find((line) => line.dir === 'peer->cc' && keyOf(line) === keyOf(request));
    return reply?.type === 'RESPONSE' ? [protos.QueryResponse.decode(messageIn(reply).payload).id] : [];
  });

/** Our peer's end of a stream: query ids, channels and callees are those of the recording. */
function startStream(
  lines: readonly StreamLine[],
  { name: own, isDefined }: ReplayParts,
  admission = new ChaincodeRegistry({ open: true }),
) {
  const { peer: connection, chaincode } = connectionPair();
  const ids = queryIds(lines);
  const channelIds = new Set(lines.map(({ channel }) => channel));
  const callee = (name: string): ChaincodeRef => ({ name, version: '', ccid: name });
  const calls = new LocalChaincodeCalls({
    system: new Map(
      SYSTEM.map((name) => [name, { name, fromProposal: true, fromChaincode: true, invoke: () => Promise.reject(new Error('not run')) }]),
    ),
    channels: { get: (id) => (channelIds.has(id) ? ({ bundle: () => ({ channelId: id }) } as never) : undefined), list: () => [] },
    acl: { check: async () => undefined, checkLocal: async () => undefined },
    definitions: {
      find: async (_, name) => (isDefined(name) ? (callee(name) as never) : undefined),
      checkRunnable: async () => undefined,
    },
    chaincodes: {
      makeReady: async () => undefined,
      answerOf: async (call, options) => {
        if (call.chaincode.name === own) return (await peer.execute({ ...call, namespace: own }, options)).bytes;
        return recorded(call.simulator).answer();
      },
    },
  });
  const peer: ChaincodeStream = new ChaincodeStream({
    id: 'replay',
    connection,
    admission,
    requests: {
      calls,
      collections: { permissions: async ({ simulator }) => recorded(simulator).permissions() },
      capabilities: () => ({ keyLevelEndorsement: true, purgePvtData: true }) as never,
      newQueryId: () => ids.shift() ?? 'not recorded',
      totalQueryLimit: 100_000,
    },
  });
  void peer.run();
  return { peer, incoming: chaincode.incoming, send: (bytes: Uint8Array) => chaincode.send(bytes), end: () => chaincode.close() };
}

const SYSTEM = ['lscc', 'qscc'];

function recorded(simulator: unknown): RecordedSimulator {
  if (simulator instanceof RecordedSimulator) return simulator;
  throw new Error('not the simulation of the recording');
}

/** Answers the requests of one run with what the recorded peer answered, in order. */
class RecordedSimulator extends MemorySimulator {
  readonly #answers: StreamLine[];
  constructor(answers: readonly StreamLine[]) {
    super();
    this.#answers = [...answers];
  }

  #next(): Uint8Array {
    const line = this.#answers.shift();
    if (line === undefined) throw new Error('the recorded peer gave no further answer');
    return messageIn(line).payload;
  }

  #peek(): Uint8Array {
    return this.#answers[0] === undefined ? new Uint8Array() : messageIn(this.#answers[0]).payload;
  }

  /** What the next answer says about the right to a collection. */
  permissions(): CollectionPermissions {
    const [line] = this.#answers;
    const refusal = line?.type === 'ERROR' ? textOf(messageIn(line).payload) : '';
    const [missing] = /collection \S+ could not be found/.exec(refusal) ?? [];
    if (missing !== undefined) throw new SelvageError('NOT_FOUND', missing);
    return { read: !refusal.includes('does not have read access'), write: !refusal.includes('does not have write access') };
  }

  /** Takes the answer to a call of another chaincode. */
  answer(): Uint8Array {
    return this.#next();
  }

  override async getState(): Promise<Uint8Array | undefined> {
    return this.#next();
  }
  override async getPrivateData(): Promise<Uint8Array | undefined> {
    return this.#next();
  }
  override async getPrivateDataHash(): Promise<Uint8Array | undefined> {
    return this.#next();
  }
  override async getStateMetadata(): Promise<ReadonlyMap<string, Uint8Array>> {
    return new Map(protos.StateMetadataResult.decode(this.#next()).entries.map(({ metakey, value }) => [metakey, value]));
  }
  override putState(): void {
    this.#next();
  }
  override deleteState(): void {
    this.#next();
  }
  override putPrivateData(): void {
    this.#next();
  }
  override deletePrivateData(): void {
    this.#next();
  }
  override setStateMetadata(): void {
    this.#next();
  }
  override getStateRange() {
    const { metadata } = protos.QueryResponse.decode(this.#peek());
    return Object.assign(this.#results(queryresult.KV), { bookmark: () => protos.QueryResponseMetadata.decode(metadata).bookmark });
  }
  override getPrivateDataRange(): ResultsIterator<queryresult.KV> {
    return this.#results(queryresult.KV);
  }
  override history(): ResultsIterator<queryresult.KeyModification> {
    return this.#results(queryresult.KeyModification);
  }

  /** The results of all batches of the query; one more where the chaincode closed before the end. */
  #results<T>(codec: { decode(bytes: Uint8Array): T }): ResultsIterator<T> {
    const batches = [protos.QueryResponse.decode(this.#next())];
    while (batches.at(-1)?.hasMore === true && this.#answers[0] !== undefined) {
      const following = protos.QueryResponse.decode(this.#peek());
      if (following.results.length === 0) break; // the answer to CLOSE
      batches.push(following);
      this.#answers.shift();
    }
    const results = batches.flatMap((batch) => batch.results.map(({ resultBytes }) => codec.decode(resultBytes)));
    if (batches.at(-1)?.hasMore === true) results.push(codec.decode(new Uint8Array()));
    let at = 0;
    return { next: () => results[at++], [Symbol.asyncDispose]: async () => undefined };
  }
}

/** What the peer sent, by transaction: different transactions may come in another order than recorded. */
class Outbox {
  readonly #incoming: AsyncIterator<ReceivedMessage>;
  readonly #waiting: ReceivedMessage[] = [];
  constructor(incoming: AsyncIterable<ReceivedMessage>) {
    this.#incoming = incoming[Symbol.asyncIterator]();
  }

  async next(key: string): Promise<ReceivedMessage> {
    for (;;) {
      const at = this.#waiting.findIndex(({ message }) => keyOf({ channel: message.channelId, txid: message.txid }) === key);
      const [found] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (found !== undefined) return found;
      const { value, done } = await this.#incoming.next();
      if (done === true) throw new Error(`the peer ended the stream before it answered ${key}`);
      this.#waiting.push(value);
    }
  }
}
