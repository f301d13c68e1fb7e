import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { detach } from '../common/bytes.ts';
import { createDurably, filesIn } from '../common/durable-files.ts';
import { errnoOf, messageOf, SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { LruCache } from '../common/lru.ts';
import { type ChaincodePackage, parsePackage } from './chaincode-package.ts';
import { checkChaincodeName, checkChaincodeVersion, type FabricTexts } from './names.ts';

/** What a definition is compared with; small enough to stay in memory, unlike the code. */
export interface InstalledChaincode {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  /** `ChaincodeSpec.type`. */
  readonly type: number;
  readonly data: Uint8Array;
  readonly id: Uint8Array;
  /** `SignaturePolicyEnvelope` bytes of a signed package. */
  readonly instantiationPolicy: Uint8Array | undefined;
}

export interface PackageStoreParts {
  /** Fabric's `<peer.fileSystemPath>/chaincodes`; made when the first package is installed. */
  readonly directory: string;
  readonly texts?: FabricTexts;
  readonly log?: Logger;
}

const REMEMBERED = 1_000;

/**
 * The packages of the legacy lifecycle on this peer's disk, one file `<name>.<version>` each, with the bytes as they were
 * received. A package never changes once it is there, so what is known about it is remembered.
 */
export class PackageStore {
  readonly #directory: string;
  readonly #texts: FabricTexts;
  readonly #log: Logger;
  readonly #known = new LruCache<string, InstalledChaincode>(REMEMBERED);
  readonly #listeners = new Set<() => void>();

  constructor({ directory, texts = '1.4', log = silent }: PackageStoreParts) {
    this.#directory = directory;
    this.#texts = texts;
    this.#log = log;
  }

  /**
   * Stores a package that was parsed from what a client sent. The file is complete or absent, also after a crash.
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` for a bad name or version, and when the name and version are taken
   */
  async install({ name, version, bytes }: ChaincodePackage, { texts = this.#texts }: { readonly texts?: FabricTexts } = {}): Promise<void> {
    checkChaincodeName(name, texts);
    checkChaincodeVersion(name, version, texts);
    const made = await createDurably(this.#file(name, version), bytes).catch((cause: unknown) => {
      throw unwritable(`${failed(texts)} ${name}:${version}`, cause);
    });
    if (!made) throw exists(`${failed(texts)} ${name}:${version}`, this.#file(name, version));
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after every installation, until the result is disposed. */
  onInstalled(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * What is known about an installed package, or undefined when it is not installed.
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` when its file is damaged
   */
  async find(name: string, version: string): Promise<InstalledChaincode | undefined> {
    const known = this.#known.get(`${name}:${version}`);
    if (known !== undefined) return known;
    try {
      return summaryOf(await this.load(name, version));
    } catch (thrown) {
      if (thrown instanceof SelvageError && thrown.code === 'CHAINCODE_NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  /**
   * The whole package.
   * @throws {SelvageError} `CHAINCODE_NOT_FOUND` when it is not installed, `CHAINCODE_PACKAGE_INVALID` when its file is damaged
   */
  async load(name: string, version: string): Promise<ChaincodePackage> {
    const parsed = parsePackage(await this.#read(name, version));
    if (parsed.name !== name || parsed.version !== version) throw misnamed(name, version, parsed);
    this.#known.set(`${name}:${version}`, summaryOf(parsed));
    return parsed;
  }

  /** Everything installed, by file name; files that are no packages are skipped and logged. */
  async list(): Promise<readonly InstalledChaincode[]> {
    const found: InstalledChaincode[] = [];
    for (const file of await filesIn(this.#directory)) {
      const dot = file.indexOf('.'); // names have no dots, versions may
      if (dot <= 0) continue;
      try {
        const installed = await this.find(file.slice(0, dot), file.slice(dot + 1));
        if (installed !== undefined) found.push(installed);
      } catch (thrown) {
        this.#log.warn('unreadable chaincode package skipped', { file, reason: messageOf(thrown) });
      }
    }
    return found;
  }

  async #read(name: string, version: string): Promise<Uint8Array> {
    checkChaincodeName(name, '1.1'); // what an older peer stored must stay readable; both rules keep the path inside the folder
    checkChaincodeVersion(name, version);
    try {
      return await readFile(this.#file(name, version));
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT') throw notInstalled(name, version);
      throw new SelvageError('INTERNAL', `cannot read chaincode package ${name}.${version}`, { cause });
    }
  }

  #file(name: string, version: string): string {
    return join(this.#directory, `${name}.${version}`);
  }
}

/** The small part of a package, in memory of its own so that the code can go. */
const summaryOf = ({ name, version, spec, data, id, signed }: ChaincodePackage): InstalledChaincode => ({
  name,
  version,
  path: spec.chaincodeId?.path ?? '',
  type: spec.type,
  data,
  id,
  instantiationPolicy: signed === undefined ? undefined : detach(signed.instantiationPolicy),
});

const failed = (texts: FabricTexts): string => `${texts === '1.1' ? 'Error' : 'error'} installing chaincode code`;

/** The only text that tells a client about our disk; Fabric's does, and only local admins get this far. */
const exists = (failure: string, file: string): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `${failure}(chaincode ${file} exists)`);

const unwritable = (failure: string, cause: unknown): SelvageError =>
  new SelvageError(errnoOf(cause) === 'ENOSPC' ? 'DISK_FULL' : 'INTERNAL', `${failure}(${messageOf(cause)})`, { cause });

const notInstalled = (name: string, version: string): SelvageError =>
  new SelvageError('CHAINCODE_NOT_FOUND', `chaincode package ${name}.${version} is not installed`, {
    details: { chaincode: name, version },
    advice: `Install ${name} ${version} on this peer.`,
  });

const misnamed = (name: string, version: string, found: ChaincodePackage): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `chaincode package ${name}.${version} holds ${found.name}:${found.version}`);
