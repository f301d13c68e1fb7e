import { equalBytes } from '../common/bytes.ts';
import type { Clock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { Refusals } from '../common/refusals.ts';
import { Serial } from '../common/serial.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { channelIdOfBlock, configEnvelopeOfBlock, lastConfigOf } from '../msp/channelconfig/config-block.ts';
import type { Signer } from '../msp/identity.ts';
import { common } from '../protos/messages.ts';
import type { MetadataForm } from './block-builder.ts';
import { hasOrderer } from './config-messages.ts';
import { type BroadcastAnswer, badRequest, received } from './filters.ts';
import type { OrderedBlocks, OrdererBlocks } from './orderer-blocks.ts';
import { type CutMode, OrdererChannel } from './orderer-channel.ts';

export interface OrdererParts {
  /** The orderer's own identity; a member of an orderer organisation of every channel it serves. */
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Opens the blocks of a channel, empty when there are none yet. */
  readonly openBlocks: (channelId: string) => Promise<OrdererBlocks>;
  /** Removes the blocks of a channel that is closed. */
  readonly removeBlocks?: ((channelId: string) => Promise<void>) | undefined;
  readonly bundleOf: (channelId: string, config: common.Config) => ChannelBundle;
  /** Reads the next configuration and checks that it may follow the current one. */
  readonly nextBundle: (current: ChannelBundle, config: common.Config) => ChannelBundle;
  /** Default `batch`. */
  readonly cut?: CutMode;
  /** Default `2.x`. */
  readonly form?: MetadataForm;
  /** Waits before a block is written again that the disk refused; rejects when the signal aborts. */
  readonly pause?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

const { NOT_FOUND } = common.Status;
const { CONFIG, CONFIG_UPDATE, ORDERER_TRANSACTION } = common.HeaderType;

/**
 * An ordering service for development: one process, no consensus, no fault tolerance. What it accepts, refuses and writes is
 * what Fabric's orderer accepts, refuses and writes.
 */
export class Orderer implements AsyncDisposable {
  readonly #parts: OrdererParts;
  readonly #channels = new Map<string, OrdererChannel>();
  readonly #opening = new Serial();
  readonly #removing = new Set<string>();
  readonly #refusals: Refusals;

  constructor(parts: OrdererParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts.log, 'broadcast refused');
    parts.log.warn(
      'this ordering service is for development only: a single process orders everything, and nothing takes over when it stops',
    );
  }

  get channelIds(): readonly string[] {
    return [...this.#channels.keys()].sort();
  }

  /**
   * Serves a channel: begins it with this block, or goes on where its blocks end when it has some.
   * @throws {SelvageError} `CHANNEL_EXISTS`, `CONFIG_INVALID`, `LEDGER_CORRUPT`
   */
  join(genesis: common.Block): Promise<void> {
    return this.#opening.run(() => this.#join(genesis));
  }

  /**
   * Serves a channel whose blocks are kept.
   * @returns whether there are any
   * @throws {SelvageError} `CONFIG_INVALID`, `LEDGER_CORRUPT`
   */
  resume(channelId: string): Promise<boolean> {
    return this.#opening.run(async () => this.#channels.has(channelId) || (await this.#goOn(channelId)));
  }

  /**
   * Serves a channel no longer and removes its blocks; what was accepted and not written is lost.
   * @throws {SelvageError} `CHANNEL_NOT_FOUND`
   */
  remove(channelId: string): Promise<void> {
    const channel = this.#channels.get(channelId);
    if (channel === undefined)
      return Promise.reject(new SelvageError('CHANNEL_NOT_FOUND', 'channel does not exist', { details: { channelId } }));
    this.#channels.delete(channelId);
    this.#removing.add(channelId);
    return this.#opening.run(async () => {
      try {
        await channel[Symbol.asyncDispose]();
        await this.#parts.removeBlocks?.(channelId);
        this.#parts.log.info('channel removed', { channel: channelId });
      } finally {
        this.#removing.delete(channelId);
      }
    });
  }

  /** Whether a channel is being removed now. */
  removing(channelId: string): boolean {
    return this.#removing.has(channelId);
  }

  async #join(genesis: common.Block): Promise<void> {
    const channelId = channelIdOfBlock(genesis);
    if (this.#channels.has(channelId)) throw new SelvageError('CHANNEL_EXISTS', 'channel already exists', { details: { channelId } });
    const first = this.#bundleIn(genesis, channelId);
    if (genesis.header?.number !== 0n)
      throw new SelvageError('CONFIG_INVALID', 'this orderer is for development and follows no others: a channel begins with its block 0');
    await this.#checkSigner(first);
    const blocks = await this.#parts.openBlocks(channelId);
    try {
      const begins = blocks.height() === 0n;
      if (begins) await blocks.append(genesis);
      else await checkSameChannel(blocks, genesis);
      const bundle = begins ? first : this.#bundleIn(await newestConfig(blocks), channelId);
      this.#channels.set(channelId, await this.#start(channelId, blocks, bundle));
    } catch (cause) {
      await blocks[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async #goOn(channelId: string): Promise<boolean> {
    const blocks = await this.#parts.openBlocks(channelId);
    try {
      if (blocks.height() === 0n) {
        await blocks[Symbol.asyncDispose]();
        return false;
      }
      const bundle = this.#bundleIn(await newestConfig(blocks), channelId);
      this.#channels.set(channelId, await this.#start(channelId, blocks, bundle));
      return true;
    } catch (cause) {
      await blocks[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** Blocks that no peer of the channel would take are not written. */
  async #checkSigner(bundle: ChannelBundle): Promise<void> {
    const { signer } = this.#parts;
    const data = new Uint8Array([0]);
    const verdict = await bundle.policies
      .get('/Channel/Orderer/BlockValidation')
      .evaluate([{ data, identity: signer.serialized, signature: await signer.sign(data) }]);
    if (verdict.ok) return;
    const why = `blocks of this orderer, which is of ${signer.mspId}, do not satisfy /Channel/Orderer/BlockValidation: ${verdict.reason}`;
    throw new SelvageError('CONFIG_INVALID', why, { details: { channelId: bundle.channelId } });
  }

  #bundleIn(block: common.Block, channelId: string) {
    const bundle = this.#parts.bundleOf(channelId, configEnvelopeOfBlock(block).config);
    if (!hasOrderer(bundle)) throw new SelvageError('CONFIG_INVALID', 'config does not contain orderer config', { details: { channelId } });
    return bundle;
  }

  async #start(
    channelId: string,
    blocks: OrdererBlocks,
    bundle: Parameters<typeof OrdererChannel.start>[0]['bundle'],
  ): Promise<OrdererChannel> {
    const { signer, clock, log, nextBundle, cut = 'batch', form = '2.x', pause } = this.#parts;
    const channel = await OrdererChannel.start({
      blocks,
      bundle,
      nextBundle,
      signer,
      clock,
      log: log.child({ channel: channelId }),
      cut,
      form,
      pause,
    });
    log.info('ordering channel', { channel: channelId, height: blocks.height().toString(), cut });
    return channel;
  }

  /**
   * Judges one envelope and takes it for ordering.
   * @param bytes a `common.Envelope`, as a client sent it
   * @see ProcessMessage in hyperledger/fabric v2.5, orderer/common/broadcast/broadcast.go
   */
  async broadcast(bytes: Uint8Array): Promise<BroadcastAnswer> {
    const message = received(bytes);
    const answer = 'status' in message ? message : await this.#process(message.envelope, message.channelHeader);
    if (answer.status !== common.Status.SUCCESS) this.#logRefusal(answer, 'status' in message ? undefined : message.channelHeader);
    return answer;
  }

  async #process(envelope: common.Envelope, { channelId, type }: common.ChannelHeader): Promise<BroadcastAnswer> {
    const channel = this.#channels.get(channelId);
    if (channel === undefined) return { status: NOT_FOUND, info: 'channel does not exist' };
    if (type === CONFIG || type === ORDERER_TRANSACTION) return badRequest('message is of type that cannot be processed directly');
    return channel.broadcast(envelope, { isUpdate: type === CONFIG_UPDATE });
  }

  #logRefusal({ status, info }: BroadcastAnswer, header: common.ChannelHeader | undefined): void {
    this.#refusals.note({ status, reason: info, channel: header?.channelId, txId: header?.txId });
  }

  /** The blocks of a channel, for deliver; undefined when there is no such channel. */
  blocks(channelId: string): OrderedBlocks | undefined {
    return this.#channels.get(channelId)?.blocks;
  }

  /** The configuration in force. */
  bundle(channelId: string): ChannelBundle | undefined {
    return this.#channels.get(channelId)?.bundle;
  }

  /** Takes nothing more; what was accepted is written first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opening.idle();
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    await Promise.all(channels.map((channel) => channel[Symbol.asyncDispose]()));
  }
}

/** Another genesis block is another channel, whatever its name. */
async function checkSameChannel(blocks: OrdererBlocks, genesis: common.Block): Promise<void> {
  const begun = (await blocks.block(0n))?.header;
  if (begun !== undefined && genesis.header !== undefined && equalBytes(begun.dataHash, genesis.header.dataHash)) return;
  throw new SelvageError('CHANNEL_EXISTS', 'the stored blocks of this channel begin with another genesis block', {
    advice: 'Remove the stored blocks, or join with the block the channel was begun with.',
  });
}

async function newestConfig(blocks: OrdererBlocks): Promise<common.Block> {
  const last = await blocks.block(blocks.height() - 1n);
  const config = last && (await blocks.block(lastConfigOf(last)));
  if (config === undefined) throw new SelvageError('LEDGER_CORRUPT', 'the newest configuration block cannot be read');
  return config;
}
