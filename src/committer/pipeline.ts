import { CommittedBlock } from '../channel/committed-block.ts';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import { FABRIC_BUCKETS, type Histogram, type Metrics, timed, unmeasured } from '../common/metrics.ts';
import type { CommitOutcome } from '../ledger/ledger.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { PrivateDataSource } from '../privdata/ports/private-data-source.ts';
import type { common } from '../protos/messages.ts';
import type { BlockValidator, PrecheckedBlock, Validation } from './block-validator.ts';
import { type ChainPosition, verifyBlock } from './block-verification.ts';
import { fromTransientStore, privateNeeds } from './private-needs.ts';

export interface BlockPipelineParts {
  readonly channel: JoinedChannel;
  readonly validator: BlockValidator;
  /** What was kept of endorsements unless told. */
  readonly privateData?: PrivateDataSource | undefined;
  readonly metrics?: Metrics | undefined;
}

const HELP = { validation: 'Seconds to judge the transactions of a block.', commit: 'Seconds to commit a block with its private data.' };

/** A block whose first stage runs, under the configuration that was in force when it came. */
export interface Ahead {
  readonly block: common.Block;
  readonly position: ChainPosition;
  readonly bundle: ChannelBundle;
  readonly verified: Promise<PrecheckedBlock>;
}

/**
 * What becomes of a block: verified and decoded, judged, given its private data, committed, announced. What one stage read is handed to
 * the next. Only the judgement holds a snapshot, only the commit holds the ledger, and neither waits for anybody outside this peer.
 */
export class BlockPipeline {
  readonly #channel: JoinedChannel;
  readonly #validator: BlockValidator;
  readonly #privateData: PrivateDataSource;
  /** Fabric measures both stages as parts of gossip. */
  readonly #validationSeconds: Histogram;
  readonly #commitSeconds: Histogram;

  constructor({ channel, validator, privateData = fromTransientStore(channel.ledger), metrics = unmeasured }: BlockPipelineParts) {
    this.#channel = channel;
    this.#validator = validator;
    this.#privateData = privateData;
    const seconds = (name: string, help: string): Histogram =>
      metrics.histogram(`gossip_privdata_${name}_duration`, help, { channel: channel.id }, FABRIC_BUCKETS);
    this.#validationSeconds = seconds('validation', HELP.validation);
    this.#commitSeconds = seconds('commit_block', HELP.commit);
  }

  /** Begins what can be done before the block ahead of it is committed. Never rejects; {@link finish} tells what went wrong. */
  begin(block: common.Block, position: ChainPosition): Ahead {
    return this.#begin({ block, position, bundle: this.#channel.bundle() });
  }

  /**
   * Does the rest, once the block before is committed.
   * @throws {SelvageError} what the stages refuse it with; then nothing of it is on the ledger. `CHANNEL_HALTED` when it is and those who
   *   follow were not all told: no further block may pass over them
   */
  async finish(ahead: Ahead, signal: AbortSignal): Promise<CommitOutcome> {
    const prechecked = await this.#verified(ahead);
    const { validated, nextBundle } = await timed(this.#validationSeconds, () => this.#judge(prechecked));
    const keepsInvalid = prechecked.bundle.application?.capabilities.storePvtDataOfInvalidTx === true;
    const privateData = await this.#privateData.collect(privateNeeds(validated, { invalid: keepsInvalid }), signal);
    const whole = { ...validated, privateData, keepsInvalid };
    const outcome = await timed(this.#commitSeconds, () => this.#channel.ledger.commit(whole));
    this.#announce(outcome, nextBundle);
    return outcome;
  }

  #begin(told: Omit<Ahead, 'verified'>): Ahead {
    const { block, position, bundle } = told;
    const verified = verifyBlock(block, position, bundle).then(() => this.#validator.precheck(block, bundle));
    verified.catch(() => undefined); // looked at when its turn comes
    return { ...told, verified };
  }

  /** Again when the block before changed the configuration: then the first verdict was the wrong one. */
  #verified(ahead: Ahead): Promise<PrecheckedBlock> {
    const bundle = this.#channel.bundle();
    return (ahead.bundle === bundle ? ahead : this.#begin({ ...ahead, bundle })).verified;
  }

  async #judge(prechecked: PrecheckedBlock): Promise<Validation> {
    const { ledger } = this.#channel;
    using state = ledger.snapshot();
    return await this.#validator.validate(prechecked, { state, blocks: ledger.blocks });
  }

  #announce({ block, blockNumber, reasons }: CommitOutcome, nextBundle: ChannelBundle | undefined): void {
    const { channelId } = this.#channel.ledger;
    try {
      if (nextBundle !== undefined) this.#channel.replaceBundle(nextBundle);
      this.#channel.feed.announce({ block: new CommittedBlock(channelId, block), reasons });
    } catch (cause) {
      const text = `block ${blockNumber} is committed and not all who follow heard of it: ${messageOf(cause)}`;
      throw new SelvageError('CHANNEL_HALTED', text, { cause });
    }
  }
}
