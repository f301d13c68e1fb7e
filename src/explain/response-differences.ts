import { equalBytes, hex } from '../common/bytes.ts';
import { kvrwset, protos, rwset } from '../protos/messages.ts';
import { OF_STRANGERS } from '../protos/wire.ts';
import { jsonOf, type PathDifference, pathDifferences } from './json-paths.ts';

/** What of a proposal response a difference is about. */
export type Part = 'read' | 'write' | 'metadata' | 'range query' | 'collection' | 'status' | 'result' | 'event' | 'chaincode version';

/** One thing in which a second endorser's answer is another than the first one's. */
export interface ResponseDifference {
  readonly part: Part;
  /** '' for what is of no namespace. */
  readonly namespace: string;
  /** Key, collection, start of a range or name of an event; '' where there is nothing to name. */
  readonly name: string;
  /** Undefined where it is not there. */
  readonly before: Side | undefined;
  readonly after: Side | undefined;
  /** Where both are JSON, the places that differ: none where they are the same JSON in other bytes. Undefined where one is no JSON. */
  readonly paths: readonly PathDifference[] | undefined;
}

/** What one of the two says. */
export interface Side {
  /** What may be told of it without its value, such as `a put` or `version 3:0`; '' where that is nothing. */
  readonly kind: string;
  /** The value itself, where there is one. */
  readonly value: Uint8Array | undefined;
}

/**
 * In what the answers of two endorsers differ, in the order of the first one.
 * @param expected `ProposalResponsePayload` bytes, as `actual`
 * @throws {SelvageError} `MALFORMED` where one of them cannot be read
 */
export function responseDifferences(expected: Uint8Array, actual: Uint8Array): readonly ResponseDifference[] {
  const [before, after] = [entriesOf(actionOf(expected)), entriesOf(actionOf(actual))];
  const ids = new Set([...before.keys(), ...after.keys()]);
  return [...ids].flatMap((id) => differenceOf(before.get(id), after.get(id)));
}

const actionOf = (payload: Uint8Array): protos.ChaincodeAction =>
  protos.ChaincodeAction.decode(protos.ProposalResponsePayload.decode(payload, OF_STRANGERS).extension, OF_STRANGERS);

interface Entry {
  readonly part: Part;
  readonly namespace: string;
  readonly name: string;
  /** Equal for what is equal. */
  readonly whole: Uint8Array;
  readonly side: Side;
}

function differenceOf(before: Entry | undefined, after: Entry | undefined): readonly ResponseDifference[] {
  const either = before ?? after;
  if (either === undefined) return [];
  if (before !== undefined && after !== undefined && equalBytes(before.whole, after.whole)) return [];
  const { part, namespace, name } = either;
  return [{ part, namespace, name, before: before?.side, after: after?.side, paths: pathsOf(before?.side.value, after?.side.value) }];
}

function pathsOf(before: Uint8Array | undefined, after: Uint8Array | undefined): readonly PathDifference[] | undefined {
  const [one, other] = [before && jsonOf(before), after && jsonOf(after)];
  if (one === undefined || other === undefined) return undefined;
  return [...pathDifferences(one.json, other.json)];
}

const NOTHING = new Uint8Array(0);

/** All that an answer says, by what it says it of. Of what is said several times the last counts. */
function entriesOf({ results, response, events, chaincodeId }: protos.ChaincodeAction): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const add = (part: Part, namespace: string, name: string, { whole, ...side }: Side & { readonly whole: Uint8Array }): void =>
    void entries.set(JSON.stringify([part, namespace, name]), { part, namespace, name, whole, side });
  for (const { namespace, rwset: bytes, collectionHashedRwset } of rwset.TxReadWriteSet.decode(results, OF_STRANGERS).nsRwset) {
    addPublic(kvrwset.KVRWSet.decode(bytes, OF_STRANGERS), (part, name, said) => add(part, namespace, name, said));
    for (const { collectionName, hashedRwset, pvtRwsetHash } of collectionHashedRwset)
      add('collection', namespace, collectionName, { kind: '', value: undefined, whole: Buffer.concat([hashedRwset, pvtRwsetHash]) });
  }
  const status = `${response?.status ?? 0} ${JSON.stringify(response?.message ?? '')}`;
  add('status', '', '', { kind: status, value: undefined, whole: Buffer.from(status) });
  add('result', '', '', { kind: '', value: response?.payload ?? NOTHING, whole: response?.payload ?? NOTHING });
  if (events.length > 0) {
    const { eventName, payload } = protos.ChaincodeEvent.decode(events, OF_STRANGERS);
    add('event', '', eventName, { kind: '', value: payload, whole: events });
  }
  const version = chaincodeId?.version ?? '';
  add('chaincode version', '', '', { kind: JSON.stringify(version), value: undefined, whole: Buffer.from(version) });
  return entries;
}

function addPublic(set: kvrwset.KVRWSet, add: (part: Part, name: string, said: Side & { readonly whole: Uint8Array }) => void): void {
  for (const { key, version } of set.reads) {
    const kind = versionText(version);
    add('read', key, { kind, value: undefined, whole: Buffer.from(kind) });
  }
  for (const { key, isDelete, value } of set.writes) {
    const kind = isDelete ? 'a delete' : 'a put';
    add('write', key, { kind, value: isDelete ? undefined : value, whole: Buffer.concat([Buffer.from(kind), value]) });
  }
  for (const { key, entries } of set.metadataWrites) {
    const whole = Buffer.from(entries.map(({ name, value }) => `${name}=${hex(value)}`).join());
    add('metadata', key, { kind: '', value: undefined, whole });
  }
  for (const [at, query] of set.rangeQueriesInfo.entries()) {
    const name = `${at + 1} from ${query.startKey}`;
    add('range query', name, { kind: '', value: undefined, whole: kvrwset.RangeQueryInfo.encode(query) });
  }
}

const versionText = (version: kvrwset.Version | undefined): string =>
  version === undefined ? 'no version' : `version ${version.blockNum}:${version.txNum}`;
