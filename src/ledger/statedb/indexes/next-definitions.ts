import { messageOf } from '../../../common/errors.ts';
import type { KvSnapshot, KvWrite } from '../../kv/kv-store.ts';
import { type IndexDefinition, parseIndexDefinition } from '../rich/index-definition.ts';
import type { IndexFile, RefusedIndex } from '../state.ts';
import { COLLATION_VERSION } from './collation-table.ts';
import { droppedKey, NEXT_NUMBER } from './key-space.ts';
import { definitionsWrite, indexesOf, type StoredIndex, storedIndex } from './stored-index.ts';

export interface NextDefinitions {
  readonly writes: readonly KvWrite[];
  readonly refused: readonly RefusedIndex[];
  readonly made: readonly IndexDefinition[];
  readonly dropped: readonly IndexDefinition[];
}

/**
 * What makes the indexes of a namespace those of the files: the same definition stays as it is, another one of the same name takes its
 * place, and what no file has any more goes.
 */
export function nextDefinitions(snapshot: KvSnapshot, namespace: string, files: readonly IndexFile[]): NextDefinitions {
  const before = indexesOf(snapshot, namespace);
  const { wanted, refused } = readFiles(files);
  let number = numberIn(snapshot.get(NEXT_NUMBER));
  const after = [...wanted.values()].map(
    ({ file, definition }): StoredIndex =>
      before.find((index) => stays(index, definition)) ??
      storedIndex({ number: number++, file, collation: COLLATION_VERSION, built: false }),
  );
  const made = after.filter((index) => !before.includes(index));
  const dropped = before.filter((index) => !after.includes(index));
  if (made.length === 0 && dropped.length === 0) return { writes: [], refused, made: [], dropped: [] };
  const writes = [
    definitionsWrite(namespace, after),
    { key: NEXT_NUMBER, value: Buffer.from(String(number)) },
    ...dropped.map((index) => ({ key: droppedKey(index.number), value: new Uint8Array(0) })),
  ];
  const gone = dropped.filter(({ definition }) => !wanted.has(nameOf(definition)));
  return { writes, refused, made: made.map(({ definition }) => definition), dropped: gone.map(({ definition }) => definition) };
}

interface WantedIndex {
  readonly file: string;
  readonly definition: IndexDefinition;
}

function readFiles(files: readonly IndexFile[]): {
  readonly wanted: ReadonlyMap<string, WantedIndex>;
  readonly refused: readonly RefusedIndex[];
} {
  const wanted = new Map<string, WantedIndex>();
  const refused: RefusedIndex[] = [];
  for (const { path, content } of files) {
    try {
      const definition = parseIndexDefinition(content);
      wanted.set(nameOf(definition), { file: content, definition });
    } catch (thrown) {
      refused.push({ path, reason: messageOf(thrown) });
    }
  }
  return { wanted, refused };
}

const nameOf = ({ designDocument, name }: IndexDefinition): string => `${designDocument}\0${name}`;

/** An index of another collation, perhaps of an earlier Node.js, is made again. */
const stays = (index: StoredIndex, wanted: IndexDefinition): boolean =>
  index.collation === COLLATION_VERSION && JSON.stringify(index.definition, asText) === JSON.stringify(wanted, asText);

const asText = (_: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return `${value}n`;
  return value instanceof Map ? ['map', ...value] : value;
};

const numberIn = (bytes: Uint8Array | undefined): number => (bytes === undefined ? 1 : Number(Buffer.from(bytes).toString('utf8')));
