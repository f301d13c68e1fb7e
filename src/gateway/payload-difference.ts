import { equalBytes, hex } from '../common/bytes.ts';
import { kvrwset, protos, rwset } from '../protos/messages.ts';
import { OF_STRANGERS } from '../protos/wire.ts';

/** How many differences are named. */
const MOST_NAMED = 5;

/**
 * In which namespaces and keys the second of two endorsers differs from the first, for who has to find out why; values are not told.
 * '' where neither can be read.
 * @param expected `ProposalResponsePayload` bytes, as `actual`
 */
export function payloadDifference(expected: Uint8Array, actual: Uint8Array): string {
  try {
    const all = [...differences(actionOf(expected), actionOf(actual))];
    const more = all.length > MOST_NAMED ? [`and ${all.length - MOST_NAMED} more`] : [];
    return [...all.slice(0, MOST_NAMED), ...more].join('; ');
  } catch {
    return '';
  }
}

const actionOf = (payload: Uint8Array): protos.ChaincodeAction =>
  protos.ChaincodeAction.decode(protos.ProposalResponsePayload.decode(payload, OF_STRANGERS).extension, OF_STRANGERS);

function* differences(expected: protos.ChaincodeAction, actual: protos.ChaincodeAction): Generator<string> {
  const [before, after] = [entriesOf(expected.results), entriesOf(actual.results)];
  for (const [what, was] of before) {
    const is = after.get(what);
    if (is === undefined) yield `${what} is not there`;
    else if (is.value !== was.value) yield `${what} ${is.told === was.told ? 'is another' : `${is.told}, not ${was.told}`}`;
  }
  for (const [what, is] of after) if (!before.has(what)) yield `${what} is there (${is.told})`;
  if (expected.response?.status !== actual.response?.status || expected.response?.message !== actual.response?.message)
    yield `the response is ${responseText(actual.response)}, not ${responseText(expected.response)}`;
  if (!equalBytes(expected.response?.payload ?? NOTHING, actual.response?.payload ?? NOTHING)) yield 'the result is another';
  if (!equalBytes(expected.events, actual.events)) yield 'the event is another';
  if (expected.chaincodeId?.version !== actual.chaincodeId?.version)
    yield `the version of the chaincode is ${actual.chaincodeId?.version}, not ${expected.chaincodeId?.version}`;
}

const NOTHING = new Uint8Array(0);

const responseText = (response: protos.Response | undefined): string =>
  `${response?.status ?? 0} ${JSON.stringify(response?.message ?? '')}`;

interface Entry {
  /** Equal for equal entries. */
  readonly value: string;
  /** What may be told of it. */
  readonly told: string;
}

/** What a read-write set says, by what it says it of. */
function entriesOf(results: Uint8Array): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const { namespace, rwset: bytes, collectionHashedRwset } of rwset.TxReadWriteSet.decode(results, OF_STRANGERS).nsRwset) {
    const set = kvrwset.KVRWSet.decode(bytes, OF_STRANGERS);
    const add = (what: string, value: string, told = 'another value'): unknown => entries.set(`${namespace}: ${what}`, { value, told });
    for (const { key, version } of set.reads) add(`the read of ${quoted(key)}`, versionText(version), `is of ${versionText(version)}`);
    for (const { key, isDelete, value } of set.writes)
      add(`the write of ${quoted(key)}`, `${isDelete} ${hex(value)}`, isDelete ? 'is a delete' : 'is a put');
    for (const { key, entries: all } of set.metadataWrites)
      add(`the metadata of ${quoted(key)}`, all.map(({ name, value }) => `${name}=${hex(value)}`).join());
    for (const [at, query] of set.rangeQueriesInfo.entries())
      add(`range query ${at + 1} from ${quoted(query.startKey)}`, hex(kvrwset.RangeQueryInfo.encode(query)));
    for (const { collectionName, hashedRwset, pvtRwsetHash } of collectionHashedRwset)
      add(`collection ${collectionName}`, `${hex(hashedRwset)} ${hex(pvtRwsetHash)}`);
  }
  return entries;
}

const quoted = (key: string): string => JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);

const versionText = (version: kvrwset.Version | undefined): string =>
  version === undefined ? 'no version' : `block ${version.blockNum} transaction ${version.txNum}`;
