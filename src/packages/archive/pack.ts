import type { Dirent } from 'node:fs';
import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { compareUtf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import { checkMetadata } from '../index-metadata.ts';

export interface PackOptions {
  /** Whether a path, relative to the folder, stays out of the package; a folder that does is not looked into. */
  readonly skip: (path: string, kind: 'file' | 'folder') => boolean;
  /** Where the sources go in the archive, `src` unless told; always `/` between parts. */
  readonly below?: string;
  /** Files from elsewhere that go in as well. */
  readonly more?: readonly PackedSource[];
  readonly log?: Logger;
}

export interface PackedSource {
  /** Where it is on disk, absolute or relative to the folder. */
  readonly from: string;
  /** Where it goes in the archive. */
  readonly to: string;
}

const META_INF = 'META-INF';

/**
 * Makes a code package of a folder: its files under `src/` or below it, its `META-INF/` at the root and validated, in the order of their
 * names, with zero times, mode 0644 and owner 500. The same folder gives the same bytes on the same Node version; another
 * zlib may compress differently, so peers get the file, not the folder.
 *
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` for a folder without sources or with bad metadata
 * @see GetDeploymentPayload in hyperledger/fabric v1.4, core/chaincode/platforms/node/platform.go
 */
export async function packFolder(directory: string, { skip, below = 'src', more = [], log = silent }: PackOptions): Promise<Uint8Array> {
  const sources: PackedSource[] = [...more];
  for (const path of await filesIn(directory, '', skip, log)) {
    const source = sourceOf(path, below, log);
    if (source !== undefined) sources.push(source);
  }
  if (!sources.some(({ to }) => to.startsWith('src/')))
    throw new SelvageError('CHAINCODE_PACKAGE_INVALID', `no source files found in '${directory}'`);
  sources.sort((a, b) => compareUtf8(a.to, b.to));
  return compress(await tarOf(directory, sources));
}

function sourceOf(path: string, below: string, log: Logger): PackedSource | undefined {
  if (!path.startsWith(`${META_INF}/`)) return { from: path, to: `${below}/${path}` };
  if (!path.slice(path.lastIndexOf('/') + 1).startsWith('.')) return { from: path, to: path };
  log.warn('hidden file left out of the package', { file: path });
  return undefined;
}

async function filesIn(directory: string, below: string, skip: PackOptions['skip'], log: Logger): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const kind = await kindOf(directory, path, entry);
    if (skip(path, kind === 'folder' || kind === 'link to a folder' ? 'folder' : 'file')) continue;
    if (kind === 'folder') found.push(...(await filesIn(directory, path, skip, log)));
    else if (kind === 'file') found.push(path);
    else if (kind === 'link to nothing') throw danglingLink(path, await readlink(join(directory, path)));
    else log.warn('left out of the package: it is no file', { file: path, kind });
  }
  return found;
}

type Kind = 'file' | 'folder' | 'link to a folder' | 'link out of the folder' | 'link to nothing' | 'no file and no folder';

/** A link to a file inside counts as that file; what lies outside is not anybody's to hand out. */
async function kindOf(directory: string, path: string, entry: Dirent): Promise<Kind> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return 'file';
  if (!entry.isSymbolicLink()) return 'no file and no folder';
  if (entry.name.startsWith('.#')) return 'no file and no folder'; // how editors mark what they are writing
  const target = await stat(join(directory, path)).catch(() => undefined); // it leads nowhere
  if (target === undefined) return 'link to nothing';
  if (!target.isFile()) return target.isDirectory() ? 'link to a folder' : 'no file and no folder';
  const inside = relative(await realpath(directory), await realpath(join(directory, path)));
  return inside.startsWith('..') || isAbsolute(inside) ? 'link out of the folder' : 'file';
}

/** @see WriteFileToPackage in hyperledger/fabric v2.5, core/chaincode/platforms/util/writer.go, which fails as it opens the file */
const danglingLink = (path: string, target: string): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `${path} is a link that leads nowhere, to ${target}`, {
    advice: 'Put the file there, or take the link away.',
  });

async function tarOf(directory: string, sources: readonly PackedSource[]): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  bytes.catch(() => undefined); // a failure below is what the caller hears
  try {
    for (const { from, to } of sources) {
      const content = await readFile(resolve(directory, from));
      if (to.startsWith(`${META_INF}/`)) checkMetadata({ path: to, content });
      archive.entry({ name: to, mode: 0o644, mtime: new Date(0), uid: 500, gid: 500 }, content);
    }
  } catch (thrown) {
    archive.destroy();
    throw thrown;
  }
  archive.finalize();
  return bytes;
}

/** gzip without a time and without the system it was made on. */
export async function compress(tar: Buffer): Promise<Uint8Array> {
  const compressed = new Uint8Array(await promisify(gzip)(tar));
  compressed[9] = 255; // "unknown system" instead of the one it was packed on
  return compressed;
}
