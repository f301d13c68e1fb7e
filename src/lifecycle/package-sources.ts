import { hex, sha256 } from '../common/bytes.ts';
import type { InstalledPackage, InstalledPackages } from '../packages/installed-packages.ts';
import { packageIdValue } from './lifecycle-definition.ts';

/** Finds the package that an approval means: what the state has of its id is a hash. */
export class PackageSources {
  readonly #packages: Pick<InstalledPackages, 'list'>;
  /** By package id; as many as were ever installed. */
  readonly #hashes = new Map<string, string>();

  constructor(packages: Pick<InstalledPackages, 'list'>) {
    this.#packages = packages;
  }

  /** Undefined when no installed package has this id. @param source SHA-256 of the `StateData` that holds the id */
  find(source: Uint8Array): InstalledPackage | undefined {
    const wanted = hex(source);
    return this.#packages.list().find(({ packageId }) => this.#hashOf(packageId) === wanted);
  }

  #hashOf(packageId: string): string {
    const known = this.#hashes.get(packageId);
    if (known !== undefined) return known;
    const hash = hex(sha256(packageIdValue(packageId)));
    this.#hashes.set(packageId, hash);
    return hash;
  }
}
