import type { Call, Place } from './call.ts';
import type { StateKey } from './reader.ts';

/** A key that a transaction read and that was changed before its turn. */
export interface ContestedKey {
  readonly key: StateKey;
  /** Who changed it last. */
  readonly by: { readonly place: Place; readonly call: Call };
  /** What writing several parts of the value apart, or as deltas, would have done about it. */
  readonly apart: Apart;
}

/** What the two writers of a key did to its value. */
export interface Apart {
  /** Only numbers differ between what was read, what was found and what was to be written. */
  readonly deltas: boolean;
  /** Fields of a JSON object that only one of them changed. */
  readonly fields: readonly string[];
}

/** A transaction that lost what it read. */
export interface Loser {
  readonly place: Place;
  readonly call: Call;
  /** All that it read and was changed, the first one first. */
  readonly contested: readonly ContestedKey[];
  /** What else it read, with the place of the version; undefined for what was not there. */
  readonly reads: readonly { readonly key: StateKey; readonly version: Place | undefined }[];
  readonly writes: readonly StateKey[];
  readonly phantom: boolean;
}

export interface HotKey {
  readonly key: StateKey;
  /** How many transactions lost it. */
  readonly lost: number;
  /** Who lost it to whom, as `function of chaincode`, the most frequent first. */
  readonly pairs: readonly { readonly loser: string; readonly winner: string; readonly count: number }[];
}

export interface Help {
  readonly what: 'delta keys' | 'splitting' | 'evaluating' | 'not reading' | 'narrower range';
  readonly key: StateKey;
  /** Of a value that would be split. */
  readonly fields: readonly string[];
  /** Transactions that it would have saved. */
  readonly saved: number;
}

export const keyId = ([namespace, key]: StateKey): string => `${namespace}\n${key}`;

const callName = ({ chaincode, fn }: Call): string => `${fn === '' ? 'a call' : fn} of ${chaincode === '' ? 'something' : chaincode}`;

/** The keys that most transactions lost, with who lost them to whom. */
export function hotKeys(losers: readonly Loser[]): readonly HotKey[] {
  const byKey = new Map<string, { key: StateKey; lost: number; pairs: Map<string, { loser: string; winner: string; count: number }> }>();
  for (const { call, contested } of losers)
    for (const { key, by } of contested) {
      const hot = byKey.get(keyId(key)) ?? { key, lost: 0, pairs: new Map() };
      byKey.set(keyId(key), hot);
      hot.lost += 1;
      const [loser, winner] = [callName(call), callName(by.call)];
      const pair = hot.pairs.get(`${loser}\n${winner}`) ?? { loser, winner, count: 0 };
      hot.pairs.set(`${loser}\n${winner}`, pair);
      pair.count += 1;
    }
  return [...byKey.values()]
    .sort((a, b) => b.lost - a.lost)
    .map(({ key, lost, pairs }) => ({ key, lost, pairs: [...pairs.values()].sort((a, b) => b.count - a.count) }));
}

/** What would help with a key: each way that would have saved any transaction. */
export function helpsFor(key: StateKey, losers: readonly Loser[]): readonly Help[] {
  const id = keyId(key);
  const only = losers.filter(({ contested }) => contested.length === 1 && contested.every((each) => keyId(each.key) === id));
  const writing = ({ writes }: Loser): boolean => writes.some((each) => keyId(each) === id);
  const apart = (loser: Loser): Apart | undefined => loser.contested[0]?.apart;
  const phantoms = only.filter(({ phantom }) => phantom);
  const points = only.filter(({ phantom }) => !phantom);
  const readers = points.filter((each) => !writing(each));
  const help = (what: Help['what'], of: readonly Loser[], fields: readonly string[] = []): Help => ({
    what,
    key,
    fields,
    saved: savedBy(of, id),
  });
  const apartly = points.filter((each) => writing(each) && (apart(each)?.fields.length ?? 0) > 0);
  const helps: readonly Help[] = [
    help(
      'delta keys',
      points.filter((each) => writing(each) && apart(each)?.deltas === true),
    ),
    help('splitting', apartly, [...new Set(apartly.flatMap((each) => apart(each)?.fields ?? []))].sort()),
    help(
      'evaluating',
      readers.filter(({ writes }) => writes.length === 0),
    ),
    help(
      'not reading',
      readers.filter(({ writes }) => writes.length > 0),
    ),
    help('narrower range', phantoms),
  ];
  return helps.filter(({ saved }) => saved > 0);
}

/**
 * How many of these transactions, in order, would be valid if nobody minded this key: what one that is saved writes may take away what a
 * later one has read.
 */
function savedBy(losers: readonly Loser[], without: string): number {
  const written = new Map<string, Place>();
  let saved = 0;
  for (const { reads, writes, place } of losers) {
    if (reads.some(({ key, version }) => keyId(key) !== without && isAfter(written.get(keyId(key)), version))) continue;
    saved += 1;
    for (const key of writes) if (keyId(key) !== without) written.set(keyId(key), place);
  }
  return saved;
}

export const isAfter = (a: Place | undefined, b: Place | undefined): boolean =>
  a !== undefined && (b === undefined || a.block > b.block || (a.block === b.block && a.index > b.index));
