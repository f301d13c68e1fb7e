import { randomUUID } from 'node:crypto';
import { chmod, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, OWNER_FOLDER, syncFolder } from '../common/durable-files.ts';
import { errnoOf, SelvageError } from '../common/errors.ts';
import { lockFolder } from '../common/folder-lock.ts';
import { type Logger, silent } from '../common/log.ts';
import { type Metrics, unmeasured } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import { Serial } from '../common/serial.ts';
import { type common, protos } from '../protos/messages.ts';
import { committedBlock, flagsOf } from './block-metadata.ts';
import { BlockStore } from './blockstore/block-store.ts';
import type { KvLedger } from './commit/kv-ledger.ts';
import type { MayHold } from './commit/prepared.ts';
import { COMPATIBILITY, type FabricRelease } from './compatibility.ts';
import { diskFailure } from './kv/disk-failure.ts';
import { MemoryStore } from './kv/memory-store.ts';
import { blocksIn } from './layout.ts';
import type { Ledger, LedgerProvider } from './ledger.ts';
import { type OpenState, openLedger } from './open-ledger.ts';
import { type CollectionLifetimes, FOR_EVER } from './pvtdata/expiry.ts';
import type { SimulatorOptions } from './simulator/simulator-parts.ts';
import type { RichQueryOptions } from './statedb/rich-state.ts';

export interface LedgerProviderParts {
  /** The peer's folder of ledgers; made if absent. */
  readonly root: string;
  /** Which release's local habits a channel's ledger has; `2.x` by default. */
  readonly release?: ((channelId: string) => FabricRelease) | undefined;
  readonly simulator?: SimulatorOptions | undefined;
  /** Block-to-live of collections; without it private data live for ever. */
  readonly lifetimes?: CollectionLifetimes | undefined;
  /** Which collections' plain values may be kept here; without it all that are at hand. */
  readonly mayHold?: MayHold | undefined;
  /** `peer.gossip.pvtData.transientstoreMaxBlockRetention`; default 1000. */
  readonly transientRetention?: number | undefined;
  /** `ledger.pvtdataStore.purgedKeyAuditLogging`; default true. */
  readonly purgedKeyAudit?: boolean | undefined;
  /** Told which namespaces of a channel's state a block changed, before anybody hears of the block. Must not throw. */
  readonly onChanged?: ((channelId: string, namespaces: ReadonlySet<string>) => void) | undefined;
  /** Opens the state of a channel where it lies elsewhere; in the ledger's own folder by default. */
  readonly openState?: OpenState | undefined;
  /** Rich queries, answered from a state in the ledger's own folder; refused without it, as with LevelDB. */
  readonly richQueries?: RichQueryOptions | undefined;
  /** Size of block files, in bytes; Fabric's 64 MiB by default. */
  readonly segmentBytes?: number | undefined;
  readonly log?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

/** Names a folder may have: Fabric's channel ids, which no path can hide in. */
const CHANNEL_ID = /^[a-z][a-z0-9.-]{0,248}$/;
const UNFINISHED = '.creating-';

/** The ledgers of a peer as folders under one root, which only one process may use. */
export class FolderLedgerProvider implements LedgerProvider {
  readonly #parts: LedgerProviderParts;
  readonly #lock: AsyncDisposable;
  readonly #names: Set<string>;
  readonly #opened = new Map<string, KvLedger>();
  /** What happens to a channel's ledger happens one after the other; different channels do not wait for each other. */
  readonly #changes = new Map<string, Serial>();
  #closed: Promise<void> | undefined;

  private constructor(parts: LedgerProviderParts, held: { readonly lock: AsyncDisposable; readonly names: Set<string> }) {
    this.#parts = parts;
    this.#lock = held.lock;
    this.#names = held.names;
  }

  /** @throws {SelvageError} `FOLDER_IN_USE` while another process uses the folder */
  static async open(parts: LedgerProviderParts): Promise<FolderLedgerProvider> {
    const lock = await lockFolder(parts.root, 'the ledger folder');
    try {
      const channels = join(parts.root, 'channels');
      await makeFolder(channels);
      await chmod(parts.root, OWNER_FOLDER); // of an earlier version's making it may be open
      await syncFolder(parts.root);
      const found = await readdir(channels);
      for (const name of found.filter((each) => each.startsWith(UNFINISHED)))
        await rm(join(channels, name), { recursive: true, force: true });
      return new FolderLedgerProvider(parts, { lock, names: new Set(found.filter((name) => CHANNEL_ID.test(name))) });
    } catch (cause) {
      await lock[Symbol.asyncDispose]();
      throw cause instanceof SelvageError ? cause : diskFailure(cause, 'cannot open the ledger folder');
    }
  }

