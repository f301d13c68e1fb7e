/** What all streams together may begin to send in one turn of the event loop: each copies what it sends. */
const BYTES_PER_TURN = 2 * 1024 * 1024;

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/** Lets many streams that wake for the same block send it one after the other, so that a commit never waits for all of them. */
export class SendTurns {
  readonly #bytesPerTurn: number;
  readonly #waiting: Waiting[] = [];
  #left: number;
  #spent = false;

  constructor({ bytesPerTurn = BYTES_PER_TURN }: { readonly bytesPerTurn?: number } = {}) {
    this.#bytesPerTurn = bytesPerTurn;
    this.#left = bytesPerTurn;
  }

  /** Resolves when the caller may send so much: at once, or in its turn. What is more than fits in one turn gets one of its own. */
  async take(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#left > 0) return this.#spend(bytes);
    await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#spent) return;
    this.#spent = true;
    setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#spent = false;
    this.#left = this.#bytesPerTurn;
    while (this.#left > 0) {
      const first = this.#waiting.shift();
      if (first === undefined) return;
      this.#spend(first.bytes);
      first.go();
    }
  }
}
