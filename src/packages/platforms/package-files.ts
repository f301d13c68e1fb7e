import { join } from 'node:path';
import { textOf } from '../../common/bytes.ts';
import { readArchive } from '../archive/archive.ts';
import { exists, readText } from './files.ts';

/** The sources of a package, wherever they lie. Paths are relative to them, with `/` between their parts. */
export interface PackageFiles {
  /** The text of a file, undefined when there is none. */
  read(path: string): Promise<string | undefined>;
  /** Whether there is a file, or a folder that is not empty. */
  has(path: string): Promise<boolean>;
}

/** Sources in a folder. */
export const filesIn = (folder: string): PackageFiles => ({
  read: (path) => readText(join(folder, path)),
  has: (path) => exists(join(folder, path)),
});

/** Longest file whose text somebody may ask for, in bytes: manifests and settings of tools. */
const MAX_READ = 1024 * 1024;

/**
 * Sources in a code package, below its folder `src`.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`
 */
export async function filesOf(codePackage: Uint8Array): Promise<PackageFiles> {
  const names = new Set<string>();
  const texts = new Map<string, string>();
  await readArchive(codePackage, ({ path, type, size }) => {
    if (type === 'directory' || !path.startsWith(SOURCES)) return undefined;
    const name = path.slice(SOURCES.length);
    for (let end = name.length; end > 0; end = name.lastIndexOf('/', end - 1)) names.add(name.slice(0, end));
    if (!name.endsWith('.json') || size > MAX_READ) return undefined;
    const chunks: Uint8Array[] = [];
    return {
      write: (chunk) => chunks.push(chunk),
      close: () => texts.set(name, textOf(Buffer.concat(chunks))),
    };
  });
  return { read: async (path) => texts.get(path), has: async (path) => names.has(path) };
}

const SOURCES = 'src/';
