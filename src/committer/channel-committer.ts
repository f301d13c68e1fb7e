import { setTimeout as sleep } from 'node:timers/promises';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { FABRIC_BUCKETS, type Gauge, type Histogram, type Metrics, timed } from '../common/metrics.ts';
import type { CommitOutcome, InvalidReason } from '../ledger/ledger.ts';
import type { PrivateDataSource } from '../privdata/ports/private-data-source.ts';
import { blockHash } from '../protos/hashes.ts';
import type { BlockSource } from './block-source.ts';
import type { BlockValidator } from './block-validator.ts';
import type { ChainPosition } from './block-verification.ts';
import { type Ahead, BlockPipeline } from './pipeline.ts';

export interface ChannelCommitterParts {
  readonly channel: JoinedChannel;
  readonly source: BlockSource;
  readonly validator: BlockValidator;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Waits before a lost source is asked again; rejects when the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The first such wait, which grows by a fifth each time, and the longest. */
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
  /**
   * How long a peer that was elected to fetch blocks would try before it leaves that to another. This one never gives up, and says so
   * once it has waited that long.
   */
  readonly giveUpMs?: number;
  /** Names the transaction that came before an invalid one, for the log; undefined where there is none. */
  readonly winnerOf?: ((reason: InvalidReason) => Promise<string | undefined>) | undefined;
  /** Where private data come from; the peer's own transient store unless told. */
  readonly privateData?: PrivateDataSource | undefined;
}

/** @see StateMetrics in hyperledger/fabric v2.5, gossip/metrics/metrics.go: its peers take blocks through gossip's state */
const HELP = { seconds: 'Time it takes to commit a block in seconds', height: 'Current ledger height' };

/** Of the invalid transactions of one block. */
const MOST_NAMED = 16;

/** Fabric's words for a peer that nobody elected. */
const NEVER_GIVES_UP = 'peer is a static leader, ignoring peer.deliveryclient.reconnectTotalTimeThreshold';

/**
 * Takes one channel's blocks from its source in order, through the stages of the pipeline. While a block is committed, the next is
 * verified and its signatures are checked. A lost source is asked again, later and later; what no retry can mend halts the channel.
 */
export class ChannelCommitter implements AsyncDisposable {
  readonly #parts: ChannelCommitterParts;
  readonly #pipeline: BlockPipeline;
  readonly #stop = new AbortController();
  readonly #commitSeconds: Histogram;
  readonly #height: Gauge;
  #done: Promise<void> | undefined;
  #told: Promise<void> = Promise.resolve();

  constructor(parts: ChannelCommitterParts) {
    this.#parts = parts;
    this.#pipeline = new BlockPipeline(parts);
    const labels = { channel: parts.channel.id };
    this.#commitSeconds = parts.metrics.histogram('gossip_state_commit_duration', HELP.seconds, labels, FABRIC_BUCKETS);
    this.#height = parts.metrics.gauge('gossip_state_height', HELP.height, labels);
    this.#height.set(Number(parts.channel.ledger.blocks.info().height));
  }

  /** Starts to follow the source. Calling it again changes nothing. */
  start(): void {
    this.#done ??= this.#run(this.#stop.signal);
  }

  /** Resolves when the committer has ended: it was disposed, or its channel is halted. */
  async ended(): Promise<void> {
    await this.#done;
    await this.#told;
  }

