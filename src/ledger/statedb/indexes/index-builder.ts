import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../../../common/errors.ts';
import type { Logger } from '../../../common/log.ts';
import type { Serial } from '../../../common/serial.ts';
import type { KvSnapshot, KvStore, KvWrite } from '../../kv/kv-store.ts';
import { after } from '../../kv/long-keys.ts';
import { keyOfState, statePrefix } from '../state-key.ts';
import { decodeStateValue } from '../state-value.ts';
import { DROPPED, droppedKey, everyDefinition, namespaceOf, numberOfDropped, rowsPrefix } from './key-space.ts';
import { rowsOf } from './row-writes.ts';
import { definitionsWrite, indexesOf, type StoredIndex } from './stored-index.ts';

/** What one step reads or removes, at most: a commit waits no longer than one takes. */
const DOCUMENTS_PER_STEP = 128;
const BYTES_PER_STEP = 128 * 1024;
const ROWS_PER_STEP = 1_000;
/** Between two lines of the log about one build. */
const PROGRESS_MS = 5_000;

export interface IndexBuilderParts {
  readonly kv: KvStore;
  /** Commits take turns with the steps. */
  readonly turns: Serial;
  readonly log: Logger;
}

interface Build {
  readonly namespace: string;
  readonly index: StoredIndex;
}

/** Takes existing documents into new indexes and removes the rows of dropped ones, a step at a time. How far it is, is in the store. */
export class IndexBuilder implements AsyncDisposable {
  readonly #parts: IndexBuilderParts;
  #running: Promise<void> | undefined;
  #again = false;
  #over = false;
  #progress: { readonly number: number; readonly since: number; told: number; documents: number } | undefined;

  constructor(parts: IndexBuilderParts) {
    this.#parts = parts;
  }

  /** Looks what there is to do. Returns at once. */
  wake(): void {
    this.#again = true;
    this.#running ??= this.#run();
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#over) {
        this.#again = false;
        while (!this.#over && (await this.#parts.turns.run(() => this.#step()))) await nextTurn();
      }
    } catch (thrown) {
      this.#parts.log.error('indexes cannot be built; queries put the documents in order themselves', { reason: messageOf(thrown) });
    } finally {
      this.#running = undefined; // in the turn in which it saw that there is no more to do: who wakes it later starts it again
    }
  }

  /** @returns whether there was something to do */
  async #step(): Promise<boolean> {
    if (this.#over) return false;
    using snapshot = this.#parts.kv.snapshot();
    const build = await nextBuild(snapshot);
    if (build !== undefined) return await this.#takeIn(snapshot, build);
    return await this.#removeRows(snapshot);
  }

  async #takeIn(snapshot: KvSnapshot, { namespace, index }: Build): Promise<boolean> {
    const { writes, last, documents } = await nextRows(snapshot, namespace, index);
    const indexes = indexesOf(snapshot, namespace);
    const done: StoredIndex = last === undefined ? { ...index, built: true, until: undefined } : { ...index, until: last };
    const record = definitionsWrite(
      namespace,
      indexes.map((each) => (each.number === index.number ? done : each)),
    );
    await this.#parts.kv.commit([...writes, record]);
    this.#tell({ namespace, index }, documents, done.built);
    return true;
  }

  async #removeRows(snapshot: KvSnapshot): Promise<boolean> {
    using dropped = snapshot.range({ gte: DROPPED, lt: after(DROPPED) });
    const first = await dropped.next();
    if (first === undefined) return false;
    const number = numberOfDropped(first.key);
    const writes = await rowsLeft(snapshot, number);
    if (writes.length === 0) writes.push({ key: droppedKey(number), value: undefined });
    await this.#parts.kv.commit(writes);
    return true;
  }

  #tell({ namespace, index: { number, definition } }: Build, documents: number, built: boolean): void {
    const now = performance.now();
    if (this.#progress?.number !== number) this.#progress = { number, since: now, told: now, documents: 0 };
    const progress = this.#progress;
    progress.documents += documents;
    const facts = { namespace, designDocument: definition.designDocument, index: definition.name, documents: progress.documents };
    if (built) this.#parts.log.info('an index is built', { ...facts, ms: Math.round(now - progress.since) });
    else if (now - progress.told >= PROGRESS_MS) {
      progress.told = now;
      this.#parts.log.info('an index is being built', facts);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#running;
  }
}

/** The first index that does not hold everything yet. */
async function nextBuild(snapshot: KvSnapshot): Promise<Build | undefined> {
  using definitions = snapshot.range(everyDefinition);
  for (let entry = await definitions.next(); entry !== undefined; entry = await definitions.next()) {
    const namespace = namespaceOf(entry.key);
    const index = indexesOf(snapshot, namespace).find((each) => !each.built);
    if (index !== undefined) return { namespace, index };
  }
  return undefined;
}

/** Rows of the documents behind the last one that was taken in; `last` is undefined when there are no more. */
async function nextRows(snapshot: KvSnapshot, namespace: string, index: StoredIndex) {
  const prefix = statePrefix(namespace);
  const gte = index.until === undefined ? prefix : Buffer.concat([prefix, Buffer.from(`${index.until}\0`, 'utf8')]);
  using entries = snapshot.range({ gte, lt: after(prefix) });
  const writes: KvWrite[] = [];
  let [bytes, documents] = [0, 0];
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    const key = keyOfState(entry.key, prefix);
    writes.push(...rowsOf([index], { key, ...decodeStateValue(entry.value) }));
    bytes += entry.value.length;
    documents += 1;
    if (documents >= DOCUMENTS_PER_STEP || bytes >= BYTES_PER_STEP) return { writes, documents, last: key };
  }
  return { writes, documents, last: undefined };
}

async function rowsLeft(snapshot: KvSnapshot, number: number): Promise<KvWrite[]> {
  const writes: KvWrite[] = [];
  for (const kind of ['ordered', 'unordered'] as const) {
    const prefix = rowsPrefix(number, kind);
    using rows = snapshot.range({ gte: prefix, lt: after(prefix) });
    for (let row = await rows.next(); row !== undefined && writes.length < ROWS_PER_STEP; row = await rows.next()) {
      writes.push({ key: row.key, value: undefined });
    }
  }
  return writes;
}
