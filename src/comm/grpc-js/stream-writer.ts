/** What a writer needs of grpc-js' calls, of either side. */
interface WritableCall {
  write(message: Uint8Array, sent: () => void): unknown;
}

/** How many bytes of messages the transport may still hold when a sender is let go. */
const HIGH = 1024 * 1024;
/** What a message costs beside its bytes. */
const PER_MESSAGE = 512;

/**
 * Writes messages and makes its senders wait while the other side does not take them: what waits is counted in bytes, since a few
 * messages may be large. Any number of senders wait together.
 */
export class StreamWriter {
  readonly #call: WritableCall;
  readonly #over: AbortSignal;
  #unsent = 0;
  #drained: Promise<void> | undefined;
  #letGo: () => void = () => undefined;
  #giveUp: (reason: unknown) => void = () => undefined;

  /** @param over aborts when the call is over: whoever waits then gets its reason */
  constructor(call: WritableCall, over: AbortSignal) {
    this.#call = call;
    this.#over = over;
    over.addEventListener('abort', () => this.#giveUp(over.reason), { once: true });
  }

  send(message: Uint8Array): Promise<void> {
    if (this.#over.aborted) return Promise.reject(this.#over.reason);
    const cost = message.length + PER_MESSAGE;
    this.#unsent += cost;
    this.#call.write(message, () => this.#sent(cost));
    if (this.#unsent <= HIGH) return Promise.resolve();
    this.#drained ??= new Promise((resolve, reject) => {
      this.#letGo = resolve;
      this.#giveUp = reject;
    });
    return this.#drained;
  }

  #sent(cost: number): void {
    this.#unsent -= cost;
    if (this.#unsent > HIGH) return;
    this.#letGo();
    this.#drained = undefined;
  }
}
