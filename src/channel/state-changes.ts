/** Hears which namespaces of a channel's state a block changed. Must not throw. */
export type StateListener = (channelId: string, namespaces: ReadonlySet<string>) => void;

/** Between the ledgers, which are opened first, and those who follow what becomes of their state. */
export class StateChanges {
  readonly #listeners = new Set<StateListener>();

  tell(channelId: string, namespaces: ReadonlySet<string>): void {
    for (const listener of this.#listeners) listener(channelId, namespaces);
  }

  /** Calls `listener` for every block that is committed from now on, until the result is disposed. */
  listen(listener: StateListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}
