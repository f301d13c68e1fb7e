import type { Channels } from '../channel/channel.ts';
import { compareUtf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { type MaybePromise, whenKnown } from '../common/maybe.ts';
import { hashedNamespace } from '../ledger/simulator/private-namespaces.ts';
import type { StateSnapshot } from '../ledger/statedb/state.ts';
import type { InstalledPackage, InstalledPackages } from '../packages/installed-packages.ts';
import type { ChaincodeRef } from './chaincode-ref.ts';
import {
  approvalName,
  type LifecycleDefinition,
  packageRecord,
  parametersRecord,
  readDefinition,
  sourceName,
} from './lifecycle-definition.ts';
import { PackageSources } from './package-sources.ts';
import { fieldKey, isMetadataWritten, isWritten, LIFECYCLE } from './records.ts';
import { committedHashes, committedRecords } from './snapshot-records.ts';

export interface LifecycleCacheParts {
  readonly channels: Channels;
  /** The organisation of this peer: its approvals count here. */
  readonly mspId: string;
  readonly packages: Pick<InstalledPackages, 'list'>;
}

/** What this peer knows of a definition that is in force. */
export interface KnownChaincode {
  readonly definition: LifecycleDefinition;
  /** Its organisation agreed to exactly this. */
  readonly approved: boolean;
  /** What its organisation runs for it, as far as it is installed here. */
  readonly installed: InstalledPackage | undefined;
}

/** Approvals and sources are hashes to everybody, so that a peer needs no private data to know what to run. */
interface CachedChaincode {
  readonly definition: LifecycleDefinition;
  readonly approved: boolean;
  /** Hash of the package id that was approved with exactly this definition; undefined when none was. */
  readonly source: Uint8Array | undefined;
}

type CachedChannel = ReadonlyMap<string, CachedChaincode>;

const ALL = 'namespaces/metadata/';

/**
 * What is defined and approved on each channel: read once from the state, and again after a block that changed any of it.
 * @see Cache in hyperledger/fabric v2.5, core/chaincode/lifecycle/cache.go
 */
export class LifecycleCache {
  readonly #parts: LifecycleCacheParts;
  readonly #sources: PackageSources;
  readonly #channels = new Map<string, MaybePromise<CachedChannel>>();

  constructor(parts: LifecycleCacheParts) {
    this.#parts = parts;
    this.#sources = new PackageSources(parts.packages);
  }

  /** Whether a change of these namespaces of the state can change what is known here. */
  static concerns(namespaces: ReadonlySet<string>): boolean {
    return [...namespaces].some((namespace) => namespace === LIFECYCLE || namespace.startsWith(hashedNamespace(LIFECYCLE, '')));
  }

  /** Forgets what is known of a channel. Call it when a block changed the lifecycle's state, and before anybody hears of that block. */
  forget(channelId: string): void {
    this.#channels.delete(channelId);
  }

  /** @throws {SelvageError} `CHAINCODE_NOT_FOUND` with Fabric's text, `LEDGER_CORRUPT` */
  find(channelId: string, name: string): MaybePromise<KnownChaincode> {
    return whenKnown(this.#channel(channelId), (channel) => {
      const found = channel.get(name);
      if (found === undefined) throw new SelvageError('CHAINCODE_NOT_FOUND', `unknown chaincode '${name}' for channel '${channelId}'`);
      return this.#known(found);
    });
  }

  /** Every definition that is in force on a channel, by name. @throws {SelvageError} `CHANNEL_NOT_FOUND`, `LEDGER_CORRUPT` */
  async defined(channelId: string): Promise<readonly (KnownChaincode & { readonly name: string })[]> {
    const found = [...(await this.#channel(channelId))].map(([name, cached]) => ({ name, ...this.#known(cached) }));
    return found.sort((a, b) => compareUtf8(a.name, b.name));
  }

  /** Definitions that run a package, by channel. */
  async referencesTo(packageId: string): Promise<ReadonlyMap<string, readonly ChaincodeRef[]>> {
    const references = new Map<string, readonly ChaincodeRef[]>();
    for (const { id } of this.#parts.channels.list()) {
      const ofChannel = (await this.#runnableOn(id)).filter(({ ccid }) => ccid === packageId);
      if (ofChannel.length > 0) references.set(id, ofChannel);
    }
    return references;
  }

  /** Everything that is defined, approved and installed, by the id it registers with. */
  async runnable(): Promise<ReadonlyMap<string, ChaincodeRef>> {
    const all = new Map<string, ChaincodeRef>();
    for (const { id } of this.#parts.channels.list())
      for (const chaincode of await this.#runnableOn(id)) all.set(chaincode.ccid, chaincode);
    return all;
  }

  async #runnableOn(channelId: string): Promise<readonly ChaincodeRef[]> {
    return [...(await this.#channel(channelId))].flatMap(([name, cached]) => {
      const { definition, installed } = this.#known(cached);
      return installed === undefined ? [] : [{ name, version: definition.version, ccid: installed.packageId }];
    });
  }

  #known({ definition, approved, source }: CachedChaincode): KnownChaincode {
    return { definition, approved, installed: source && this.#sources.find(source) };
  }

  /** Read once for all who ask meanwhile; at hand from then on. */
  #channel(channelId: string): MaybePromise<CachedChannel> {
    const known = this.#channels.get(channelId);
    if (known !== undefined) return known;
    const read = this.#read(channelId);
    this.#channels.set(channelId, read);
    const isLast = (): boolean => this.#channels.get(channelId) === read;
    read.then(
      (channel) => isLast() && this.#channels.set(channelId, channel),
      () => isLast() && this.forget(channelId),
    );
    return read;
  }

  async #read(channelId: string): Promise<CachedChannel> {
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined) throw new SelvageError('CHANNEL_NOT_FOUND', `unknown channel '${channelId}'`);
    using snapshot = channel.ledger.snapshot();
    const found = new Map<string, CachedChaincode>();
    for (const name of await definedNames(snapshot)) {
      const definition = await readDefinition(name, committedRecords(snapshot));
      if (definition !== undefined) found.set(name, await this.#cached(name, definition, snapshot));
    }
    return found;
  }

  async #cached(name: string, definition: LifecycleDefinition, snapshot: StateSnapshot): Promise<CachedChaincode> {
    const own = committedHashes(snapshot, this.#parts.mspId);
    const { sequence } = definition;
    const approved = await isWritten(approvalName(name, sequence), parametersRecord(definition), own);
    const record = sourceName(name, sequence);
    const sourced = approved && (await isMetadataWritten(record, packageRecord(''), own));
    return { definition, approved, source: sourced ? await own.hashOf(fieldKey(record, 'PackageID')) : undefined };
  }
}

async function definedNames(snapshot: StateSnapshot): Promise<readonly string[]> {
  using entries = snapshot.range(LIFECYCLE, ALL, `${ALL}\x7f`);
  const names: string[] = [];
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) names.push(entry.key.slice(ALL.length));
  return names;
}
