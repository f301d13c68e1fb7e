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

/** Has a listener hear everything, in the quickest way there is. */
export function listenTo<T>(incoming: Incoming<T>, listener: Listener<T>): void {
  if (incoming.listen !== undefined) incoming.listen(listener);
  else void handOver(incoming, listener);
}

async function handOver<T>(incoming: AsyncIterable<T>, listener: Listener<T>): Promise<void> {
  try {
    for await (const item of incoming) {
      const handled = listener.received(item);
      if (handled instanceof Promise) await handled;
    }
  } catch (failure) {
    listener.ended(failure);
    return;
  }
  listener.ended();
}
