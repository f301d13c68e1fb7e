/**
 * Keys of any length in a store that limits them, with their order kept.
 *
 * A key is cut into chunks of {@link CHUNK} bytes. What is shorter than a chunk lies on its level as it is; where a whole
 * chunk is needed, the level holds a *marker* of exactly that length, and the rest lies on a level of its own, named by
 * the marker's hash. A marker sorts among its neighbours as the keys behind it do, so a walk that descends at markers
 * sees all keys in order. A marker stays when the last key behind it is removed; a walk then finds an empty level.
 */
import { concatBytes, sha256 } from '../../common/bytes.ts';
import type { KvEntry, KvIterator, KvRange } from './kv-store.ts';

/** With the 33 bytes of a level's name in front this stays under LMDB's 1978. */
export const CHUNK = 1900;

const ROOT: Uint8Array = new Uint8Array([0x00]);
const LEVEL: Uint8Array = new Uint8Array([0x01]);

export interface Placement {
  /** Where the value is stored. */
  readonly key: Uint8Array;
  /** Keys that must exist, with an empty value, for walks to find it. */
  readonly markers: readonly Uint8Array[];
}

/** Where a key of any length lives in the limited store. */
export function place(key: Uint8Array): Placement {
  return key.length < CHUNK ? { key: short(key), markers: NONE } : placeLong(key);
}

const NONE: readonly Uint8Array[] = [];

/** Nearly all keys are short, and a block has thousands: this is {@link placeLong} without its ceremony. */
function short(key: Uint8Array): Uint8Array {
  const placed = new Uint8Array(1 + key.length);
  placed.set(key, 1);
  return placed;
}

function placeLong(key: Uint8Array): Placement {
  const markers: Uint8Array[] = [];
  let level = ROOT;
  let rest = key;
  while (rest.length >= CHUNK) {
    const marker = concatBytes(level, rest.subarray(0, CHUNK));
    markers.push(marker);
    level = levelBehind(marker);
    rest = rest.subarray(CHUNK);
  }
  return { key: concatBytes(level, rest), markers };
}

const levelBehind = (marker: Uint8Array): Uint8Array => concatBytes(LEVEL, sha256(marker));

/** Reads a bounded number of entries of `[gte, lt)` of the limited store, the first ones in the given direction; empty at the end. */
export type ReadPage = (range: { readonly gte: Uint8Array; readonly lt: Uint8Array; readonly reverse: boolean }) => readonly KvEntry[];

interface Path {
  readonly before: Path | undefined;
  readonly chunk: Uint8Array;
}

interface Walk {
  /** Name of the level: the first bytes of all its stored keys. */
  readonly level: Uint8Array;
  /** The part of the caller's keys that leads here, in chunks: it is joined for a key that is handed out, not on every level. */
  readonly path: Path | undefined;
  readonly bounds: KvRange;
  gte: Uint8Array;
  lt: Uint8Array;
  page: readonly KvEntry[];
  at: number;
}

/** Walks a range of full keys over a store of limited ones. */
export class LongKeyIterator implements KvIterator {
  readonly #readPage: ReadPage;
  readonly #reverse: boolean;
  #walks: Walk[];

  constructor(range: KvRange, readPage: ReadPage) {
    this.#readPage = readPage;
    this.#reverse = range.reverse ?? false;
    this.#walks = [start(ROOT, undefined, range)];
  }

  next(): KvEntry | undefined {
    for (;;) {
      const walk = this.#walks.at(-1);
      if (walk === undefined) return undefined;
      const entry = this.#step(walk);
      if (entry === undefined) this.#walks.pop();
      else if (entry.key.length - walk.level.length < CHUNK) return { key: fullKey(walk, entry), value: entry.value };
      else this.#walks.push(behind(walk, entry.key));
    }
  }

  #step(walk: Walk): KvEntry | undefined {
    if (walk.at === walk.page.length) this.#turnPage(walk);
    const entry = walk.page[walk.at];
    walk.at += 1;
    return entry;
  }

  #turnPage(walk: Walk): void {
    walk.page = compare(walk.gte, walk.lt) < 0 ? this.#readPage({ gte: walk.gte, lt: walk.lt, reverse: this.#reverse }) : [];
    walk.at = 0;
    const last = walk.page.at(-1);
    if (last === undefined) return;
    if (this.#reverse) walk.lt = last.key;
    else walk.gte = concatBytes(last.key, ROOT);
  }

  [Symbol.dispose](): void {
    this.#walks = [];
  }
}

const compare = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

function fullKey(walk: Walk, entry: KvEntry): Uint8Array {
  const { buffer, byteOffset, length } = entry.key;
  const head = walk.level.length;
  if (walk.path === undefined) return new Uint8Array(buffer, byteOffset + head, length - head); // nearly all keys are short
  const parts = [entry.key.subarray(walk.level.length)];
  for (let path: Path | undefined = walk.path; path !== undefined; path = path.before) parts.push(path.chunk);
  return new Uint8Array(Buffer.concat(parts.reverse()));
}

function start(level: Uint8Array, path: Path | undefined, bounds: KvRange): Walk {
  const { gte, lt } = bounds;
  return {
    level,
    path,
    bounds,
    gte: gte === undefined ? level : concatBytes(level, gte.subarray(0, CHUNK)),
    lt: lt === undefined ? after(level) : lt.length < CHUNK ? concatBytes(level, lt) : concatBytes(level, lt.subarray(0, CHUNK), ROOT),
    page: [],
    at: 0,
  };
}

/** The walk behind a marker. A bound goes on there only if it runs through this marker. */
function behind(walk: Walk, marker: Uint8Array): Walk {
  const chunk = marker.subarray(walk.level.length);
  const beyond = (bound: Uint8Array | undefined): Uint8Array | undefined =>
    bound !== undefined && bound.length >= CHUNK && compare(bound.subarray(0, CHUNK), chunk) === 0 ? bound.subarray(CHUNK) : undefined;
  const bounds = { gte: beyond(walk.bounds.gte), lt: beyond(walk.bounds.lt) };
  return start(levelBehind(marker), { before: walk.path, chunk }, bounds);
}

/** The first key after everything that begins with `prefix`, which never is all 0xff: it starts with a tag. */
export function after(prefix: Uint8Array): Uint8Array {
  const next = new Uint8Array(prefix);
  let at = next.length - 1;
  while (at > 0 && next[at] === 0xff) at -= 1;
  next[at] = (next[at] ?? 0) + 1;
  return next.subarray(0, at + 1);
}
