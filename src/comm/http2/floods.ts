import { Budget } from './budget.ts';
import { ConnectionError, ErrorCode } from './protocol.ts';

/** Frames that cost the other side little and us something, each bounded in time. What is too much ends the connection. */
export class Floods {
  readonly #pings = new Budget(100, 10, milliseconds);
  readonly #settings = new Budget(100, 10, milliseconds);
  readonly #resets = new Budget(2_000, 1_000, milliseconds);
  readonly #idleFrames = new Budget(10_000, 1_000, milliseconds);

  ping(): void {
    if (!this.#pings.take()) throw tooMany('too_many_pings');
  }

  settings(): void {
    if (!this.#settings.take()) throw tooMany('too many SETTINGS');
  }

  /** Streams that somebody opens here and resets. */
  reset(): void {
    if (!this.#resets.take()) throw tooMany('too many streams are reset');
  }

  /** A frame that gets nobody on. */
  idle(): void {
    if (!this.#idleFrames.take()) throw tooMany('too many frames that say nothing');
  }

  /** So many such frames may come that are no fault of the other side. */
  expect(idleFrames: number): void {
    this.#idleFrames.give(idleFrames);
  }
}

const tooMany = (reason: string): ConnectionError => new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, reason);

const milliseconds = (): number => performance.now();
