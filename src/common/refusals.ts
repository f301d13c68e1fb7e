import { cutText } from './cut-text.ts';
import type { LogFields, Logger } from './log.ts';

/** How long refusals are counted before they are told again. */
const TELL_EVERY_MS = 60_000;

export interface RefusalOptions {
  /** At which it is told. */
  readonly level?: 'warn' | 'error';
  readonly everyMs?: number;
}

/**
 * What anybody can bring about, and so often as he likes: each refusal is logged at debug; only the first is told, and, once a minute
 * as long as there are more, how many there were since with the last of them.
 */
export class Refusals {
  readonly #log: Logger;
  readonly #what: string;
  readonly #level: 'warn' | 'error';
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #last: LogFields = {};

  /** @param what a constant message, like `proposal refused` */
  constructor(log: Logger, what: string, { level = 'warn', everyMs = TELL_EVERY_MS }: RefusalOptions = {}) {
    this.#log = log;
    this.#what = what;
    this.#level = level;
    this.#everyMs = everyMs;
  }

  note(fields: LogFields): void {
    if (this.#timer === undefined) {
      this.#log[this.#level](this.#what, fields);
      this.#wait();
      return;
    }
    this.#log.debug(this.#what, fields);
    this.#count += 1;
    this.#last = kept(fields);
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#tell(), this.#everyMs).unref();
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#count === 0) return;
    this.#log[this.#level](`${this.#what}, again and again`, { times: this.#count, seconds: this.#everyMs / 1000, last: this.#last });
    this.#count = 0;
    this.#last = {};
    this.#wait();
  }
}

/** Nothing large is held while nobody looks. */
const kept = (fields: LogFields): LogFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'number' ? value : cutText(String(value), 500)]),
  );
