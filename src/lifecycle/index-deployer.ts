import type { Channel, Channels } from '../channel/channel.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { LruCache } from '../common/lru.ts';
import { Serial } from '../common/serial.ts';
import { privateNamespace } from '../ledger/simulator/private-namespaces.ts';
import type { IndexFile, StateIndexes } from '../ledger/statedb/state.ts';
import { indexFilesIn, type PackagedIndex } from '../packages/index-files.ts';
import type { KnownChaincode, LifecycleCache } from './lifecycle-cache.ts';

export interface IndexDeployerParts {
  readonly channels: Channels;
  readonly cache: Pick<LifecycleCache, 'defined'>;
  /** The code package of an installed one. */
  readonly codeOf: (packageId: string) => Promise<Uint8Array>;
  readonly log: Logger;
  /** Disposed with it. */
  readonly owned: AsyncDisposable;
}

/** Packages do not change, and many channels may run one. */
const PACKAGES_KNOWN = 100;

/**
 * Brings the indexes of each channel's state to what is in the packages that its definitions run here: when a definition is committed,
 * when its package is installed after that, and when the peer starts. What a package no longer has goes with the definition that ran it.
 * @see HandleChaincodeDeploy in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/privacyenabledstate/db.go
 */
export class IndexDeployer implements AsyncDisposable {
  readonly #parts: IndexDeployerParts;
  readonly #looks = new Map<string, Serial>();
  readonly #pending = new Map<string, Promise<void>>();
  readonly #files = new LruCache<string, Promise<readonly PackagedIndex[]>>(PACKAGES_KNOWN);
  #over = false;

  constructor(parts: IndexDeployerParts) {
    this.#parts = parts;
  }

  /** Looks at one channel, or at all of them. Returns at once. */
  look(channelId?: string): void {
    const channels = channelId === undefined ? this.#parts.channels.list().map(({ id }) => id) : [channelId];
    for (const id of channels) {
      const turns = this.#looks.get(id) ?? new Serial();
      this.#looks.set(id, turns);
      const looked = turns.run(() => this.#look(id));
      const over = looked.finally(() => this.#pending.get(id) === over && this.#pending.delete(id));
      this.#pending.set(id, over);
    }
  }

  /** What is being looked at of a channel: who simulates waits for it, so that all peers answer the first query alike. */
  settled(channelId: string): Promise<void> | undefined {
    return this.#pending.get(channelId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#parts.owned[Symbol.asyncDispose]();
    await Promise.all(this.#pending.values());
  }

  /** Never fails: without its indexes a chaincode runs, too. */
  async #look(channelId: string): Promise<void> {
    const channel = this.#parts.channels.get(channelId);
    const indexes = channel?.ledger.indexes;
    if (this.#over || channel === undefined || indexes === undefined) return;
    try {
      const known = await indexes.namespaces();
      for (const chaincode of await this.#parts.cache.defined(channelId)) await this.#deploy(channel, indexes, { chaincode, known });
    } catch (thrown) {
      this.#parts.log.warn('cannot tell which indexes a channel is to have', { channel: channelId, reason: messageOf(thrown) });
    }
  }

  async #deploy(
    channel: Channel,
    indexes: StateIndexes,
    { chaincode, known }: { readonly chaincode: KnownChaincode & { readonly name: string }; readonly known: readonly string[] },
  ): Promise<void> {
    const { name, installed } = chaincode;
    if (installed === undefined) return; // what it may have of an earlier version stays until one is here
    const wanted = this.#byNamespace(chaincode, await this.#filesOf(installed.packageId));
    for (const namespace of known) if (isOf(namespace, name) && !wanted.has(namespace)) wanted.set(namespace, []);
    for (const [namespace, files] of wanted) {
      for (const { path, reason } of await indexes.deploy(namespace, files)) {
        this.#parts.log.error(`error creating index from file [${path}] for chaincode [${name}] on channel [${channel.id}]: ${reason}`);
      }
    }
  }

  #byNamespace(
    { name, definition }: KnownChaincode & { readonly name: string },
    files: readonly PackagedIndex[],
  ): Map<string, IndexFile[]> {
    const collections = new Set(definition.collections.config?.map((each) => each.staticCollectionConfig?.name));
    const wanted = new Map<string, IndexFile[]>();
    for (const { path, content, collection } of files) {
      if (collection !== undefined && !collections.has(collection)) {
        this.#parts.log.error(
          `Error processing index for chaincode [${name}]: cannot create an index for an undefined collection=[${collection}]`,
        );
        continue;
      }
      const namespace = collection === undefined ? name : privateNamespace(name, collection);
      wanted.set(namespace, [...(wanted.get(namespace) ?? []), { path, content }]);
    }
    return wanted;
  }

  #filesOf(packageId: string): Promise<readonly PackagedIndex[]> {
    const known = this.#files.get(packageId);
    if (known !== undefined) return known;
    const read = this.#parts.codeOf(packageId).then(indexFilesIn);
    this.#files.set(packageId, read);
    read.catch(() => this.#files.delete(packageId));
    return read;
  }
}

const isOf = (namespace: string, chaincode: string): boolean =>
  namespace === chaincode || namespace.startsWith(privateNamespace(chaincode, ''));
