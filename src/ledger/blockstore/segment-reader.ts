import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { errnoOf, SelvageError } from '../../common/errors.ts';
import { ReadHandles } from './read-handles.ts';

/** Where bytes lie: number of the file, first byte, how many; and what they must be, as a CRC-32. */
export interface Location {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

/** Reads what lies in block files, also in those that another thread or process adds to. */
export class SegmentReader implements AsyncDisposable {
  readonly #directory: string;
  readonly #handles = new ReadHandles();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws {SelvageError} `LEDGER_CORRUPT` when the file ends before that, or holds other bytes than were written */
  async read(location: Location): Promise<Uint8Array> {
    const bytes = await this.unchecked(location);
    if (crc32(bytes) === location.crc) return bytes;
    const { file, offset, length } = location;
    throw new SelvageError('LEDGER_CORRUPT', `${segmentName(file)} is damaged: its bytes from ${offset} on do not match their checksum`, {
      details: { directory: this.#directory, file: segmentName(file), offset, length },
    });
  }

  /** Bytes of which nobody knows yet what they must be. @throws {SelvageError} `LEDGER_CORRUPT` when the file ends before that */
  async unchecked({ file, offset, length }: Omit<Location, 'crc'>): Promise<Uint8Array> {
    try {
      return await this.#handles.using(this.#path(file), (handle) => readFully(handle, offset, length));
    } catch (cause) {
      if (errnoOf(cause) !== 'ENOENT') throw cause;
      throw new SelvageError('LEDGER_CORRUPT', `${segmentName(file)} is missing`, { cause, details: { directory: this.#directory } });
    }
  }

  /** Forgets a file that was deleted. */
  drop(file: number): Promise<void> {
    return this.#handles.drop(this.#path(file));
  }

  #path(file: number): string {
    return join(this.#directory, segmentName(file));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handles[Symbol.asyncDispose]();
  }
}

/** As Fabric names its block files. */
export const segmentName = (file: number): string => `blockfile_${String(file).padStart(6, '0')}`;

async function readFully(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const { size } = await handle.stat();
  if (offset + length > size) throw new SelvageError('LEDGER_CORRUPT', 'the block file is shorter than its index says');
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new SelvageError('LEDGER_CORRUPT', 'the block file is shorter than its index says');
    done += bytesRead;
  }
  return bytes;
}
