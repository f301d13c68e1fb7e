import type { BlockFeed } from '../../channel/block-feed.ts';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { OwnPeer } from '../own-peer.ts';
import { type NamedChaincode, OwnStateInfo } from './own-state-info.ts';

/** A channel of this peer, as far as gossip is concerned. */
export interface OwnChannel {
  readonly id: string;
  readonly feed: Pick<BlockFeed, 'height' | 'listen'>;
  bundle(): ChannelBundle;
  /** Calls after another configuration is in force. */
  onConfigured(listener: () => void): Disposable;
}

/** The channels of this peer: `ChannelRegistry` is one. */
export interface OwnChannelList {
  list(): readonly OwnChannel[];
  onJoined(listener: (channel: OwnChannel) => void): Disposable;
}

/** What this peer can endorse. */
export interface EndorsableChaincodes {
  /** Those that are defined on a channel, agreed to by its own organisation and installed here, in the order to be told. */
  on(channelId: string): Promise<readonly NamedChaincode[]>;
  /** Calls when that may have changed, on one channel or on all. */
  onChanged(listener: (channelId: string | undefined) => void): Disposable;
}

export interface OwnChannelsParts {
  readonly channels: OwnChannelList;
  readonly chaincodes: EndorsableChaincodes;
  readonly peer: OwnPeer;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What this peer takes part in and says of it: its state info of each channel, kept true as blocks, installs and definitions come. */
export class OwnChannels implements AsyncDisposable {
  readonly #parts: OwnChannelsParts;
  readonly #scope = new Scope();
  readonly #channels = new Map<string, { readonly channel: OwnChannel; readonly state: OwnStateInfo }>();
  readonly #listeners = new Set<(channelId: string) => void>();
  readonly #configured = new Set<(channel: OwnChannel) => void>();
  readonly #endorsable = new Set<(channelId: string) => void>();
  /** Reads of chaincodes that go on, and whether another one is due after. */
  readonly #reads = new Map<string, { again: boolean; readonly over: Promise<void> }>();

  private constructor(parts: OwnChannelsParts) {
    this.#parts = parts;
  }

  /** Resolves when it is known what can be endorsed on the channels that are there. */
  static async open(parts: OwnChannelsParts): Promise<OwnChannels> {
    const own = new OwnChannels(parts);
    const { channels, chaincodes } = parts;
    own.#scope.use(channels.onJoined((channel) => own.#add(channel)));
    own.#scope.use(chaincodes.onChanged((channelId) => own.#reread(channelId)));
    for (const channel of channels.list()) own.#add(channel);
    await Promise.all([...own.#reads.values()].map(({ over }) => over));
    return own;
  }

  /** The state info of a channel; undefined where this peer, or its organisation, takes no part. */
  get(channelId: string): OwnStateInfo | undefined {
    const found = this.#channels.get(channelId);
    return found !== undefined && isMember(found.channel, this.#parts.peer.mspId) ? found.state : undefined;
  }

  /** The state info of a channel that was joined, whether the own organisation is in it or not. */
  stateOf(channelId: string): OwnStateInfo | undefined {
    return this.#channels.get(channelId)?.state;
  }

  /** Channels that this peer has joined, those that its organisation is not in too. */
  list(): readonly OwnChannel[] {
    return [...this.#channels.values()].map(({ channel }) => channel);
  }

  /** Calls after a join and whenever another configuration is in force, until the result is disposed. */
  onConfigured(listener: (channel: OwnChannel) => void): Disposable {
    this.#configured.add(listener);
    return { [Symbol.dispose]: () => void this.#configured.delete(listener) };
  }

  /** Calls after something else can be endorsed on a channel, until the result is disposed. */
  onEndorsable(listener: (channelId: string) => void): Disposable {
    this.#endorsable.add(listener);
    return { [Symbol.dispose]: () => void this.#endorsable.delete(listener) };
  }

  /** Calls after something else is said of a channel, until the result is disposed. */
  onChanged(listener: (channelId: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await Promise.all([...this.#reads.values()].map(({ over }) => over));
  }

  #add(channel: OwnChannel): void {
    const { peer, clock } = this.#parts;
    const state = new OwnStateInfo({ channelId: channel.id, peer, clock, height: () => channel.feed.height });
    this.#channels.set(channel.id, { channel, state });
    this.#scope.use(channel.feed.listen(() => this.#tell(channel.id)));
    this.#scope.use(channel.onConfigured(() => this.#configure(channel)));
    this.#reread(channel.id);
    this.#configure(channel);
  }

  #configure(channel: OwnChannel): void {
    for (const listener of this.#configured) listener(channel);
    this.#tell(channel.id);
  }

  #reread(channelId: string | undefined): void {
    for (const id of channelId === undefined ? this.#channels.keys() : [channelId]) {
      const reading = this.#reads.get(id);
      if (reading !== undefined) reading.again = true;
      else if (this.#channels.has(id)) this.#reads.set(id, this.#startReading(id));
    }
  }

  #startReading(channelId: string): { again: boolean; readonly over: Promise<void> } {
    const reading = { again: true, over: Promise.resolve() };
    reading.over = this.#read(channelId, reading).finally(() => this.#reads.delete(channelId));
    return reading;
  }

  async #read(channelId: string, reading: { again: boolean }): Promise<void> {
    while (reading.again) {
      reading.again = false;
      try {
        const chaincodes = await this.#parts.chaincodes.on(channelId);
        if (this.#channels.get(channelId)?.state.setChaincodes(chaincodes) === true) this.#tellEndorsable(channelId);
      } catch (thrown) {
        this.#parts.log.warn('it is not known what this peer can endorse', { channel: channelId, error: messageOf(thrown) });
      }
    }
  }

  #tellEndorsable(channelId: string): void {
    for (const listener of this.#endorsable) listener(channelId);
    this.#tell(channelId);
  }

  #tell(channelId: string): void {
    for (const listener of this.#listeners) listener(channelId);
  }
}

const isMember = (channel: OwnChannel, mspId: string): boolean =>
  channel.bundle().application?.orgs.some((org) => org.mspId === mspId) === true;
