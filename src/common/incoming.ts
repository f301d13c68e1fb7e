import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MaybePromise } from './maybe.ts';

/** Hears what comes in, in order. */
export interface Listener<T> {
  /** While a promise that it returned is pending, nothing further comes: that is how a flood is held back. Must not fail. */
  received(item: T): MaybePromise<void>;
  /** Nothing more comes. @param failure why, when it broke; undefined when it ended in order */
  ended(failure?: unknown): void;
}

/** What comes in. It is read once: one item at a time or, where there is `listen`, as it comes. */
export interface Incoming<T> extends AsyncIterable<T> {
  /** Hands items over in the turn in which they come. */
  listen?(listener: Listener<T>): void;
}

/** So many items later all others get their turn: a sender with many small items holds nobody up. */
const MOST_AT_ONCE = 256;

/** Has a listener hear everything, in the quickest way there is. */
export function listenTo<T>(incoming: Incoming<T>, listener: Listener<T>): void {
  if (incoming.listen !== undefined) incoming.listen(listener);
  else void handOver(incoming, listener);
}

async function handOver<T>(incoming: AsyncIterable<T>, listener: Listener<T>): Promise<void> {
  let sincePause = 0;
  try {
    for await (const item of incoming) {
      const handled = listener.received(item);
      if (handled instanceof Promise) await handled;
      sincePause += 1;
      if (sincePause < MOST_AT_ONCE) continue;
      sincePause = 0;
      await nextTurn();
    }
  } catch (failure) {
    listener.ended(failure);
    return;
  }
  listener.ended();
}

/** Where items wait to be taken. */
export interface Waiting<T> {
  /** The next item, undefined where none is. What it throws is how the whole ends. */
  take(): T | undefined;
  /** Set when nothing more comes than what waits. */
  readonly over: { readonly failure: unknown } | undefined;
}

/** Hands what waits to a listener, each item when the one before is dealt with, and then the end, once. */
export class Delivery<T> {
  readonly #waiting: Waiting<T>;
  readonly #listener: Listener<T>;
  /** Whether the listener is busy with an item or has heard the end, or others have their turn. */
  #held = false;
  #sincePause = 0;

  constructor(waiting: Waiting<T>, listener: Listener<T>) {
    this.#waiting = waiting;
    this.#listener = listener;
  }

  /** Goes on as far as it can: call it when something came, or nothing more does. */
  proceed(): void {
    while (!this.#held) {
      this.#held = true; // what comes meanwhile waits
      if (this.#sincePause === MOST_AT_ONCE) {
        this.#sincePause = 0;
        setImmediate(() => this.#release());
        return;
      }
      const busy = this.#next();
      if (busy === undefined) return;
      if (busy instanceof Promise) {
        void busy.then(() => this.#release());
        return;
      }
      this.#held = false;
    }
  }

  #release(): void {
    this.#held = false;
    this.proceed();
  }

  /** @returns what the listener does with the next item, undefined when there is none */
  #next(): Promise<void> | true | undefined {
    let item: T | undefined;
    try {
      item = this.#waiting.take();
    } catch (failure) {
      this.#listener.ended(failure);
      return undefined;
    }
    if (item !== undefined) {
      this.#sincePause += 1;
      return this.#listener.received(item) ?? true;
    }
    const { over } = this.#waiting;
    if (over === undefined) this.#held = false;
    else this.#listener.ended(over.failure);
    return undefined;
  }
}