  /** Stops and waits: a block whose commit has begun is committed in full. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new SelvageError('CANCELLED', 'the committer is stopped'));
    await this.ended();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { channel, log, pause = pauseFor, firstPauseMs = 100, longestPauseMs = 10_000, giveUpMs = 3_600_000 } = this.#parts;
    let failures = 0;
    let waitedMs = 0;
    while (!signal.aborted && channel.halted() === undefined) {
      const { height: before, currentBlockHash } = channel.ledger.blocks.info();
      const { error, halts } = await this.#follow({ number: before, previousHash: currentBlockHash }, signal);
      if (signal.aborted) return;
      if (halts) return this.#halt(error);
      const progressed = channel.ledger.blocks.info().height > before;
      failures = progressed ? 0 : failures + 1;
      const ms = Math.min(Math.round(firstPauseMs * 1.2 ** failures), longestPauseMs);
      const waited = progressed ? 0 : waitedMs;
      waitedMs = waited + ms;
      if (waited <= giveUpMs && waitedMs > giveUpMs) log.warn(NEVER_GIVES_UP, { channel: channel.id });
      log.warn('no blocks, trying again', { channel: channel.id, code: error.code, error: error.message, failures, retryInMs: ms });
      await pause(ms, signal).catch(() => undefined);
    }
  }

  /** Commits what the source gives, until the source is lost or a block cannot be committed. */
  async #follow(from: ChainPosition, signal: AbortSignal): Promise<Failure> {
    const broken = new AbortController();
    const either = AbortSignal.any([signal, broken.signal]);
    let position = from;
    let committing: Promise<Failure | undefined> = Promise.resolve(undefined);
    let end: Failure = { error: new SelvageError('PEER_UNREACHABLE', 'the block source ended'), halts: false };
    try {
      for await (const block of this.#parts.source.blocks(from.number, either)) {
        const ahead = this.#pipeline.begin(block, position);
        const failure = await committing;
        if (failure !== undefined || either.aborted) break;
        committing = this.#commit(ahead, signal).then(
          () => {
            this.#parts.channel.stall(undefined);
            return undefined;
          },
          (thrown: unknown) => {
            broken.abort();
            return this.#stalled(failureOf(thrown));
          },
        );
        position = { number: position.number + 1n, previousHash: block.header && blockHash(block.header) };
      }
    } catch (cause) {
      end = { error: SelvageError.from(cause), halts: false };
    }
    return (await committing) ?? end;
  }

  /** What only speaks against the sender of a block is no trouble of this peer. */
  #stalled(failure: Failure): Failure {
    if (failure.error.code !== 'BLOCK_INVALID') this.#parts.channel.stall(failure.error);
    return failure;
  }

  async #commit(ahead: Ahead, signal: AbortSignal): Promise<void> {
    await ahead.verified.catch(() => undefined); // measured is what comes after it
    this.#report(await timed(this.#commitSeconds, () => this.#pipeline.finish(ahead, signal)));
  }

  #report(outcome: CommitOutcome): void {
    const { blockNumber, flags } = outcome;
    const { log, channel } = this.#parts;
    this.#told = this.#told.then(() => this.#tellInvalid(outcome));
    this.#height.set(Number(blockNumber) + 1);
    log.debug('block committed', { channel: channel.id, block: blockNumber.toString(), transactions: flags.length });
  }

  /** Nobody waits for what is looked up for the log alone; of a block full of conflicts it is not looked up for all. */
  async #tellInvalid({ blockNumber, reasons }: CommitOutcome): Promise<void> {
    const { log, channel, winnerOf } = this.#parts;
    for (const [at, reason] of reasons.entries()) {
      const winner = at < MOST_NAMED ? await winnerOf?.(reason).catch(() => undefined) : undefined; // the reason stands without it
      const { details, ...rest } = reason;
      const told = { ...details, channel: channel.id, block: blockNumber.toString(), ...rest, ...(winner !== undefined && { winner }) };
      log.warn('transaction is invalid', told);
    }
  }

  #halt(cause: SelvageError): void {
    const { channel, log } = this.#parts;
    const { height } = channel.ledger.blocks.info();
    const reason = new SelvageError('CHANNEL_HALTED', `channel ${channel.id} is halted at block ${height}: ${cause.message}`, {
      cause,
      details: { ...cause.details, channel: channel.id, block: height.toString() },
      advice: 'Mend the cause and start the peer again; reads go on meanwhile.',
    });
    channel.halt(reason);
    log.error('channel halted', { ...reason.details, code: cause.code, error: cause.message });
  }
}

interface Failure {
  readonly error: SelvageError;
  readonly halts: boolean;
}

/** A bad block speaks against its sender, a retryable error against the moment; everything else against going on. */
function failureOf(thrown: unknown): Failure {
  const error = SelvageError.from(thrown);
  return { error, halts: !error.retryable && error.code !== 'BLOCK_INVALID' };
}

const pauseFor = async (ms: number, signal: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, { signal });
};
