import type { KeepaliveTimes } from '../limits.ts';

export interface KeepaliveActions {
  ping(): void;
  lost(): void;
  /** Whether anybody would mind if the other side were gone. */
  busy(): boolean;
}

/** Asks a silent other side whether it is there, and gives the connection up when it does not answer. */
export class Keepalive implements Disposable {
  readonly #times: KeepaliveTimes;
  readonly #actions: KeepaliveActions;
  #timer: NodeJS.Timeout | undefined;
  #heard = false;

  constructor(times: KeepaliveTimes, actions: KeepaliveActions) {
    this.#times = times;
    this.#actions = actions;
  }

  start(): void {
    this.#wait(this.#times.keepaliveMs, () => this.#ask());
  }

  /** Something came. */
  heard(): void {
    this.#heard = true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #ask(): void {
    if (this.#heard || !this.#actions.busy()) {
      this.start();
      return;
    }
    this.#actions.ping();
    this.#wait(this.#times.keepaliveTimeoutMs, () => (this.#heard ? this.start() : this.#actions.lost()));
  }

  #wait(ms: number, then: () => void): void {
    this.#heard = false;
    this.#timer = setTimeout(then, ms);
    this.#timer.unref();
  }
}