  list(): readonly string[] {
    return [...this.#names].sort();
  }

  /** An open ledger is handed out again, as the same object. */
  open(channelId: string): Promise<Ledger> {
    return this.#inTurn(channelId, async () => {
      this.#checkOpen();
      if (!this.#names.has(channelId)) throw new SelvageError('CHANNEL_NOT_FOUND', `there is no ledger of channel ${channelId}`);
      const known = this.#opened.get(channelId);
      if (known?.isClosed === false) return known;
      await known?.[Symbol.asyncDispose]();
      return this.#open(channelId);
    });
  }

  /**
   * The block is written aside and moved into place whole; the state then follows from it as on every opening.
   * @throws {SelvageError} also `BLOCK_INVALID` for a block that is not number 0, `DISK_FULL`
   */
  create(channelId: string, genesis: common.Block): Promise<Ledger> {
    return this.#inTurn(channelId, async () => {
      this.#checkOpen();
      if (!CHANNEL_ID.test(channelId)) throw new SelvageError('MALFORMED', `'${channelId}' is no channel id`);
      if (this.#names.has(channelId)) throw new SelvageError('CHANNEL_EXISTS', `ledger [${channelId}] already exists with state [ACTIVE]`);
      return this.#create(channelId, genesis);
    });
  }

  #inTurn<T>(channelId: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#changes.get(channelId) ?? new Serial();
    this.#changes.set(channelId, turns);
    return turns.run(work);
  }

  async #create(channelId: string, genesis: common.Block): Promise<Ledger> {
    const channels = join(this.#parts.root, 'channels');
    const aside = join(channels, `${UNFINISHED}${randomUUID()}`);
    await using made = new Scope();
    made.defer(() => rm(aside, { recursive: true, force: true }));
    try {
      await writeGenesis(blocksIn(aside), this.#joined(channelId, genesis));
      await syncFolder(aside);
      await rename(aside, this.#folder(channelId));
      made.defer(() => rm(this.#folder(channelId), { recursive: true, force: true }));
      await syncFolder(channels);
      const ledger = await this.#open(channelId);
      this.#names.add(channelId);
      made.move(); // from here on nothing takes it back
      return ledger;
    } catch (cause) {
      throw cause instanceof SelvageError ? cause : diskFailure(cause, `cannot make the ledger of ${channelId}`);
    }
  }

  /** The genesis block as a peer keeps it: all its transactions, that is one, are valid. */
  #joined(channelId: string, genesis: common.Block): common.Block {
    const flags =
      flagsOf(genesis).length > 0 ? flagsOf(genesis) : new Uint8Array(genesis.data?.data.length ?? 0).fill(protos.TxValidationCode.VALID);
    return committedBlock(
      genesis,
      { prepared: { flags, updateBytes: new Uint8Array(0) }, previous: undefined },
      COMPATIBILITY[this.#release(channelId)],
    );
  }

  async #open(channelId: string): Promise<KvLedger> {
    const {
      simulator = {},
      lifetimes = FOR_EVER,
      mayHold,
      transientRetention = 1000,
      purgedKeyAudit = true,
      segmentBytes,
      onChanged,
      log = silent,
      metrics = unmeasured,
    } = this.#parts;
    const ledger = await openLedger({
      channelId,
      folder: this.#folder(channelId),
      release: this.#release(channelId),
      simulator,
      lifetimes,
      mayHold,
      transientRetention: BigInt(transientRetention),
      purgedKeyAudit,
      segmentBytes,
      log: log.child({ channel: channelId }),
      metrics,
      openState: this.#parts.openState,
      richQueries: this.#parts.richQueries,
      changed: (namespaces) => onChanged?.(channelId, namespaces),
      closed: () => this.#opened.delete(channelId),
    }).catch((cause: unknown) => {
      if (cause instanceof SelvageError || errnoOf(cause) === undefined) throw cause;
      throw diskFailure(cause, `cannot open the ledger of ${channelId}`); // like a file where a folder is expected
    });
    this.#opened.set(channelId, ledger);
    return ledger;
  }

  #release(channelId: string): FabricRelease {
    return this.#parts.release?.(channelId) ?? '2.x';
  }

  #folder(channelId: string): string {
    return join(this.#parts.root, 'channels', channelId);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new SelvageError('LEDGER_UNAVAILABLE', 'the ledgers are closed');
  }

  /** Closes the ledgers that are open, and lets other processes in. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#changes.values(), (turns) => turns.idle()));
    try {
      for (const ledger of [...this.#opened.values()]) await ledger[Symbol.asyncDispose]();
    } finally {
      await this.#lock[Symbol.asyncDispose]();
    }
  }
}

/** @throws {SelvageError} `BLOCK_INVALID` unless it is block 0 and whole */
async function writeGenesis(directory: string, genesis: common.Block): Promise<void> {
  const kv = new MemoryStore();
  await using blocks = await BlockStore.open({ directory, kv });
  await blocks.append(genesis);
}
