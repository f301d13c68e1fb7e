import { type FileHandle, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { makeFolder, OWNER_FILE, syncFolder } from '../../common/durable-files.ts';
import { SelvageError } from '../../common/errors.ts';
import { diskFailure } from '../kv/disk-failure.ts';
import { type Location, SegmentReader, segmentName } from './segment-reader.ts';
import { Cursor, uvarintLength } from './uvarint.ts';

/** Fabric's size of a block file. A block larger than that gets a file of its own. */
export const SEGMENT_BYTES = 64 * 1024 * 1024;

/** The longest uvarint of 64 bits. */
const LONGEST_PREFIX = 10;

export interface SegmentOptions {
  readonly directory: string;
  readonly segmentBytes?: number | undefined;
}

interface Tail {
  readonly file: number;
  readonly handle: FileHandle;
  readonly size: number;
}

/**
 * Records one after the other in files of bounded size, `blockfile_000000` and on, as Fabric names them. Records are only
 * added; what could not be added completely is taken away again.
 */
export class SegmentFiles implements AsyncDisposable {
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #reader: SegmentReader;
  #tail: Tail;
  /** Set when a failed record could not be taken away; then only opening again helps. */
  #stuck: SelvageError | undefined;

  private constructor({ directory, segmentBytes = SEGMENT_BYTES }: SegmentOptions, tail: Tail) {
    this.#directory = directory;
    this.#reader = new SegmentReader(directory);
    this.#segmentBytes = segmentBytes;
    this.#tail = tail;
  }

  /**
   * Opens the files of a folder, or begins the first one.
   * @throws {SelvageError} `LEDGER_CORRUPT` when a file in the middle is missing
   */
  static async open(options: SegmentOptions): Promise<SegmentFiles> {
    await makeFolder(options.directory);
    const numbers = (await readdir(options.directory)).flatMap(numberOf).sort((a, b) => a - b);
    const missing = numbers.findIndex((number, at) => number !== at);
    if (missing >= 0)
      throw new SelvageError('LEDGER_CORRUPT', `${segmentName(missing)} is missing`, { details: { directory: options.directory } });
    const file = Math.max(0, numbers.length - 1);
    const handle = await open(join(options.directory, segmentName(file)), numbers.length === 0 ? 'wx+' : 'r+', OWNER_FILE);
    if (numbers.length === 0) await syncFolder(options.directory);
    return new SegmentFiles(options, { file, handle, size: (await handle.stat()).size });
  }

  /** The place after the last record. */
  get end(): { readonly file: number; readonly offset: number } {
    return { file: this.#tail.file, offset: this.#tail.size };
  }

  /**
   * Adds a record and waits until it is on the disk.
   * @throws {SelvageError} `DISK_FULL` or `LEDGER_UNAVAILABLE`, and then the files are as before
   */
  async append(record: Uint8Array): Promise<Location> {
    if (this.#stuck !== undefined) throw this.#stuck;
    const before = this.#tail;
    try {
      if (before.size > 0 && before.size + record.length > this.#segmentBytes) this.#tail = await this.#begin(before.file + 1);
      const { file, handle, size } = this.#tail;
      await writeAll(handle, record, size);
      await handle.datasync();
      this.#tail = { file, handle, size: size + record.length };
      if (before.file !== file) await before.handle.close();
      return { file, offset: size, length: record.length, crc: crc32(record) };
    } catch (cause) {
      await this.#takeBack(before);
      throw diskFailure(cause, 'cannot write the block file');
    }
  }

  /** Takes away everything behind a place, which is the end of a record or the beginning of the first. */
  async truncate({ file, offset }: { readonly file: number; readonly offset: number }): Promise<void> {
    if (file === this.#tail.file) await this.#takeBack({ ...this.#tail, size: offset });
    else await this.#takeBack({ file, size: offset, handle: await open(this.#path(file), 'r+') });
  }

  async #begin(file: number): Promise<Tail> {
    const handle = await open(this.#path(file), 'wx+', OWNER_FILE);
    try {
      await syncFolder(this.#directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { file, handle, size: 0 };
  }

  async #takeBack(to: Tail): Promise<void> {
    try {
      const { file, handle } = this.#tail;
      this.#tail = to;
      if (file !== to.file) await handle.close();
      await this.#deleteAfter(to.file);
      await to.handle.truncate(to.size);
      await to.handle.datasync();
      await syncFolder(this.#directory);
    } catch (cause) {
      this.#stuck = new SelvageError('LEDGER_UNAVAILABLE', 'the block file could not be brought back to its last whole block', { cause });
      throw this.#stuck;
    }
  }

  async #deleteAfter(file: number): Promise<void> {
    for (const extra of (await readdir(this.#directory)).flatMap(numberOf).filter((number) => number > file)) {
      await unlink(this.#path(extra));
      await this.#reader.drop(extra);
    }
  }

  /** @throws {SelvageError} `LEDGER_CORRUPT` when the file ends before that, or holds other bytes than were written */
  read(location: Location): Promise<Uint8Array> {
    return this.#reader.read(location);
  }

  /**
   * The records from a place on, each with its bytes. Ends at the end of the last file, or before a record that is cut off:
   * the caller compares where it stopped with {@link end}.
   * @throws {SelvageError} `LEDGER_CORRUPT` when a file that is not the last one ends inside a record
   */
  async *records(from: {
    readonly file: number;
    readonly offset: number;
  }): AsyncGenerator<{ readonly location: Location; readonly bytes: Uint8Array }> {
    let { file, offset } = from;
    for (; file <= this.#tail.file; file += 1, offset = 0) {
      const size = file === this.#tail.file ? this.#tail.size : (await stat(this.#path(file))).size;
      while (offset < size) {
        const length = await this.#recordLength(file, offset, size);
        if (length === undefined && file === this.#tail.file) return;
        if (length === undefined) throw new SelvageError('LEDGER_CORRUPT', `${segmentName(file)} ends inside a block`);
        const bytes = await this.#reader.unchecked({ file, offset, length });
        yield { location: { file, offset, length, crc: crc32(bytes) }, bytes };
        offset += length;
      }
    }
  }

  /** Length of the record at a place, its prefix included; undefined when the file does not hold all of it. */
  async #recordLength(file: number, offset: number, size: number): Promise<number | undefined> {
    const prefix = await this.#reader.unchecked({ file, offset, length: Math.min(LONGEST_PREFIX, size - offset) });
    let body: bigint;
    try {
      body = new Cursor(prefix).uvarint();
    } catch {
      return undefined;
    }
    return body > 0n && body <= BigInt(size - offset) - BigInt(uvarintLength(body)) ? Number(body) + uvarintLength(body) : undefined;
  }

  #path(file: number): string {
    return join(this.#directory, segmentName(file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stuck ??= new SelvageError('LEDGER_UNAVAILABLE', 'the block files are closed');
    await this.#reader[Symbol.asyncDispose]();
    await this.#tail.handle.close();
  }
}

const numberOf = (name: string): number[] => (/^blockfile_\d{6,}$/.test(name) ? [Number(name.slice('blockfile_'.length))] : []);

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
