import { type ReadArchiveOptions, readArchive } from './archive.ts';
import { DistinctPaths } from './distinct-paths.ts';

/**
 * Reads a code package to its end before anything of it is written: to refuse a hundred thousand files takes a second here, and half
 * a minute once they are on the disk and have to be removed again.
 *
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with the text that unpacking has, or the signal's reason
 */
export async function checkArchive(bytes: Uint8Array, options: ReadArchiveOptions = {}): Promise<void> {
  const paths = new DistinctPaths();
  await readArchive(
    bytes,
    ({ path, type }) => {
      paths.add(path, type);
      return undefined;
    },
    options,
  );
}
