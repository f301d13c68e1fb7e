import { SelvageError } from '../common/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { BlockFeed } from './block-feed.ts';
import type { Channel } from './channel.ts';

export interface JoinedChannelParts {
  readonly ledger: Ledger;
  /** The configuration in force at the ledger's height. */
  readonly bundle: ChannelBundle;
}

/** A channel whose ledger is open here. Its committer alone replaces the configuration or halts it; all others see a `Channel`. */
export class JoinedChannel implements Channel, AsyncDisposable {
  readonly id: string;
  readonly ledger: Ledger;
  readonly feed: BlockFeed;
  #bundle: ChannelBundle;
  #halted: Error | undefined;
  readonly #listeners = new Set<() => void>();
  #stalled: Error | undefined;

  constructor({ ledger, bundle }: JoinedChannelParts) {
    this.id = ledger.channelId;
    this.ledger = ledger;
    this.feed = new BlockFeed({ channelId: this.id, blocks: ledger.blocks });
    this.#bundle = bundle;
  }

  bundle(): ChannelBundle {
    return this.#bundle;
  }

  halted(): Error | undefined {
    return this.#halted;
  }

  stalled(): Error | undefined {
    return this.#stalled;
  }

  /** Says what keeps the next block from being committed; undefined when nothing does any more. */
  stall(reason: Error | undefined): void {
    this.#stalled = reason;
  }

  /** Puts the configuration of a committed block in force. */
  replaceBundle(next: ChannelBundle): void {
    this.#bundle = next;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener`, which must not throw, whenever another configuration is in force, until the result is disposed. */
  onConfigured(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Says that no further block will be committed, and why; the first reason stays. */
  halt(reason: Error): void {
    this.#halted ??= reason;
  }

  /** Closes the ledger. Stop the channel's committer first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.feed.close(new SelvageError('LEDGER_UNAVAILABLE', 'the ledger is closed'));
    await this.ledger[Symbol.asyncDispose]();
  }
}
