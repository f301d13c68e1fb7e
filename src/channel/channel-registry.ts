import { compareUtf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { MaybePromise } from '../common/maybe.ts';
import { Scope } from '../common/scope.ts';
import { Serial } from '../common/serial.ts';
import type { Ledger, LedgerProvider } from '../ledger/ledger.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { channelIdOfBlock, checkHasApplication, configEnvelopeOfBlock, lastConfigOf } from '../msp/channelconfig/config-block.ts';
import { common } from '../protos/messages.ts';
import type { Channels } from './channel.ts';
import { JoinedChannel } from './joined-channel.ts';

export interface ChannelRegistryParts {
  readonly ledgers: LedgerProvider;
  /** Reads a configuration block, and refuses what this peer does not support. @throws {SelvageError} `CONFIG_INVALID` */
  readonly bundleFromBlock: (block: common.Block) => MaybePromise<ChannelBundle>;
  readonly log: Logger;
}

/** How many ledgers are opened side by side: one that has much to catch up does not hold the others up. */
const OPENED_AT_ONCE = 8;

/** The channels of this peer: those whose ledgers were there at the start, and those joined since. Disposing closes their ledgers. */
export class ChannelRegistry implements Channels, AsyncDisposable {
  readonly #parts: ChannelRegistryParts;
  readonly #channels = new Map<string, JoinedChannel>();
  readonly #failures = new Map<string, SelvageError>();
  readonly #listeners = new Set<(channel: JoinedChannel) => void>();
  readonly #joins = new Serial();

  private constructor(parts: ChannelRegistryParts) {
    this.#parts = parts;
  }

  /** Opens all ledgers. One that cannot be opened is logged and listed in {@link failures}; the others work. */
  static async open(parts: ChannelRegistryParts): Promise<ChannelRegistry> {
    const registry = new ChannelRegistry(parts);
    const waiting = [...parts.ledgers.list()];
    const opener = async (): Promise<void> => {
      for (let channelId = waiting.shift(); channelId !== undefined; channelId = waiting.shift()) await registry.#reopen(channelId);
    };
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, opener));
    registry.#sort();
    return registry;
  }

  get(channelId: string): JoinedChannel | undefined {
    return this.#channels.get(channelId);
  }

  list(): readonly JoinedChannel[] {
    return [...this.#channels.values()];
  }

  /** Channels with a ledger that could not be opened, and why. */
  failures(): ReadonlyMap<string, SelvageError> {
    return this.#failures;
  }

  /** Calls `listener` with every channel joined from now on, until the result is disposed. */
  onJoined(listener: (channel: JoinedChannel) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Joins a channel with its block 0, which is taken on trust: whoever may join decides what to join.
   * @param genesis `common.Block` bytes
   * @throws {SelvageError} `MALFORMED` or `CONFIG_INVALID` for a block that configures no application channel, `CHANNEL_EXISTS`
   */
  join(genesis: Uint8Array): Promise<JoinedChannel> {
    return this.#joins.run(() => this.#join(common.Block.decode(genesis)));
  }

  async #join(block: common.Block): Promise<JoinedChannel> {
    const channelId = channelIdOfBlock(block);
    checkHasApplication(configEnvelopeOfBlock(block));
    if (block.header?.number !== 0n)
      throw new SelvageError('CONFIG_INVALID', `cannot join channel ${channelId} with block ${block.header?.number}`);
    const failure = this.#failures.get(channelId);
    if (failure !== undefined) throw cannotBeOpened(channelId, failure);
    if (this.#channels.has(channelId)) throw alreadyJoined(channelId);
    const bundle = await this.#parts.bundleFromBlock(block);
    const ledger = await this.#parts.ledgers.create(channelId, block);
    const channel = this.#add(ledger, bundle);
    this.#parts.log.info('channel joined', { channel: channelId });
    for (const listener of this.#listeners) listener(channel);
    return channel;
  }

  async #reopen(channelId: string): Promise<void> {
    try {
      await using scope = new Scope();
      const ledger = scope.use(await this.#parts.ledgers.open(channelId));
      const bundle = await this.#parts.bundleFromBlock(await lastConfigBlock(ledger));
      scope.move();
      this.#add(ledger, bundle);
    } catch (thrown) {
      const error = SelvageError.from(thrown);
      this.#failures.set(channelId, error);
      this.#parts.log.error('channel cannot be opened', {
        channel: channelId,
        code: error.code,
        error: error.message,
        details: error.details,
      });
    }
  }

  /** By their ids, not by which was opened first. */
  #sort(): void {
    const channels = [...this.#channels].sort(([a], [b]) => compareUtf8(a, b));
    this.#channels.clear();
    for (const [id, channel] of channels) this.#channels.set(id, channel);
  }

  #add(ledger: Ledger, bundle: ChannelBundle): JoinedChannel {
    const channel = new JoinedChannel({ ledger, bundle });
    this.#channels.set(channel.id, channel);
    return channel;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#joins.idle();
    await using scope = new Scope();
    for (const channel of this.#channels.values()) scope.use(channel);
    this.#channels.clear();
  }
}

/** The newest configuration block of a ledger. @throws {SelvageError} `LEDGER_CORRUPT` */
async function lastConfigBlock({ blocks, channelId }: Ledger): Promise<common.Block> {
  const { height } = blocks.info();
  const last = height > 0n ? await blocks.block(height - 1n) : undefined;
  const config = last && (await blocks.block(lastConfigOf(last)));
  if (config !== undefined) return config;
  throw new SelvageError('LEDGER_CORRUPT', `the ledger of channel ${channelId} has no configuration block`, {
    details: { channel: channelId },
  });
}

const alreadyJoined = (channelId: string): SelvageError =>
  new SelvageError('CHANNEL_EXISTS', 'Cannot create ledger from genesis block, due to LedgerID already exists', {
    details: { channel: channelId },
  });

const cannotBeOpened = (channelId: string, cause: SelvageError): SelvageError =>
  new SelvageError(cause.code, `this peer has a ledger of channel ${channelId} that it cannot open: ${cause.message}`, {
    cause,
    details: { ...cause.details, channel: channelId },
    advice: cause.advice ?? 'Mend the cause, or remove the folder of the ledger and join the channel again.',
  });
