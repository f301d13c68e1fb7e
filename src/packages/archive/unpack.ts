import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { type ArchiveEntry, type EntrySink, type ReadArchiveOptions, readArchive } from './archive.ts';

/**
 * Unpacks a code package into an empty folder of the caller's. Nothing is ever replaced or followed: a name that comes twice,
 * also by the disk's idea of equal names, is refused. Of the modes only "executable" survives. After a failure the folder holds
 * what was written so far; its owner removes it.
 *
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`, `DISK_FULL`, or the signal's reason
 */
export async function unpackArchive(bytes: Uint8Array, directory: string, options: ReadArchiveOptions = {}): Promise<void> {
  try {
    await readArchive(bytes, (entry) => place(entry, directory), options);
  } catch (cause) {
    throw explained(cause);
  }
}

async function place({ path, type, mode }: ArchiveEntry, directory: string): Promise<EntrySink | undefined> {
  const target = join(directory, path);
  await mkdir(type === 'directory' ? target : dirname(target), { recursive: true });
  if (type === 'directory') return undefined;
  const file = await open(target, 'wx', mode & 0o100 ? 0o755 : 0o644);
  return { write: (chunk) => file.writeFile(chunk), close: () => file.close() }; // writeFile goes on until all is written
}

function explained(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('code' in cause) || cause instanceof SelvageError) return cause;
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new SelvageError('DISK_FULL', 'no space left to unpack the code package', {
      cause,
      details: { reason: 'the disk is full' },
      advice: 'Make room where the peer keeps chaincode, or let it be kept elsewhere (selvage.chaincodeCache).',
    });
  }
  if (cause.code === 'EEXIST' || cause.code === 'ENOTDIR' || cause.code === 'EISDIR') {
    return new SelvageError('CHAINCODE_PACKAGE_INVALID', 'the code package is refused: a name comes twice', { cause });
  }
  return cause;
}
