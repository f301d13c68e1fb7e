import type { LogFields, Logger } from '../../src/common/log.ts';

/** A log that can be waited for. Each entry is one line: `message field=value …`. */
export class HeardLog implements Logger {
  readonly #lines: string[];
  readonly #waiting: Set<() => void>;
  readonly #fields: LogFields;

  constructor(lines: string[] = [], waiting = new Set<() => void>(), fields: LogFields = {}) {
    this.#lines = lines;
    this.#waiting = waiting;
    this.#fields = fields;
  }

  /** The first line that matches, said before this is asked or after. */
  async line(wanted: RegExp): Promise<string> {
    for (;;) {
      const found = this.#lines.find((line) => wanted.test(line));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** The newest line that matches, of those said so far. */
  async last(wanted: RegExp): Promise<string> {
    return this.#lines.findLast((line) => wanted.test(line)) ?? (await this.line(wanted));
  }

  debug = (message: string, fields?: LogFields): void => this.#hear(message, fields);
  info = (message: string, fields?: LogFields): void => this.#hear(message, fields);
  warn = (message: string, fields?: LogFields): void => this.#hear(message, fields);
  error = (message: string, fields?: LogFields): void => this.#hear(message, fields);

  child(fields: LogFields): Logger {
    return new HeardLog(this.#lines, this.#waiting, { ...this.#fields, ...fields });
  }

  #hear(message: string, fields: LogFields = {}): void {
    this.#lines.push([message, ...Object.entries({ ...this.#fields, ...fields }).map(([name, value]) => `${name}=${value}`)].join(' '));
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
