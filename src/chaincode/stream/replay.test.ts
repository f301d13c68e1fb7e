import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemorySimulator } from '../../../test/fakes/memory-simulator.ts';
import { fixtures, readFixture } from '../../../test/fixtures.ts';
import { textOf } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { ResultsIterator } from '../../ledger/simulator/tx-simulator.ts';
import { protos, queryresult } from '../../protos/messages.ts';
import type { ChaincodeRef } from '../chaincodes.ts';
import { ChaincodeRegistry } from '../registry.ts';
import { parseCalleeName } from './callee-name.ts';
import { LocalChaincodeCalls } from './chaincode-calls.ts';
import { ChaincodeStream } from './chaincode-stream.ts';
import { type ReceivedMessage, receiveMessage } from './connection.ts';
import { connectionPair } from './memory-connection.ts';
import { Type } from './message-types.ts';

interface Line {
  readonly dir: 'cc->peer' | 'peer->cc';
  readonly type: string;
  readonly txid: string;
  readonly channel: string;
  readonly step: string | null;
  readonly msg: string;
}

/** Where Selvage differs from the recording on purpose; each must occur. Key: network, message type, step (* for any). */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ['v1.1 READY', 'after a launch 1.1 sends txid, channel and proposal; 1.2 and later send it bare'],
  ['v1.1 KEEPALIVE', 'never sent: released Node shims exit on it, HTTP/2 pings do the work'],
  ['v1.1 ERROR 61-invoke-call-missing', '1.1 text'],
  ['v1.1 ERROR 62-invoke-call-otherchannel', '1.1 text'],
  ['v1.1 ERROR 75-query-richquery-leveldb', '1.1 text'],
  ['v1.1 RESPONSE 63-invoke-call-self', '1.1 loses the error of a failed execute and answers with an empty payload; ours is ERROR'],
]);
const seen = new Set<string>();

/** Chaincodes of the recordings that may be called; everything else is unknown there too. */
const DEFINED = ['kvnode', 'kvgo', 'kv24', 'kv24r', 'asset24'];
const SYSTEM = ['lscc', 'qscc'];

/** Answers one transaction's reads with what the recorded peer answered, in order. */
class RecordedSimulator extends MemorySimulator {
  readonly #answers: Line[];
  constructor(answers: readonly Line[]) {
    super();
    this.#answers = [...answers];
  }

  #next(): Uint8Array {
    const line = this.#answers.shift();
    if (line === undefined) throw new Error('the recorded peer gave no further answer');
    return payloadOf(line);
  }

  #peek(): Uint8Array {
    return this.#answers[0] === undefined ? new Uint8Array(0) : payloadOf(this.#answers[0]);
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
      const following = protos.QueryResponse.decode(payloadOf(this.#answers[0]));
      if (following.results.length === 0) break; // the answer to CLOSE
      batches.push(following);
      this.#answers.shift();
    }
    const results = batches.flatMap((batch) => batch.results.map(({ resultBytes }) => codec.decode(resultBytes)));
    if (batches.at(-1)?.hasMore === true) results.push(codec.decode(new Uint8Array(0)));
    let at = 0;
    return { next: () => results[at++], [Symbol.asyncDispose]: async () => undefined };
  }

  /** Takes the recorded answer to a call of another chaincode. */
  takeAnswer(): Uint8Array {
    return this.#next();
  }
}

const messageOf = (line: Line): ReceivedMessage => receiveMessage(Buffer.from(line.msg, 'base64'));
const payloadOf = (line: Line): Uint8Array => messageOf(line).message.payload;
const keyOf = ({ channel, txid }: { readonly channel: string; readonly txid: string }) => `${channel} ${txid}`;
const readLines = (path: string): Line[] =>
  readFixture(path)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** Replays one recorded connection in order: sends what the chaincode sent, compares what the peer says. */
async function replay(network: string, lines: readonly Line[]): Promise<void> {
  const first = lines[0];
  if (first === undefined) throw new Error('an empty recording');
  const ccid = protos.ChaincodeID.decode(payloadOf(first)).name;
  const own = ccid.split(/[:_]/)[0] ?? '';
  const stream = startStream(lines, own);
  const outbox = new Outbox(stream.incoming);
  const never = new AbortController();
  const running = new Map<string, Promise<ReceivedMessage>>();

  for (const line of lines) {
    const recorded = messageOf(line);
    if (line.dir === 'cc->peer') {
      await stream.send(recorded.bytes);
      if (line.type !== 'COMPLETED' && line.type !== 'ERROR') continue;
      const answer = await running.get(keyOf(line));
      expect(answer && Buffer.from(answer.bytes).toString('base64')).toBe(line.msg);
      running.delete(keyOf(line));
      continue;
    }
    if (line.type === 'KEEPALIVE') {
      known(network, line);
      continue;
    }
    if (line.type === 'INIT' || line.type === 'TRANSACTION') {
      const answers = lines.filter(
        (other) => other.dir === 'peer->cc' && /RESPONSE|ERROR/.test(other.type) && keyOf(other) === keyOf(line),
      );
      const execution = stream.peer.execute(callOf(recorded, { own, simulator: new RecordedSimulator(answers) }), { signal: never.signal });
      execution.catch(() => undefined);
      running.set(keyOf(line), execution);
    }
    const sent = await outbox.next(line.type === 'READY' ? keyOf({ channel: '', txid: '' }) : keyOf(line));
    if (Buffer.from(sent.bytes).toString('base64') !== line.msg) expectKnown(network, line, sent);
  }
  never.abort(new SelvageError('CANCELLED', 'the recording ends here'));
  await Promise.allSettled(running.values()); // transactions the recorded chaincode never answered
  stream.end();
  await stream.peer.ended;
  expect(stream.peer.transactions).toBe(0);
}

