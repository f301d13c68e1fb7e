import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textOf, utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { unpackArchive } from '../../packages/archive/unpack.ts';
import type { BuildSpec } from '../../packages/launch-spec.ts';
import type { BuildFolders } from './builder.ts';
import { folderNameOf } from './kept-builds.ts';

/**
 * Unpacks a package into `src`, writes `metadata/metadata.json` and makes `bld` and `release`, all below `fabric-ID` in `folder`.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`, `DISK_FULL`, or the signal's reason
 */
export async function unpackPackage(spec: BuildSpec, folder: string, { signal }: Cancellable): Promise<BuildFolders> {
  const below = join(folder, `fabric-${folderNameOf(spec.ccid)}`);
  const folders = {
    source: join(below, 'src'),
    metadata: join(below, 'metadata'),
    build: join(below, 'bld'),
    release: join(below, 'release'),
  };
  for (const path of [below, ...Object.values(folders)]) await mkdir(path, { mode: 0o700 });
  await unpackArchive(spec.codePackage, folders.source, { signal });
  await writeFile(join(folders.metadata, 'metadata.json'), metadataOf(spec), { mode: 0o700 });
  return folders;
}

/**
 * `metadata.json` as it was received; for a ChaincodeDeploymentSpec, what a Go peer writes for it.
 * @see GetChaincodePackage of FallbackPackageLocator in hyperledger/fabric v2.5, core/chaincode/persistence/chaincode_package.go
 */
export const metadataOf = ({ metadata, platform, path, name }: BuildSpec): Uint8Array =>
  metadata ?? utf8(JSON.stringify({ type: platform.toUpperCase(), path, label: name }));

/** `type` in metadata.json, '' when it has none or is no JSON: builders are shown the file either way. */
export function typeOf(spec: BuildSpec): string {
  try {
    const value: unknown = JSON.parse(textOf(metadataOf(spec)));
    return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' ? value.type : '';
  } catch {
    return '';
  }
}
