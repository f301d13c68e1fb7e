import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../common/clock.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { Signer } from '../msp/identity.ts';
import { common } from '../protos/messages.ts';
import type { MetadataForm } from './block-builder.ts';
import { BlockCutter } from './block-cutter.ts';
import { BlockWriter } from './block-writer.ts';
import { type ConfigMessageParts, type OrdererBundle, type ProcessedUpdate, processConfigUpdate } from './config-messages.ts';
import { type BroadcastAnswer, refusalOf, sizeOf } from './filters.ts';
import type { OrdererBlocks } from './orderer-blocks.ts';
import { OrderingQueue } from './ordering-queue.ts';

/** When blocks are cut: as the channel's batch settings say, or as soon as nothing else waits. */
export type CutMode = 'batch' | 'instant';

export interface OrdererChannelParts {
  readonly blocks: OrdererBlocks;
  readonly bundle: OrdererBundle;
  readonly nextBundle: ConfigMessageParts['nextBundle'];
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly cut: CutMode;
  readonly form: MetadataForm;
  /** Waits before a block is written again that the disk refused; rejects when the signal aborts. */
  readonly pause?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** An accepted message. `sequence` is that of the configuration it was judged by. */
interface Message {
  readonly envelope: common.Envelope;
  readonly size: number;
  readonly sequence: bigint;
  /** Set for an update: what it was made into. */
  readonly config: ProcessedUpdate | undefined;
}

/** Accepted messages that wait for the writer; beyond that, broadcasts wait. */
const QUEUE_LIMIT = 1_000;

const LONGEST_PAUSE_MS = 5_000;

const { SUCCESS, SERVICE_UNAVAILABLE } = common.Status;

const newNonce = (): Uint8Array => new Uint8Array(randomBytes(24));

/** One channel of the orderer: judges messages as they come, orders them in one place, writes blocks. */
export class OrdererChannel implements AsyncDisposable {
  readonly #parts: OrdererChannelParts;
  readonly #queue = new OrderingQueue<Message>(QUEUE_LIMIT);
  readonly #cutter = new BlockCutter<Message>();
  readonly #writer: BlockWriter;
  readonly #ordering: Promise<void>;
  #bundle: OrdererBundle;
  /** When the batch that waits is cut at the latest, by the process's own clock in milliseconds. */
  #cutAt: number | undefined;
  /** Why nothing is taken: set for good when blocks cannot be written, and while they are tried again. */
  #failure: unknown;
  readonly #stopped = new AbortController();

  private constructor(parts: OrdererChannelParts, writer: BlockWriter) {
    this.#parts = parts;
    this.#writer = writer;
    this.#bundle = parts.bundle;
    this.#ordering = this.#order();
  }

  /** Goes on where the blocks end. Owns the blocks from here on. */
  static async start(parts: OrdererChannelParts): Promise<OrdererChannel> {
    const { blocks, signer, form } = parts;
    return new OrdererChannel(parts, await BlockWriter.after(blocks, { signer, form, nonce: newNonce }));
  }

  get bundle(): ChannelBundle {
    return this.#bundle;
  }

  get blocks(): OrdererBlocks {
    return this.#parts.blocks;
  }

  /** SUCCESS says that the message will be ordered, and nothing about what becomes of it then. */
  async broadcast(envelope: common.Envelope, { isUpdate }: { readonly isUpdate: boolean }): Promise<BroadcastAnswer> {
    if (this.#failure !== undefined) return unavailable(this.#failure);
    const judged = isUpdate ? await this.#judgeUpdate(envelope) : await this.#judge(envelope);
    if ('status' in judged) return judged;
    const accepted = await this.#queue.push(judged);
    return accepted ? { status: SUCCESS, info: '' } : unavailable(this.#failure ?? 'the orderer is stopping');
  }

  async #judge(envelope: common.Envelope): Promise<Message | BroadcastAnswer> {
    const parts = this.#judgement();
    if (parts.bundle.orderer.maintenance) return unavailable('normal transactions are rejected: maintenance mode');
    const refusal = await refusalOf(envelope, parts);
    return refusal ?? { envelope, size: sizeOf(envelope), sequence: parts.bundle.sequence, config: undefined };
  }

  async #judgeUpdate(envelope: common.Envelope): Promise<Message | BroadcastAnswer> {
    const parts = this.#judgement();
    const config = await processConfigUpdate(envelope, parts);
    return 'status' in config ? config : { envelope, size: sizeOf(config.envelope), sequence: parts.bundle.sequence, config };
  }

