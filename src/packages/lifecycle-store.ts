import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDurably, filesIn, removeDurably } from '../common/durable-files.ts';
import { errnoOf, messageOf, SelvageError } from '../common/errors.ts';
import type { LifecyclePackage } from './lifecycle-package.ts';

export interface LifecyclePackageStoreParts {
  /** Fabric's `<peer.fileSystemPath>/lifecycle/chaincodes`; made when the first package is saved. */
  readonly directory: string;
}

const FILE = /^(.+)[.]([0-9a-f]{64})[.]tar[.]gz$/;
const PACKAGE_ID = /^([A-Za-z0-9][A-Za-z0-9_.+-]*):([0-9a-f]{64})$/;

/**
 * The packages of the 2.x lifecycle on this peer's disk, one file `<label>.<hash>.tar.gz` each, with the bytes as they were received.
 * @see Store in hyperledger/fabric v2.5, core/chaincode/persistence/persistence.go
 */
export class LifecyclePackageStore {
  readonly #directory: string;

  constructor({ directory }: LifecyclePackageStoreParts) {
    this.#directory = directory;
  }

  /**
   * Keeps a package. The file is complete or absent, also after a crash.
   * @returns false when it was there already
   * @throws {SelvageError} `DISK_FULL`, `INTERNAL`
   */
  async save({ packageId, bytes }: Pick<LifecyclePackage, 'packageId' | 'bytes'>): Promise<boolean> {
    try {
      return await createDurably(this.#fileOf(packageId), bytes);
    } catch (cause) {
      const text = `could not save cc install package: error writing chaincode install package to ${this.#fileOf(packageId)}: ${messageOf(cause)}`;
      throw new SelvageError(errnoOf(cause) === 'ENOSPC' ? 'DISK_FULL' : 'INTERNAL', text, { cause, details: { packageId } });
    }
  }

  /** The package as it was received. @throws {SelvageError} `CHAINCODE_NOT_FOUND`, `INTERNAL` */
  async load(packageId: string): Promise<Uint8Array> {
    if (!PACKAGE_ID.test(packageId)) throw notFound(packageId); // nothing else was ever saved, and no path gets out of the folder
    try {
      return await readFile(this.#fileOf(packageId));
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT') throw notFound(packageId);
      throw new SelvageError('INTERNAL', `could not read chaincode install package '${packageId}'`, { cause, details: { packageId } });
    }
  }

  /** Removes a package; one that is not there is no loss. */
  async remove(packageId: string): Promise<void> {
    await removeDurably(this.#fileOf(packageId));
  }

  /** Ids of all packages, by file name; other files are passed over. */
  async list(): Promise<readonly string[]> {
    const names = await filesIn(this.#directory);
    return names.flatMap((name) => {
      const [, label, hash] = FILE.exec(name) ?? [];
      return label === undefined ? [] : [`${label}:${hash}`];
    });
  }

  #fileOf(packageId: string): string {
    return join(this.#directory, `${packageId.replace(':', '.')}.tar.gz`);
  }
}

const notFound = (packageId: string): SelvageError =>
  new SelvageError('CHAINCODE_NOT_FOUND', `chaincode install package '${packageId}' not found`, {
    details: { packageId },
    advice: 'Install the package on this peer.',
  });
