import { closeSync, existsSync, mkdirSync, openSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { open, type RootDatabase, type Transaction } from 'lmdb';
import { OWNER_FILE, OWNER_FOLDER } from '../../common/durable-files.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { sealed, unsealed } from './checked-value.ts';
import { diskFailure } from './disk-failure.ts';
import type { KvEntry, KvIterator, KvRange, KvSnapshot, KvStore, KvWrite } from './kv-store.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { LongKeyIterator, place, type ReadPage } from './long-keys.ts';

const NOTHING = new Uint8Array(0);
/** Values longer than this come from lmdb in buffers of a special make; they are copied into plain ones. */
const PLAIN_BYTES = 0x8000;
/** How much one turn of the event loop may read or encode. */
const KEYS_PER_TURN = 512;
const ENTRIES_PER_PAGE = 64;
const BYTES_PER_PAGE = 256 * 1024;
/** How long a close waits for the last sync. */
const CLOSE_MS = 10_000;
/** How long a flush may take: one that failed never ends. */
const FLUSH_MS = 60_000;
/** More than lmdb's table of readers needs. */
const LOCK_BYTES = 128 * 1024;
/** More than the first pages of a store. */
const ROOM_BYTES = 64 * 1024;
/** Slots for snapshots of different moments; those of one moment share a slot. */
const MAX_READERS = 1024;

type Lmdb = RootDatabase<Uint8Array, Uint8Array>;

/**
 * `synced` waits for the disk at every commit. `overlapping` does not: the disk follows a moment later. What is then opened after
 * a crash is whole, as it was after the last commit or one of those shortly before; whoever chooses it can write them again.
 */
export type Durability = 'overlapping' | 'synced';

export type LmdbOptions = {
  /** A folder of its own; made if absent, unless it is only read. */
  readonly path: string;
} & ({ readonly durability: Durability; readonly readOnly?: false } | { readonly readOnly: true });

/** One moment of the database, shared by all snapshots taken while it was the newest. */
interface Moment {
  readonly transaction: Transaction;
  readers: number;
}

/** The store on LMDB: reads go to the memory map, commits to its write thread; neither waits for the other. */
export class LmdbStore implements KvStore {
  readonly #db: Lmdb;
  readonly #readOnly: boolean;
  #newest: Moment | undefined;
  readonly #snapshots = new Set<LmdbSnapshot>();
  #closed: Promise<void> | undefined;
  /** Set when the disk refused something: lmdb then never says that it is done, and is not waited for. */
  #refused = false;

  /**
   * @throws {SelvageError} `LEDGER_CORRUPT` for files that are no such store, or not whole; `DISK_FULL`, `LEDGER_UNAVAILABLE`,
   *   `FOLDER_IN_USE`
   */
  constructor(options: LmdbOptions) {
    this.#readOnly = options.readOnly === true;
    try {
      this.#db = opened(options);
    } catch (cause) {
      throw cause instanceof SelvageError ? cause : openFailure(cause, options.path);
    }
  }

  snapshot(): KvSnapshot {
    this.#checkOpen();
    const moment = this.#newest ?? this.#now();
    if (!this.#readOnly) this.#newest = moment; // elsewhere nobody hears of commits, so that every snapshot is of now
    moment.readers += 1;
    const snapshot = new LmdbSnapshot(this.#db, moment.transaction, () => {
      this.#snapshots.delete(snapshot);
      this.#release(moment);
    });
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  /** A read transaction that begins here and not, as lmdb would have it, with the turn of the event loop. */
  #now(): Moment {
    try {
      this.#db.resetReadTxn();
      return { transaction: this.#db.useReadTransaction(), readers: 0 };
    } catch (cause) {
      throw unusable(cause);
    }
  }

  #release(moment: Moment): void {
    moment.readers -= 1;
    if (moment.readers > 0) return;
    if (this.#newest === moment) this.#newest = undefined;
    moment.transaction.done();
  }

  async commit(writes: readonly KvWrite[]): Promise<void> {
    this.#checkOpen();
    if (this.#readOnly) throw new SelvageError('LEDGER_UNAVAILABLE', 'the store was opened for reading');
    const stored = await storedWrites(writes);
    this.#checkOpen();
    const before = lastTransaction(this.#db);
    try {
      await this.#db.batch(() => {
        for (const { key, value } of stored) {
          if (value === undefined) this.#db.remove(key);
          else this.#db.put(key, value);
        }
      });
    } catch (thrown) {
      const cause = await causeOf(thrown);
      this.#refused = true;
      // What was committed, and could only not be brought to the disk at once, is done: a later sync takes it along.
      const refusal = diskFailure(cause, 'cannot write the key-value store');
      if (this.#newestIs(before)) throw refusal;
    } finally {
      this.#newest = undefined;
    }
  }

  async flushed(): Promise<void> {
    this.#checkOpen();
    if (this.#refused || !(await within(FLUSH_MS, this.#db.flushed)))
      throw new SelvageError('LEDGER_UNAVAILABLE', 'the disk does not take what was committed to the key-value store');
  }

  /** True also when lmdb does not say. */
  #newestIs(transaction: unknown): boolean {
    try {
      return lastTransaction(this.#db) === transaction;
    } catch {
      return true;
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new SelvageError('LEDGER_UNAVAILABLE', 'the store is closed');
  }

  /** Snapshots that are still open are closed first: reading one later is an error, not a crash. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const snapshot of this.#snapshots) snapshot[Symbol.dispose]();
    const closing = this.#db.close();
    if (this.#refused || !(await within(CLOSE_MS, closing))) environmentOf(this.#db).close();
  }
}

/** lmdb shares a database among the threads of a process as the first of them opened it; who only reads must not be the first. */
const READ_ONLY = /opened without this flag/;

function openFailure(cause: unknown, path: string): SelvageError {
  if (!READ_ONLY.test(messageOf(cause))) return diskFailure(cause, 'cannot open the key-value store');
  return new SelvageError('FOLDER_IN_USE', `the store in ${path} is open for reading in this process`, {
    cause,
    advice: 'In one process, open a ledger before its views, and close them before it.',
  });
}

/**
 * What lmdb's types do not name. A safe restore goes back to what is known to be on the disk also where the machine seems to have
 * gone on since: the volume may have been with another one.
 */
const UNTYPED = { permissionsMode: OWNER_FILE, safeRestore: true };

/**
 * What lmdb cannot make takes the process down (3.5.6), and so does a table of readers that finds no room when it is first used. So the
 * files are made first, and room for the first pages is looked for, where an error is one.
 */
function makeFiles(path: string): void {
  mkdirSync(path, { recursive: true, mode: OWNER_FOLDER });
  const table = join(path, 'lock.mdb');
  if (sizeOf(table) < LOCK_BYTES) writeFileSync(table, Buffer.alloc(LOCK_BYTES), { mode: OWNER_FILE });
  if (sizeOf(join(path, 'data.mdb')) > 0) return;
  const room = join(path, 'room');
  writeFileSync(room, Buffer.alloc(ROOM_BYTES), { mode: OWNER_FILE });
  unlinkSync(room);
  closeSync(openSync(join(path, 'data.mdb'), 'a', OWNER_FILE));
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function opened(options: LmdbOptions): Lmdb {
  const { path, readOnly = false } = options;
  const overlapping = options.readOnly === true || options.durability === 'overlapping';
  if (!readOnly) makeFiles(path);
  else if (!existsSync(join(path, 'data.mdb'))) throw new SelvageError('LEDGER_UNAVAILABLE', `there is no store in ${path}`);
  checkLmdbFile(join(path, 'data.mdb'), { overlapping });
  return open<Uint8Array, Uint8Array>({
    path,
    ...UNTYPED,
    encoding: 'binary',
    keyEncoding: 'binary',
    noSubdir: false,
    readOnly,
    overlappingSync: overlapping && !readOnly,
    // Each commit is a batch of its own; lmdb's batching per turn would also leave a promise behind that rejects unseen.
    eventTurnBatching: false,
    maxReaders: MAX_READERS,
    maxDbs: 1,
  });
}

/** Number of the newest transaction that can be read. */
function lastTransaction(db: Lmdb): unknown {
  try {
    return Object(db.getStats()).lastTxnId;
  } catch (cause) {
    throw unusable(cause);
  }
}

/** After its own bookkeeping could not be written lmdb takes no more calls until it is opened again. */
const unusable = (cause: unknown): SelvageError =>
  new SelvageError('LEDGER_UNAVAILABLE', `the key-value store takes no more calls: ${messageOf(cause)}`, {
    cause,
    advice: 'Look at the disk of the ledger, and start the peer again.',
  });

/** lmdb's own, which closes at once; it brings to the disk what is not there. */
const environmentOf = (db: Lmdb): { close(): void } => (db as Lmdb & { readonly env: { close(): void } }).env;

/** False when something takes longer, as a sync that failed does with lmdb. */
async function within(ms: number, work: PromiseLike<unknown>): Promise<boolean> {
  const late = new AbortController();
  const timer = sleep(ms, false, { signal: late.signal }).catch(() => false);
  const done = await Promise.race([work.then(() => true), timer]);
  late.abort();
  return done;
}

class LmdbSnapshot implements KvSnapshot {
  readonly #db: Lmdb;
  #transaction: Transaction | undefined;
  readonly #release: () => void;

  constructor(db: Lmdb, transaction: Transaction, release: () => void) {
    this.#db = db;
    this.#transaction = transaction;
    this.#release = release;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const at = place(key).key;
    const stored = reading(() => this.#db.get(at, { transaction: this.#open() }));
    return stored && unsealed(at, plain(stored));
  }

  getMany(keys: readonly Uint8Array[]): MaybePromise<readonly (Uint8Array | undefined)[]> {
    return keys.length <= KEYS_PER_TURN ? keys.map((key) => this.get(key)) : this.#getInTurns(keys);
  }

  async #getInTurns(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    const values: (Uint8Array | undefined)[] = [];
    for (let from = 0; from < keys.length; from += KEYS_PER_TURN) {
      if (from > 0) await nextTurn();
      for (const key of keys.slice(from, from + KEYS_PER_TURN)) values.push(this.get(key));
    }
    return values;
  }

  range(range: KvRange): KvIterator {
    this.#open();
    return new LongKeyIterator(range, this.#readPage);
  }

  /** No lmdb cursor lives longer than this call, so none can outlive its transaction. */
  readonly #readPage: ReadPage = ({ gte, lt, reverse }) => {
    const bounds = reverse ? { start: lt, exclusiveStart: true, end: gte, inclusiveEnd: true, reverse } : { start: gte, end: lt };
    const page: KvEntry[] = [];
    let bytes = 0;
    return reading(() => {
      for (const { key, value } of this.#db.getRange({ ...bounds, transaction: this.#open() })) {
        page.push({ key, value: unsealed(key, plain(value)) });
        bytes += key.length + value.length;
        if (page.length === ENTRIES_PER_PAGE || bytes >= BYTES_PER_PAGE) break;
      }
      return page;
    });
  };

  #open(): Transaction {
    if (this.#transaction === undefined) throw new SelvageError('LEDGER_UNAVAILABLE', 'the snapshot is closed');
    return this.#transaction;
  }

  [Symbol.dispose](): void {
    if (this.#transaction === undefined) return;
    this.#transaction = undefined;
    this.#release();
  }
}

/** The writes as the limited store sees them. A marker is written again with every key behind it: that is cheaper than looking. */
async function storedWrites(writes: readonly KvWrite[]): Promise<readonly KvWrite[]> {
  const stored: KvWrite[] = [];
  for (const [at, { key, value }] of writes.entries()) {
    if (at > 0 && at % KEYS_PER_TURN === 0) await nextTurn();
    const placement = place(key);
    if (value !== undefined) for (const marker of placement.markers) stored.push({ key: marker, value: sealed(marker, NOTHING) });
    stored.push({ key: placement.key, value: value && sealed(placement.key, value) });
  }
  return stored;
}

/** What lmdb finds wrong while it reads is damage. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof SelvageError) throw cause;
    throw new SelvageError('LEDGER_CORRUPT', `the key-value store is damaged: ${messageOf(cause)}`, { cause });
  }
}

const plain = (bytes: Uint8Array): Uint8Array => (bytes.length > PLAIN_BYTES ? new Uint8Array(bytes) : bytes);

/** lmdb rejects a write with a general error that holds a promise of the real one. */
async function causeOf(thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof Error && 'commitError' in thrown)) return thrown;
  try {
    await thrown.commitError;
  } catch (cause) {
    return cause;
  }
  return thrown;
}
