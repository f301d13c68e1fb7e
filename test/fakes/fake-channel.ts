import type { OwnChannel } from '../../src/gossip/channels/own-channels.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';

/** A channel of a peer as gossip sees it, whose blocks and configurations tests decide about. */
export class FakeChannel implements OwnChannel {
  readonly id: string;
  readonly feed: OwnChannel['feed'];
  #height = 1n;
  #bundle: ChannelBundle;
  readonly #blocks = new Set<() => void>();
  readonly #configured = new Set<() => void>();

  constructor(id: string, bundle: ChannelBundle) {
    this.id = id;
    this.#bundle = bundle;
    const height = (): bigint => this.#height;
    this.feed = {
      get height() {
        return height();
      },
      listen: (listener) => added(this.#blocks, listener as () => void),
    };
  }

  bundle(): ChannelBundle {
    return this.#bundle;
  }

  onConfigured(listener: () => void): Disposable {
    return added(this.#configured, listener);
  }

  commit(blocks = 1): void {
    for (let at = 0; at < blocks; at += 1) {
      this.#height += 1n;
      for (const listener of this.#blocks) listener();
    }
  }

  configure(bundle: ChannelBundle): void {
    this.#bundle = bundle;
    for (const listener of this.#configured) listener();
  }
}

/** A listener until the result is disposed. */
export const added = <T>(listeners: Set<T>, listener: T): Disposable => {
  listeners.add(listener);
  return { [Symbol.dispose]: () => void listeners.delete(listener) };
};
