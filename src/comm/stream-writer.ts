/** What a writer needs of grpc-js' calls, of either side. */
interface WritableCall {
  write(message: Uint8Array): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** Writes messages and waits for the transport where it asks for that. Any number of senders wait for the same drain. */
export class StreamWriter {
  readonly #call: WritableCall;
  readonly #over: AbortSignal;
  #drained: Promise<void> | undefined;
  #giveUp: (reason: unknown) => void = () => undefined;

  /** @param over aborts when the call is over: whoever waits then gets its reason */
  constructor(call: WritableCall, over: AbortSignal) {
    this.#call = call;
    this.#over = over;
    over.addEventListener('abort', () => this.#giveUp(over.reason), { once: true });
  }

  send(message: Uint8Array): Promise<void> {
    if (this.#over.aborted) return Promise.reject(this.#over.reason);
    if (this.#call.write(message)) return Promise.resolve();
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  #drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      this.#call.once('drain', () => {
        this.#drained = undefined;
        resolve();
      });
    });
  }
}
