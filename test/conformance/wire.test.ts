import { afterAll, describe, expect, it } from 'vitest';
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { equalBytes, hex, sha256 } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { type FixtureFile, fixtures, manifest, readFixture } from '../fixtures.ts';
import { findOfficialMessage } from '../official-protos.ts';
import { recordedReply, targetOf } from './expectation.ts';
import { answerKind, chaincodeMessage, type Kind, kindNamed, type Part, seekEnvelope, stateKind, stateMetadata } from './message-kinds.ts';
import { bytesIn, messageIn, NETWORKS, PROCESS_PROPOSAL, readLines, recordingOf, type StreamLine } from './recording.ts';
import { Report } from './report.ts';
import { differenceOf } from './wire-difference.ts';

interface Message extends Part {
  readonly name: string;
  /** Whether Fabric refused or invalidated what it was part of: then it may be broken. */
  readonly refused?: boolean;
}

describe.skipIf(fixtures === undefined)('recorded messages decoded and encoded again (needs the recorded fixtures)', () => {
  const report = new Report('messages on the wire');
  afterAll(() => report.print());
  const files = fixtures === undefined ? [] : manifest();
  const broken = new Set<string>();

  /** Reads a message and everything inside it. @returns what is wrong, by name */
  function check({ kind, bytes, name, refused = false }: Message): string[] {
    const wrong: string[] = [];
    const waiting: Part[] = [{ kind, bytes }];
    for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
      const { typeName } = each.kind;
      try {
        const { again, parts } = each.kind.read(each.bytes);
        waiting.push(...parts);
        if (equalBytes(again, each.bytes)) report.covered('messages, those inside others included');
        else wrong.push(...explained(each, again).map((problem) => `${name}, ${typeName}: ${problem}`));
      } catch (thrown) {
        if (!(thrown instanceof SelvageError) || thrown.code !== 'MALFORMED') throw thrown;
        const digest = hex(sha256(each.bytes));
        if (refused || neverRead(typeName, name)) broken.add(digest);
        if (broken.has(digest)) report.known('meant to be broken, and refused', name);
        else wrong.push(`${name}, ${typeName}: ${thrown.message}`);
      }
    }
    return wrong;
  }

  function explained({ kind, bytes }: Part, again: Uint8Array): string[] {
    const difference = differenceOf(bytes, again);
    if (difference === undefined) return [`${hex(bytes).slice(0, 400)} becomes ${hex(again).slice(0, 400)}`];
    if (!equalBytes(kind.read(again).again, again)) return ['changes when it is encoded once more'];
    report.covered(`of them different by rule: ${difference}`);
    report.known(difference, kind.typeName);
    const official = findOfficialMessage(kind.typeName);
    if (official === undefined) return [];
    const same = equalBytes(official.deserializeBinary(bytes).serializeBinary(), official.deserializeBinary(again).serializeBinary());
    return same ? [] : ['the official package reads something else in our bytes'];
  }

  /** Those that teach what is broken come first. */
  const inOrder = (messages: readonly Message[]): readonly Message[] => {
    const teaches = ({ refused = false }: Message): boolean => refused;
    return [...messages.filter(teaches), ...messages.filter((each) => !teaches(each))];
  };

  const problemsOf = (messages: readonly Message[]): string => inOrder(messages).flatMap(check).slice(0, 20).join('\n');

  it('in files of their own', () => {
    const messages: Message[] = [];
    for (const file of files) {
      const kind = kindOf(file);
      if (file.file.endsWith('.jsonl')) continue;
      if (kind !== undefined) messages.push({ kind, bytes: readFixture(file.file), name: file.file, refused: wasRefused(file, files) });
      else if (file.proto !== undefined) report.skipped('Selvage has no such message', `${file.file} (${file.proto})`);
    }
    expect(problemsOf(messages)).toBe('');
    expect(messages.length).toBeGreaterThan(0);
    report.covered('files with one message', messages.length);
  });

  it('one to a line', () => {
    const messages: Message[] = [];
    for (const file of files.filter((each) => each.file.endsWith('.jsonl') && each.kind !== 'chaincode-stream')) {
      const kind = kindOf(file);
      if (kind === undefined) continue;
      const lines = readLines<{ readonly msg: string }>(file.file);
      messages.push(...lines.map((line, index) => ({ kind, bytes: bytesIn(line), name: `${file.file} line ${index + 1}` })));
      report.covered('files with lines of messages');
    }
    expect(problemsOf(messages)).toBe('');
  });

  it('on chaincode streams', () => {
    const messages: Message[] = [];
    for (const { file } of files.filter(({ kind }) => kind === 'chaincode-stream')) {
      const lines = readLines<StreamLine>(file);
      for (const [index, line] of lines.entries())
        messages.push({
          kind: chaincodeMessage(requestOf(lines, index)),
          bytes: bytesIn(line),
          name: `${file} line ${index + 1}`,
        });
      report.covered('chaincode streams');
    }
    expect(problemsOf(messages)).toBe('');
  });

  it('that system chaincodes answered', () => {
    const messages: Message[] = [];
    for (const recording of fixtures === undefined ? [] : NETWORKS.map(recordingOf)) {
      for (const call of recording.calls) {
        const response = call.method === PROCESS_PROPOSAL ? recordedReply(recording, call)?.response : undefined;
        const kind = response?.status === 200 ? answerKind(targetOf(recording, call)) : undefined;
        if (kind !== undefined && response !== undefined)
          messages.push({ kind, bytes: response.payload, name: `${recording.network} ${call.name} answer` });
      }
    }
    expect(problemsOf(messages)).toBe('');
    report.covered('answers of system chaincodes', messages.length);
  });

  it('in the state of the peers', () => {
    const messages: Message[] = [];
    for (const { file } of files.filter(({ kind }) => kind === 'state-dump')) {
      for (const { ns, key, value, metadata } of readLines<StateLine>(file)) {
        if (ns === undefined || key === undefined) continue;
        const name = `${file} ${ns} ${fromBase64(key).toString('utf8')}`;
        const kind = stateKind(ns, fromBase64(key).toString('utf8'));
        if (kind !== undefined) messages.push({ kind, bytes: fromBase64(value ?? ''), name });
        if (metadata !== undefined) messages.push({ kind: stateMetadata, bytes: fromBase64(metadata), name: `${name} metadata` });
      }
    }
    expect(problemsOf(messages)).toBe('');
    report.covered('values and metadata of the state', messages.length);
  });

  it('the official package reads the same in them as in ours', () => {
    for (const file of files) {
      const kind = kindOf(file);
      if (kind === undefined || file.file.endsWith('.jsonl') || broken.has(hex(sha256(readFixture(file.file))))) continue;
      const official = findOfficialMessage(kind.typeName);
      if (official === undefined) {
        report.skipped('the official package has no such message, so nothing to compare with', kind.typeName);
        continue;
      }
      const bytes = readFixture(file.file);
      const theirs = official.deserializeBinary(bytes).serializeBinary();
      expect(hex(official.deserializeBinary(kind.read(bytes).again).serializeBinary()), file.file).toBe(hex(theirs));
      report.covered('files that the official package reads alike');
    }
  });

  it('what holds no message is named', () => {
    for (const { file, proto, kind } of files)
      if (proto === undefined && kind !== 'state-dump') report.skipped(ELSEWHERE.get(kind) ?? `no protobuf message: ${kind}`, file);
  });
});