function expectKnown(network: string, line: Line, sent: ReceivedMessage): void {
  known(network, line);
  const recorded = messageOf(line).message;
  const text = textOf(sent.message.payload);
  if (line.type === 'READY') expect(sent.message.payload).toEqual(recorded.payload);
  else expect(text).toMatch(new RegExp(`^(INVOKE_CHAINCODE|GET_QUERY_RESULT) failed: transaction ID: ${line.txid}: `));
  if (line.step === '62-invoke-call-otherchannel' || line.step?.startsWith('75-')) expect(text).toContain(textOf(recorded.payload));
  if (line.step === '63-invoke-call-self') expect(text).toContain(`: execute failed: error sending: txid: ${line.txid}(mychannel) exists`);
}

function known(network: string, line: Line): void {
  const key = [`${network} ${line.type} ${line.step}`, `${network} ${line.type}`].find((name) => KNOWN.has(name));
  if (key === undefined) expect.fail(`${line.type} of ${line.step} is not what the recorded peer sent`);
  seen.add(key);
}

const callOf = ({ message }: ReceivedMessage, { own, simulator }: { readonly own: string; readonly simulator: RecordedSimulator }) => ({
  kind: message.type === Type.INIT ? ('init' as const) : ('transaction' as const),
  namespace: own,
  input: protos.ChaincodeInput.decode(message.payload),
  proposal: {
    signedProposal: message.proposal ?? { proposalBytes: new Uint8Array(0), signature: new Uint8Array(0) },
    channelId: message.channelId,
    txId: message.txid,
    creator: new Uint8Array(0),
  },
  simulator,
});

/** A stream whose query ids, capabilities and callees are those of the recording. */
function startStream(lines: readonly Line[], own: string) {
  const { peer: connection, chaincode } = connectionPair();
  const ids = lines.flatMap((line, at) => (/^GET_(STATE_BY_RANGE|HISTORY_FOR_KEY)$/.test(line.type) ? [idOfAnswer(lines, at)] : []));
  const callee = (name: string): ChaincodeRef => ({ name, version: '1.0', ccid: `${name}:1.0` });
  const calls = new LocalChaincodeCalls({
    system: new Map(
      SYSTEM.map((name) => [name, { name, fromProposal: true, fromChaincode: true, invoke: () => Promise.reject(new Error('not run')) }]),
    ),
    channels: { get: (id) => (id === 'otherchannel' ? undefined : ({ bundle: () => ({ channelId: id }) } as never)), list: () => [] },
    acl: { check: async () => undefined, checkLocal: async () => undefined },
    definitions: {
      find: async (_, name) => (DEFINED.includes(name) ? (callee(name) as never) : undefined),
      checkRunnable: async () => undefined,
    },
    chaincodes: {
      makeReady: async () => undefined,
      answerOf: async (call, options) => {
        if (call.chaincode.name === own) return (await peer.execute({ ...call, namespace: own }, options)).bytes;
        if (!(call.simulator instanceof RecordedSimulator)) throw new Error('not the simulation of the recording');
        return call.simulator.takeAnswer();
      },
    },
  });
  const peer: ChaincodeStream = new ChaincodeStream({
    id: 'replay',
    connection,
    admission: new ChaincodeRegistry({ open: true }),
    requests: {
      calls,
      collections: {
        permissions: async ({ channelId, chaincode: name, collection }) => {
          if (collection === 'nocoll')
            throw new SelvageError('NOT_FOUND', `collection ${channelId}/${name}/${collection} could not be found`);
          return { read: !deniedIn(lines, collection), write: true };
        },
      },
      capabilities: () => ({ keyLevelEndorsement: true, purgePvtData: true }) as never,
      newQueryId: () => ids.shift() ?? 'not recorded',
      totalQueryLimit: 100_000,
    },
  });
  void peer.run();
  return { peer, incoming: chaincode.incoming, send: (bytes: Uint8Array) => chaincode.send(bytes), end: () => chaincode.close() };
}

/** The recording of the second organisation's peer is the one where a member-only collection of the first was refused. */
const deniedIn = (lines: readonly Line[], collection: string): boolean =>
  collection === 'collOrg1' &&
  lines.some(({ step, dir, type }) => step === '106-pvt-get-org1-on-p1-denied' && dir === 'peer->cc' && type === 'ERROR');

function idOfAnswer(lines: readonly Line[], at: number): string {
  const request = lines[at];
  const reply = lines.slice(at).find((line) => line.dir === 'peer->cc' && request !== undefined && keyOf(line) === keyOf(request));
  return reply === undefined ? '' : protos.QueryResponse.decode(payloadOf(reply)).id;
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

describe.skipIf(!fixtures)('recorded chaincode streams', () => {
  for (const network of ['v1.1', 'v2.4']) {
    const files = fixtures === undefined ? [] : readdirSync(join(fixtures, network, 'streams'));
    for (const file of files) it(`${network} ${file}`, () => replay(network, readLines(`${network}/streams/${file}`)));
  }

  it('differ from ours only where it is known', () => {
    expect([...seen].sort()).toEqual([...KNOWN.keys()].sort());
  });
});

describe('parseCalleeName', () => {
  it('reads all four forms', () => {
    expect(parseCalleeName('cc')).toEqual({ name: 'cc', version: '', channelId: '' });
    expect(parseCalleeName('cc/ch')).toEqual({ name: 'cc', version: '', channelId: 'ch' });
    expect(parseCalleeName('cc:1.0')).toEqual({ name: 'cc', version: '1.0', channelId: '' });
    expect(parseCalleeName('cc:1.0/ch')).toEqual({ name: 'cc', version: '1.0', channelId: 'ch' });
  });
});
