import { SelvageError } from '../../../common/errors.ts';
import { LruCache } from '../../../common/lru.ts';
import type { KvSnapshot, KvWrite } from '../../kv/kv-store.ts';
import { type IndexDefinition, parseIndexDefinition } from '../rich/index-definition.ts';
import { IndexKeys } from '../rich/index-key.ts';
import { COLLATION_VERSION } from './collation-table.ts';
import { definitionsKey } from './key-space.ts';

/** What the store knows of an index. */
export interface IndexRecord {
  /** Names its rows. */
  readonly number: number;
  /** The definition as deployed. */
  readonly file: string;
  /** By which collation its rows are ordered. */
  readonly collation: string;
  /** Whether every document is in it. */
  readonly built: boolean;
  /** The last document that a build has taken in. */
  readonly until?: string | undefined;
}

/** The same, read. */
export interface StoredIndex extends IndexRecord {
  readonly definition: IndexDefinition;
  readonly keys: IndexKeys;
}

/** A record with what follows from it. @throws {SelvageError} for a file that is no index */
export function storedIndex(record: IndexRecord): StoredIndex {
  const definition = parseIndexDefinition(record.file);
  return { ...record, definition, keys: new IndexKeys(definition) };
}

const parsed = new LruCache<string, readonly StoredIndex[]>(1000);

/** The indexes of a namespace at the moment of the snapshot, in the order in which they were made. @throws {SelvageError} `LEDGER_CORRUPT` */
export function indexesOf(snapshot: Pick<KvSnapshot, 'get'>, namespace: string): readonly StoredIndex[] {
  const bytes = snapshot.get(definitionsKey(namespace));
  if (bytes === undefined) return NONE;
  const text = Buffer.from(bytes).toString('utf8');
  const known = parsed.get(text) ?? read(text);
  parsed.set(text, known);
  return known;
}

const NONE: readonly StoredIndex[] = [];

function read(text: string): readonly StoredIndex[] {
  try {
    return (JSON.parse(text) as IndexRecord[]).map(storedIndex);
  } catch (cause) {
    throw new SelvageError('LEDGER_CORRUPT', 'the definitions of indexes cannot be read', { cause });
  }
}

/** Whether its rows are all there and in order for this Node.js. */
export const isComplete = ({ built, collation }: IndexRecord): boolean => built && collation === COLLATION_VERSION;

export function definitionsWrite(namespace: string, indexes: readonly IndexRecord[]): KvWrite {
  const records = indexes.map(({ number, file, collation, built, until }): IndexRecord => ({ number, file, collation, built, until }));
  const value = records.length === 0 ? undefined : Buffer.from(JSON.stringify(records), 'utf8');
  return { key: definitionsKey(namespace), value };
}
