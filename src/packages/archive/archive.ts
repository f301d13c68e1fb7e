import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { Cancellable } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { MaybePromise } from '../../common/maybe.ts';

/** What a code package may take. Sizes are in bytes, of what comes out of the compression. */
export interface ArchiveLimits {
  readonly totalBytes: number;
  readonly fileBytes: number;
  /** Files and folders; vendored dependencies are counted in tens of thousands. */
  readonly entries: number;
  readonly pathBytes: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  totalBytes: 1024 * 1024 * 1024,
  fileBytes: 256 * 1024 * 1024,
  entries: 100_000,
  pathBytes: 1_024,
};

export interface ArchiveEntry {
  /** As the archive spells it. */
  readonly name: string;
  /** Relative, with `/` between its parts, none of them empty, `.` or `..`. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** Permission bits, as the archive has them. */
  readonly mode: number;
  readonly size: number;
}

/** Takes the content of one file. Closed in every case, also after a failure. */
export interface EntrySink {
  write(chunk: Uint8Array): MaybePromise<unknown>;
  close(): MaybePromise<unknown>;
}

/** How refusals are worded, where the kind of archive decides that. */
export interface ArchiveWords {
  /** Before the reason why it cannot be decompressed. */
  readonly gzip: string;
  /** Before the reason why it cannot be read as a tar. */
  readonly tar: string;
  /** About an entry that is neither a file nor a folder. @param type tar-stream's name for what it is */
  readonly notAFile: (name: string, type: string) => string;
}

const CODE_PACKAGE_WORDS: ArchiveWords = {
  gzip: 'failure opening codepackage gzip stream: ',
  tar: 'the code package is no tar archive: ',
  notAFile: (name, type) => `the code package is refused: "${name}" is a ${type}, only files and folders are allowed`,
};

export interface ReadArchiveOptions extends Partial<Cancellable> {
  readonly limits?: Partial<ArchiveLimits>;
  readonly words?: ArchiveWords;
}

/** How much goes into the decompression at once, so that a bomb is noticed long before it is inflated. */
const SLICE = 64 * 1024;

/**
 * Reads a tar.gz from memory entry by entry, in order. Every bound is kept while reading; nothing is allocated by a size that
 * the archive claims. Links, devices and names that leave the archive are refused.
 *
 * @param visit called per entry; returns where a file's content goes, or nothing to pass over it
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`, or what `visit` or its sink threw, or the signal's reason
 */
export async function readArchive(
  bytes: Uint8Array,
  visit: (entry: ArchiveEntry) => MaybePromise<EntrySink | undefined>,
  { limits: some = {}, words = CODE_PACKAGE_WORDS, signal }: ReadArchiveOptions = {},
): Promise<void> {
  const limits = { ...ARCHIVE_LIMITS, ...some };
  if (bytes.length === 0) throw refused(`${words.gzip}EOF`);
  const archive = extract();
  let entries = 0;
  let last: Promise<void> = Promise.resolve();
  archive.on('entry', (header, content, next) => {
    entries += 1;
    content.on('error', () => undefined); // fails with the archive, which is where the failure is heard
    last =
      entries > limits.entries
        ? Promise.reject(invalid(`more than ${limits.entries} entries`))
        : take(() => entryOf(header, limits, words), content, visit);
    last.then(() => next(), next);
  });
  try {
    await pipeline(Readable.from(slices(bytes)), createGunzip(), meter(limits.totalBytes), archive, signal === undefined ? {} : { signal });
  } catch (thrown) {
    signal?.throwIfAborted();
    const own: unknown = await last.catch((failure: unknown) => failure); // whose content nobody reads on, which breaks the archive
    for (const each of [own, thrown]) if (each instanceof SelvageError || isOurs(each)) throw each;
    throw unreadable(thrown, words);
  } finally {
    await last.catch(() => undefined); // its file must be closed before the caller cleans up; its failure is the pipeline's
  }
}

async function take(
  read: () => ArchiveEntry,
  content: AsyncIterable<unknown>,
  visit: (entry: ArchiveEntry) => MaybePromise<EntrySink | undefined>,
): Promise<void> {
  const sink = await visit(read());
  try {
    for await (const chunk of content) if (chunk instanceof Uint8Array) await sink?.write(chunk);
  } finally {
    await sink?.close();
  }
}

function entryOf({ name, type, mode = 0o644, size = 0 }: Header, limits: ArchiveLimits, words: ArchiveWords): ArchiveEntry {
  const path = pathOf(name, limits.pathBytes);
  if (type === 'directory' && size === 0) return { name, path, type, mode, size };
  if (type !== 'file' && type !== 'contiguous-file') throw refused(words.notAFile(name, type ?? 'thing'));
  if (size > limits.fileBytes) throw invalid(`"${name}" is larger than ${limits.fileBytes} bytes`);
  return { name, path, type: 'file', mode, size };
}

/** Fabric lets a name begin with one `/`; it never means the root of the disk. */
function pathOf(name: string, limit: number): string {
  const parts = name
    .replace(/^\//, '')
    .replace(/\/$/, '')
    .split('/')
    .filter((part) => part !== '.');
  const bad = parts.some((part) => part === '' || part === '..' || Buffer.byteLength(part) > 255);
  if (bad && parts.join('') !== '') throw invalid(`the name "${name}" is not allowed`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  if (/[\u0000-\u001f\\]/.test(name) || name.includes('\ufffd')) throw invalid(`the name ${JSON.stringify(name)} is not allowed`);
  if (Buffer.byteLength(name) > limit) throw invalid(`a name is longer than ${limit} bytes`);
  return parts.join('/');
}

function meter(limit: number): Transform {
  let total = 0;
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      total += chunk.length;
      if (total > limit) done(invalid(`unpacks to more than ${limit} bytes`));
      else done(null, chunk);
    },
  });
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE);
}

/** A failure of the disk, not of the archive. */
const isOurs = (thrown: unknown): boolean => thrown instanceof Error && 'syscall' in thrown;

const unreadable = (cause: unknown, words: ArchiveWords): SelvageError => {
  const gzip = cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_');
  return new SelvageError('CHAINCODE_PACKAGE_INVALID', `${gzip ? words.gzip : words.tar}${inGo(messageOf(cause))}`, { cause });
};

const invalid = (why: string): SelvageError => refused(`the code package is refused: ${why}`);

const refused = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);

/** What clients of Fabric know for bytes that are no gzip at all. */
const inGo = (message: string): string => IN_GO.get(message) ?? message;

const IN_GO: ReadonlyMap<string, string> = new Map([
  ['incorrect header check', 'gzip: invalid header'],
  ['unexpected end of file', 'unexpected EOF'],
]);
