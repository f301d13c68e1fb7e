import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { prefixed } from '../common/prefixed.ts';
import { Serial } from '../common/serial.ts';
import { checkArchive } from './archive/check-archive.ts';
import type { PackageBuilder } from './launch-spec.ts';
import { type LifecyclePackage, launchableOf, parseLifecyclePackage } from './lifecycle-package.ts';
import type { LifecyclePackageStore } from './lifecycle-store.ts';
import type { ChaincodeOutput } from './output.ts';
import { withAdvice } from './with-advice.ts';

/** A package that this peer has and has built. */
export interface InstalledPackage {
  readonly packageId: string;
  readonly label: string;
}

export interface InstalledPackagesParts {
  readonly store: LifecyclePackageStore;
  /** Builds what is installed; without one, as in development mode, a package is only kept. */
  readonly builder?: PackageBuilder | undefined;
  /** Keeps what builds print. */
  readonly output?: ChaincodeOutput | undefined;
  readonly log?: Logger | undefined;
}

/** The packages of the 2.x lifecycle that are installed on this peer: on its disk, and built. Disposing gives up builds that go on. */
export class InstalledPackages implements AsyncDisposable {
  readonly #parts: InstalledPackagesParts;
  readonly #installed = new Map<string, InstalledPackage>();
  /** Those whose build this process has seen succeed. */
  readonly #built = new Set<string>();
  readonly #installs = new Map<string, Serial>();
  readonly #listeners = new Set<(installed: InstalledPackage) => void>();
  readonly #over = new AbortController();

  private constructor(parts: InstalledPackagesParts) {
    this.#parts = parts;
  }

  /** Takes in what is in the store. A package was built before its installation was answered, so nothing is built here. */
  static async open(parts: InstalledPackagesParts): Promise<InstalledPackages> {
    const packages = new InstalledPackages(parts);
    for (const packageId of await parts.store.list()) packages.#add(packageId);
    return packages;
  }

  list(): readonly InstalledPackage[] {
    return [...this.#installed.values()];
  }

  get(packageId: string): InstalledPackage | undefined {
    return this.#installed.get(packageId);
  }

  /** Calls `listener` with every package installed from now on, until the result is disposed. */
  onInstalled(listener: (installed: InstalledPackage) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** The package as received. @throws {SelvageError} `CHAINCODE_NOT_FOUND` */
  bytes(packageId: string): Promise<Uint8Array> {
    return this.#parts.store.load(packageId);
  }

  /** What a launch needs of a package. @throws {SelvageError} `CHAINCODE_NOT_FOUND`, `CHAINCODE_PACKAGE_INVALID` */
  async launchable(packageId: string): Promise<ReturnType<typeof launchableOf>> {
    return launchableOf(await parseLifecyclePackage(await this.bytes(packageId)));
  }

  /**
   * Keeps and builds a package. Of several requests for the same one, the first builds it and the others are refused; one that
   * fails to build is removed again, and can be installed another time. So can one that an earlier run of the peer was killed over.
   * A build goes on when its caller leaves, as in Fabric: whoever asks again finds it done, or waits for it.
   *
   * @param received the `.tar.gz`
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`, `CHAINCODE_BUILD_FAILED` with Fabric's texts; the signal's reason
   *   while the package is read
   * @see InstallChaincode in hyperledger/fabric v2.5, core/chaincode/lifecycle/lifecycle.go
   */
  async install(received: Uint8Array, { signal }: Cancellable): Promise<InstalledPackage> {
    const { log = silent } = this.#parts;
    const parsed = await parseLifecyclePackage(received, { log, signal });
    return this.#inTurn(parsed.packageId, () => this.#install(parsed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new SelvageError('CANCELLED', 'the peer is stopping'));
    await Promise.all([...this.#installs.values()].map((turns) => turns.idle()));
  }

  async #install(parsed: LifecyclePackage): Promise<InstalledPackage> {
    const { log = silent, store } = this.#parts;
    const { signal } = this.#over;
    const { packageId } = parsed;
    signal.throwIfAborted();
    if (this.#built.has(packageId)) throw already(packageId);
    await store.save(parsed);
    try {
      await this.#build(parsed, signal);
    } catch (thrown) {
      await store.remove(packageId);
      this.#installed.delete(packageId);
      signal.throwIfAborted();
      throw withAdvice(prefixed('could not build chaincode: ', thrown));
    }
    this.#built.add(packageId);
    if (this.#installed.has(packageId)) throw already(packageId);
    const installed = this.#add(packageId);
    log.info('chaincode package installed', { packageId });
    for (const listener of this.#listeners) listener(installed);
    return installed;
  }

  async #build(parsed: LifecyclePackage, signal: AbortSignal): Promise<void> {
    const { builder, output } = this.#parts;
    if (builder === undefined) return;
    const { packageId: ccid, label } = parsed;
    await checkArchive(parsed.codePackage, { signal });
    await using sink = await output?.open(ccid);
    await builder.build({ ccid, name: label, version: hashOf(ccid), ...launchableOf(parsed), output: sink?.line }, { signal });
  }

  #add(packageId: string): InstalledPackage {
    const installed = { packageId, label: packageId.slice(0, packageId.indexOf(':')) };
    this.#installed.set(packageId, installed);
    return installed;
  }

  async #inTurn<T>(packageId: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#installs.get(packageId) ?? new Serial();
    this.#installs.set(packageId, turns);
    return turns.run(work);
  }
}

const hashOf = (packageId: string): string => packageId.slice(packageId.indexOf(':') + 1);

const already = (packageId: string): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `chaincode already successfully installed (package ID '${packageId}')`, {
    details: { packageId },
  });