  /** Everything a message is judged by, taken once: the configuration may change meanwhile. */
  #judgement(): ConfigMessageParts {
    const { clock, signer, nextBundle } = this.#parts;
    return { bundle: this.#bundle, nextBundle, clock, signer, nonce: newNonce };
  }

  /** The one place that orders. Ends when the queue is closed and empty, or when a block cannot be written. */
  async #order(): Promise<void> {
    try {
      for (;;) {
        const next = await this.#queue.next(this.#patience());
        if (next.is === 'message') await this.#take(next.message);
        else await this.#writeBatch(this.#cutter.cut());
        if (next.is === 'closed') return;
      }
    } catch (cause) {
      this.#failure = cause;
      this.#queue.close();
      this.#parts.log.error('the channel orders nothing more', { reason: messageOf(cause) });
    }
  }

  #patience(): number | undefined {
    return this.#cutAt === undefined ? undefined : Math.max(0, this.#cutAt - performance.now());
  }

  async #take(message: Message): Promise<void> {
    const current = message.sequence < this.#bundle.sequence ? await this.#judgeAgain(message) : message;
    if (current?.config !== undefined) await this.#takeConfig(current.config);
    else if (current !== undefined) await this.#takeNormal(current);
    const nothingElse = this.#parts.cut === 'instant' && this.#queue.length === 0;
    const overdue = this.#cutAt !== undefined && performance.now() >= this.#cutAt;
    if (nothingElse || overdue) await this.#writeBatch(this.#cutter.cut());
  }

  /** The configuration has moved on since the message was accepted. What it no longer allows is dropped, as in Fabric. */
  async #judgeAgain({ envelope, config }: Message): Promise<Message | undefined> {
    const judged = config === undefined ? await this.#judge(envelope) : await this.#judgeUpdate(envelope);
    if (!('status' in judged)) return judged;
    this.#parts.log.warn('an accepted message is no longer valid and is dropped', { status: judged.status, reason: judged.info });
    return undefined;
  }

  async #takeNormal(message: Message): Promise<void> {
    const { batchSize, batchTimeoutMs } = this.#bundle.orderer;
    const batches = this.#cutter.take(message, batchSize);
    for (const batch of batches) await this.#writeBatch(batch);
    if (this.#cutter.waiting) this.#cutAt ??= performance.now() + batchTimeoutMs;
  }

  async #takeConfig({ envelope, next }: ProcessedUpdate): Promise<void> {
    await this.#writeBatch(this.#cutter.cut());
    const number = await this.#written(() => this.#writer.writeConfig(common.Envelope.encode(envelope)));
    this.#bundle = next;
    this.#parts.log.info('configuration block written', { block: number.toString(), sequence: next.sequence.toString() });
  }

  /**
   * Envelopes are encoded anew, as Fabric's orderer does: peers refuse a block with an envelope in another than the canonical
   * form, since the data hash has no lengths. What is signed is inside and stays as it came.
   */
  async #writeBatch(batch: readonly Message[]): Promise<void> {
    this.#cutAt = undefined;
    if (batch.length === 0) return;
    const number = await this.#written(() => this.#writer.write(batch.map(({ envelope }) => common.Envelope.encode(envelope))));
    this.#parts.log.debug('block written', { block: number.toString(), transactions: batch.length });
  }

  /** What was accepted waits for room on the disk; meanwhile nothing is taken. Stopping ends the wait, and what waits is lost. */
  async #written(write: () => Promise<bigint>): Promise<bigint> {
    const { pause = pauseFor, log } = this.#parts;
    for (let failures = 0; ; failures += 1) {
      try {
        const number = await write();
        this.#failure = undefined;
        if (failures > 0) log.info('blocks can be written again');
        return number;
      } catch (cause) {
        if (!SelvageError.from(cause).retryable || this.#stopped.signal.aborted) throw cause;
        this.#failure ??= cause;
        const ms = Math.min(Math.round(100 * 1.5 ** failures), LONGEST_PAUSE_MS);
        log.warn('a block cannot be written, trying again', { reason: messageOf(cause), failures: failures + 1, retryInMs: ms });
        await pause(ms, this.#stopped.signal).catch(() => undefined);
      }
    }
  }

  /** Takes nothing more, writes what was accepted, then closes the blocks. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#queue.close();
    await this.#ordering;
    await this.#parts.blocks[Symbol.asyncDispose]();
  }
}

const unavailable = (reason: unknown): BroadcastAnswer => ({
  status: SERVICE_UNAVAILABLE,
  info: typeof reason === 'string' ? reason : messageOf(reason),
});

const pauseFor = async (ms: number, signal: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, { signal });
};
