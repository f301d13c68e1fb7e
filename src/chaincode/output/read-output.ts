import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cancellable } from '../../common/cancel.ts';
import { LineSplitter } from '../../common/line-splitter.ts';
import { merged } from './merged.ts';
import { ccidOf, replicaOf } from './output-folder.ts';
import { type OutputRecord, parseRecord } from './output-record.ts';

export interface ReadOutputOptions extends Cancellable {
  /** Go on with what is printed from now on, until the signal aborts; ends with what was printed by then. */
  readonly follow: boolean;
  /** Only what belongs to this transaction; the beginning of its id is enough. */
  readonly txId?: string | undefined;
}

/** Between two looks at files that are followed. */
const LOOK_MS = 200;

/** The chaincodes of a folder whose name is `name`, or the one whose ccid it is. */
export async function chaincodesWithOutput(directory: string, name: string): Promise<readonly string[]> {
  const folders = await namesIn(directory);
  return folders.filter((folder) => ccidOf(folder) === name || ccidOf(folder).startsWith(`${name}:`)).map(ccidOf);
}

/** Every chaincode that there is output of. */
export const allWithOutput = async (directory: string): Promise<readonly string[]> => (await namesIn(directory)).map(ccidOf);

/**
 * What the chaincode of that name printed in its kept launches, in the order of time. Who follows gets what came between two looks
 * in that order, and loses lines only when a file is filled twice between them.
 */
export async function* readOutput(
  directory: string,
  name: string,
  { follow, txId, signal }: ReadOutputOptions,
): AsyncGenerator<OutputRecord> {
  const files = new Map<string, FollowedFile>();
  for (;;) {
    const last = !follow || signal.aborted; // what was printed until then is read in any case
    const paths = await launchesOf(directory, name);
    for (const path of paths) if (!files.has(path)) files.set(path, new FollowedFile(path));
    const news = paths.flatMap((path) => files.get(path)?.newRecords() ?? []);
    for await (const record of merged(news, ({ time }) => time))
      if (txId === undefined || record.txId?.startsWith(txId) === true) yield record;
    if (last) return;
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Paths of the launches' files, oldest first, whatever version of the chaincode they are of. */
async function launchesOf(directory: string, name: string): Promise<readonly string[]> {
  const found: { readonly started: string; readonly path: string }[] = [];
  for (const folder of await namesIn(directory)) {
    const ccid = ccidOf(folder);
    if (ccid !== name && !ccid.startsWith(`${name}:`)) continue;
    const launches = new Set((await namesIn(join(directory, folder))).map((file) => file.replace(/\.1$/, '')));
    for (const file of launches) if (file.endsWith('.log')) found.push({ started: file, path: join(directory, folder, file) });
  }
  return found.sort((a, b) => (a.started < b.started ? -1 : 1)).map(({ path }) => path);
}

const namesIn = (directory: string): Promise<readonly string[]> => readdir(directory).catch(() => []);

/** In characters. A file has no longer line: so much is what waits for a slow disk before output is lost. */
const MAX_RECORD = 4 * 1024 * 1024;

/** A launch's file with its older half, read from where the last look ended, across its renaming. */
class FollowedFile {
  readonly #path: string;
  #identity: string | undefined;
  #offset = 0;
  readonly #waiting: string[] = [];
  #lines = this.#splitter();

  constructor(path: string) {
    this.#path = path;
  }

  async *newRecords(): AsyncGenerator<OutputRecord> {
    const replica = replicaOf(this.#path);
    for await (const line of this.#newLines()) {
      const record = parseRecord(line);
      if (record !== undefined) yield { ...record, ...(replica !== undefined && { replica }) };
    }
  }

  async *#newLines(): AsyncGenerator<string> {
    const older = await this.#identityOf(`${this.#path}.1`);
    const current = await this.#identityOf(this.#path);
    if (older !== undefined && older !== current && this.#identity !== current) yield* this.#linesOf(`${this.#path}.1`, older);
    if (current !== undefined) yield* this.#linesOf(this.#path, current);
  }

  async #identityOf(path: string): Promise<string | undefined> {
    const file = await open(path).catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      const { ino, birthtimeNs } = await file.stat({ bigint: true });
      return `${ino} ${birthtimeNs}`; // the number alone may belong to another file soon
    } finally {
      await file.close();
    }
  }

  async *#linesOf(path: string, identity: string): AsyncGenerator<string> {
    if (this.#identity !== identity) [this.#identity, this.#offset, this.#lines] = [identity, 0, this.#splitter()];
    const file = await open(path).catch(() => undefined);
    if (file === undefined) return;
    try {
      for await (const chunk of file.createReadStream({ start: this.#offset, autoClose: false })) {
        this.#offset += chunk.length;
        this.#lines.push(chunk);
        yield* this.#waiting.splice(0);
      }
    } finally {
      await file.close();
    }
  }

  #splitter(): LineSplitter {
    return new LineSplitter((line) => this.#waiting.push(line), { maxLine: MAX_RECORD });
  }
}
