import { LruCache } from '../common/lru.ts';
import type { Call, Place } from './call.ts';
import { type Apart, isAfter, keyId } from './contention.ts';
import { jsonOf, pathDifferences } from './json-paths.ts';
import type { StateKey } from './reader.ts';
import { inRange, type KeyRange } from './touches.ts';

/** What somebody made of a key; undefined is a delete. */
export interface RecentWrite {
  readonly place: Place;
  readonly call: Call;
  readonly value: Uint8Array | undefined;
}

/** Of each key so many writes are kept, each value up to so many bytes. */
const MOST_WRITES = 4;
const LARGEST_VALUE = 16 * 1024;
const KEYS = { entries: 200_000, weight: 256 * 1024 * 1024, weigh: ({ length }: readonly RecentWrite[]) => 200 + length * 2_000 } as const;
const MOST_RECENT = 200_000;

/** The last writes of a stretch of blocks, by key: bounded, so that a long one is read at the cost of a short one. */
export class RecentWrites {
  readonly #keys = new LruCache<string, readonly RecentWrite[]>(KEYS);
  #recent: { readonly key: StateKey; readonly place: Place }[] = [];

  add(key: StateKey, { value, ...write }: RecentWrite): void {
    const kept = value !== undefined && value.length > LARGEST_VALUE ? TOO_LARGE : value && new Uint8Array(value);
    this.#keys.set(keyId(key), [{ ...write, value: kept }, ...(this.#keys.get(keyId(key)) ?? [])].slice(0, MOST_WRITES));
    this.#recent.push({ key, place: write.place });
    if (this.#recent.length > 2 * MOST_RECENT) this.#recent = this.#recent.slice(-MOST_RECENT);
  }

  /** The last write of a key, if it came after the version that was read. */
  after(key: StateKey, version: Place | undefined, reader: Place): RecentWrite | undefined {
    const last = this.#keys.get(keyId(key))?.[0];
    if (last === undefined || !isAfter(last.place, version)) return undefined;
    const absentStill = version === undefined && last.value === undefined && last.place.block !== reader.block;
    return absentStill ? undefined : last;
  }

  /** Keys of a range that were written after a block, each once, the newest write first. */
  inRange(range: KeyRange, after: bigint): readonly StateKey[] {
    const found = new Map<string, StateKey>();
    for (let at = this.#recent.length - 1; at >= 0; at -= 1) {
      const entry = this.#recent[at];
      if (entry === undefined || entry.place.block <= after) break;
      if (entry.key[0] === range.namespace && inRange(range, entry.key[1])) found.set(keyId(entry.key), entry.key);
    }
    return [...found.values()];
  }

  /** Whether two who changed a value from the version that both knew could have done so apart. */
  apart(key: StateKey, version: Place | undefined, wanted: Uint8Array | undefined): Apart {
    const writes = this.#keys.get(keyId(key)) ?? [];
    const before = writes.find(({ place }) => place.block === version?.block && place.index === version.index)?.value;
    const found = writes[0]?.value;
    const values = [before, found, wanted].map((value) => (value === undefined ? undefined : jsonOf(value)));
    const [was, is, would] = values;
    if (is === undefined || would === undefined) return NOT_APART;
    if ([was ?? is, is, would].every((value) => typeof value.json === 'number')) return { deltas: true, fields: [] };
    if (was === undefined) return NOT_APART;
    const theirs = [...pathDifferences(was.json, is.json)];
    const ours = [...pathDifferences(was.json, would.json)];
    if ([...theirs, ...ours].some(({ path }) => path === '') || ours.length === 0) return NOT_APART;
    const deltas = [...theirs, ...ours].every((each) => typeof each.before === 'number' && typeof each.after === 'number');
    const changed = new Set(theirs.map(({ path }) => topOf(path)));
    const fields = [...new Set(ours.map(({ path }) => topOf(path)))];
    return { deltas, fields: fields.some((field) => changed.has(field)) ? [] : [...fields, ...changed] };
  }
}

const topOf = (path: string): string => /^("(?:[^"\\]|\\.)*"|[^.[]+)/.exec(path)?.[0] ?? path;

const TOO_LARGE = new Uint8Array(0);
const NOT_APART: Apart = { deltas: false, fields: [] };
