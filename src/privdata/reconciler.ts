import type { Channel } from '../channel/channel.ts';
import { orAbort } from '../common/cancel.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type Metrics, timed } from '../common/metrics.ts';
import { systemTimers, type Timers } from '../common/timers.ts';
import type { ChannelMember } from '../gossip/peers.ts';
import type { Missing, WriteSetName } from '../ledger/pvtdata/private-data-keys.ts';
import { collectionBelow } from '../lifecycle/collections-of-block.ts';
import { readsOf } from '../lifecycle/definitions.ts';
import { findCollection } from '../lifecycle/lifecycle-collections.ts';
import { configOf } from './collection-config.ts';
import { durationOf } from './durations.ts';
import { MemberJudge, proofOf } from './member-judge.ts';
import type { Puller, Wanted } from './puller.ts';
import type { PrivateDataSettings } from './settings.ts';

export interface ReconcilerParts {
  readonly channel: Channel;
  readonly puller: Puller;
  readonly settings: Pick<PrivateDataSettings, 'reconcileSleepMs' | 'reconcileBatchSize' | 'deprioritizedMs'>;
  readonly timers?: Timers;
  readonly metrics: Metrics;
  readonly log: Logger;
}

interface Item extends Wanted {
  readonly name: WriteSetName;
}

/** What a cycle did. */
interface Tally {
  sets: number;
  lowest: bigint | undefined;
  highest: bigint | undefined;
}

/**
 * Asks others for the private data that blocks were committed without, every now and then.
 * @see gossip/privdata/reconcile.go in hyperledger/fabric v2.5
 */
export class Reconciler implements AsyncDisposable {
  readonly #parts: ReconcilerParts;
  readonly #timers: Timers;
  readonly #stop = new AbortController();
  #deprioritizedAt: number;
  #done: Promise<void> | undefined;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#timers = parts.timers ?? systemTimers;
    this.#deprioritizedAt = this.#timers.now().getTime();
  }

  /** Calling it again changes nothing. */
  start(): void {
    this.#done ??= this.#run(this.#stop.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new SelvageError('CANCELLED', 'reconciliation is stopped'));
    await this.#done;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#sleep(signal);
        await this.cycle(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        const { code, message } = SelvageError.from(thrown);
        this.#parts.log.error('Failed to reconcile missing private info', { channel: this.#parts.channel.id, code, error: message });
      }
    }
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = deferred<void>();
    using _timer = this.#timers.after(this.#parts.settings.reconcileSleepMs, () => resolve());
    await orAbort(promise, signal);
  }

  /** Asks once for everything that is missing, the newest blocks first; what nobody had comes along more rarely. */
  async cycle(signal: AbortSignal): Promise<void> {
    const { channel, metrics, log, settings } = this.#parts;
    await timed(durationOf(metrics, 'reconciliation', channel.id), async () => {
      for (const { namespace, collection, sets } of await channel.ledger.reviewEligibility())
        log.info('this organisation became a member of a collection: what is missing of it is asked for', { namespace, collection, sets });
      const tally: Tally = { sets: 0, lowest: undefined, highest: undefined };
      await this.#pass('eligible', tally, signal);
      if (this.#timers.now().getTime() - this.#deprioritizedAt >= settings.deprioritizedMs) {
        await this.#pass('deprioritized', tally, signal);
        this.#deprioritizedAt = this.#timers.now().getTime();
      }
      if (tally.sets === 0) return;
      const range = `[${tally.lowest} - ${tally.highest}]`;
      log.info(`Reconciliation cycle finished successfully. reconciled ${tally.sets} private data keys from blocks range ${range}`);
    });
  }

  async #pass(why: Missing, tally: Tally, signal: AbortSignal): Promise<void> {
    const { ledger } = this.#parts.channel;
    const blocks = this.#parts.settings.reconcileBatchSize;
    let below: bigint | undefined;
    for (;;) {
      signal.throwIfAborted();
      const names = await ledger.privateData.missing(why, { below, blocks });
      const last = names.at(-1);
      if (last === undefined || !(await this.#reconcile(names, tally, signal))) return;
      below = last.blockNum;
    }
  }

  /** False when there is nobody to ask. */
  async #reconcile(names: readonly WriteSetName[], tally: Tally, signal: AbortSignal): Promise<boolean> {
    const { channel, puller, log } = this.#parts;
    const items = await this.#items(names);
    const { found, expiring, nobody } = await puller.pull(items, { signal });
    if (nobody && items.length > 0) return false;
    const given = [...found].flatMap(([{ name }, { sets }]) => sets.map((rwset) => ({ ...name, rwset })));
    const { committed, refused } = await channel.ledger.commitOld(given);
    for (const { blockNum, index, reason, ...name } of refused)
      log.warn('Failed to reconcile pvtdata', { ...name, block: blockNum.toString(), transaction: index, reason });
    for (const { blockNum } of committed) count(tally, blockNum);
    await channel.ledger.setAside(items.filter((item) => !found.has(item) && !expiring.has(item)).map(({ name }) => name));
    return true;
  }

  /** Who was a member then and is one now has it most likely; who is one now may have it. */
  async #items(names: readonly WriteSetName[]): Promise<readonly Item[]> {
    const { channel } = this.#parts;
    using snapshot = channel.ledger.snapshot();
    const reads = readsOf(snapshot);
    const judge = new MemberJudge(channel.bundle());
    const items: Item[] = [];
    for (const name of names) {
      const { namespace, collection, blockNum, index } = name;
      const latest = await findCollection(reads, namespace, collection);
      if (latest === undefined) continue;
      const then = await collectionBelow(channel.ledger, name, blockNum);
      const [now, before] = [configOf(latest), then && configOf(then)];
      const accepts = (member: ChannelMember): Promise<boolean> => judge.isMember(now, proofOf(member));
      const { blockToLive = 0n } = now;
      items.push({
        name,
        digest: { txId: '', namespace, collection, blockSeq: blockNum, seqInBlock: BigInt(index) },
        accepts,
        prefers: async (member) => before !== undefined && (await accepts(member)) && (await judge.isMember(before, proofOf(member))),
        hash: undefined,
        expiresAt: blockToLive === 0n ? undefined : blockNum + blockToLive,
      });
    }
    return items;
  }
}

function count(tally: Tally, blockNum: bigint): void {
  tally.sets += 1;
  if (tally.lowest === undefined || blockNum < tally.lowest) tally.lowest = blockNum;
  if (tally.highest === undefined || blockNum > tally.highest) tally.highest = blockNum;
}