/** Kinds of files that hold no message by themselves and serve other tests. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['crypto', 'material, which the peers of the other tests are made of'],
  ['private-key', 'material, which the peers of the other tests are made of'],
  ['step-index', 'what the other tests go by'],
  ['block-file', 'see replay.test.ts'],
  ['decoded-rwsets', 'see replay.test.ts'],
  ['chaincode-package', 'see pure.test.ts'],
  ['pure-functions', 'see pure.test.ts'],
  ['expected-error', 'see pure.test.ts'],
]);

interface StateLine {
  readonly ns?: string;
  readonly key?: string;
  readonly value?: string;
  readonly metadata?: string;
}

const fromBase64 = (text: string): Buffer => Buffer.from(text, 'base64');

/** Fabric 1.1 commits a transaction whose event nobody can read, and marks it VALID. */
const neverRead = (typeName: string, name: string): boolean => typeName === 'protos.ChaincodeEvent' && name.startsWith('v1.1/');

/** Whether the peer refused this proposal, or invalidated the transaction that the file belongs to. */
function wasRefused({ file, kind, validation = [] }: FixtureFile, files: readonly FixtureFile[]): boolean {
  if (validation.some(({ code }) => code !== 0)) return true;
  if (kind !== 'signed-proposal') return false;
  const answer = files.find((each) => each.file === file.replace('.request', '.response'));
  return answer?.endorsed !== true; // no answer: a gRPC status only
}

/** The manifest may say in brackets what is inside. */
function kindOf({ proto, kind }: FixtureFile): Kind | undefined {
  if (kind === 'seek-envelope') return seekEnvelope;
  return proto === undefined ? undefined : kindNamed(proto.split(' ')[0] ?? '');
}

/** Type of the request that a RESPONSE answers: requests of one transaction are answered in order. */
function requestOf(lines: readonly StreamLine[], at: number): number | undefined {
  const line = lines[at];
  if (line?.type !== 'RESPONSE') return undefined;
  const requests = lines
    .slice(0, at)
    .filter(({ dir, txid, channel }) => dir === 'cc->peer' && txid === line.txid && channel === line.channel);
  const request = requests.findLast(({ type }) => type !== 'QUERY_STATE_NEXT' && type !== 'QUERY_STATE_CLOSE');
  const last = requests.at(-1);
  if (last === undefined || request === undefined) return undefined;
  if (last.type === 'QUERY_STATE_CLOSE') return Type.GET_STATE_BY_RANGE; // no results, only the id
  return last === request ? messageIn(last).type : queryOf(requests, last);
}

/** The query that a QUERY_STATE_NEXT goes on with: the newest one opened before it, since ids are in the answers only. */
function queryOf(requests: readonly StreamLine[], next: StreamLine): number | undefined {
  const before = requests.slice(0, requests.indexOf(next));
  const opened = before.findLast(({ type }) => /^GET_(STATE_BY_RANGE|QUERY_RESULT|HISTORY_FOR_KEY)$/.test(type));
  return opened && messageIn(opened).type;
}
