import { compareUtf8, textOf } from '../common/bytes.ts';
import { readArchive } from './archive/archive.ts';
import { MAX_METADATA_BYTES } from './index-metadata.ts';

/** An index file of a package. */
export interface PackagedIndex {
  readonly path: string;
  readonly content: string;
  /** Undefined for the chaincode's own state. */
  readonly collection: string | undefined;
}

/** Files of the folder alone, not of those below it. */
const INDEX_FILE = /^META-INF\/statedb\/couchdb\/(?:collections\/([^/]+)\/)?indexes\/[^/]+$/;

/**
 * The index files of a code package, in the order of their paths, as they are: what is wrong with one shows when it is deployed. Files that
 * are far too large to be one are left out.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` for what is no archive
 * @see ExtractFileEntries in hyperledger/fabric v2.5, core/common/ccprovider/targzutil.go
 */
export async function indexFilesIn(codePackage: Uint8Array): Promise<readonly PackagedIndex[]> {
  if (codePackage.length === 0) return [];
  const found: PackagedIndex[] = [];
  await readArchive(codePackage, ({ path, type, size }) => {
    const match = INDEX_FILE.exec(path);
    if (match === null || type !== 'file' || size > MAX_METADATA_BYTES) return undefined;
    const chunks: Uint8Array[] = [];
    return {
      write: (chunk) => chunks.push(chunk),
      close: () => found.push({ path, content: textOf(Buffer.concat(chunks)), collection: match[1] }),
    };
  });
  return found.sort((a, b) => compareUtf8(a.path, b.path));
}
