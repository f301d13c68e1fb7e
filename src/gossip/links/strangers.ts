import { SelvageError } from '../../common/errors.ts';
import type { LinkLimits } from './limits.ts';

/** Counts the streams whose other end has not proven yet who it is. */
export class Strangers {
  readonly #limits: Pick<LinkLimits, 'strangers' | 'strangersOfHost'>;
  readonly #ofHost = new Map<string, number>();
  #all = 0;

  constructor(limits: Pick<LinkLimits, 'strangers' | 'strangersOfHost'>) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#all;
  }

  /**
   * Counts one more until the result is disposed.
   * @param remote `host:port`
   * @throws {SelvageError} `OVERLOADED` when there are too many
   */
  enter(remote: string): Disposable {
    const host = remote.slice(0, Math.max(0, remote.lastIndexOf(':')));
    const ofHost = this.#ofHost.get(host) ?? 0;
    if (this.#all >= this.#limits.strangers || ofHost >= this.#limits.strangersOfHost)
      throw new SelvageError('OVERLOADED', 'too many streams have not said yet who they are; try again later');
    this.#all += 1;
    this.#ofHost.set(host, ofHost + 1);
    let inside = true;
    return {
      [Symbol.dispose]: () => {
        if (!inside) return;
        inside = false;
        this.#leave(host);
      },
    };
  }

  #leave(host: string): void {
    this.#all -= 1;
    const left = (this.#ofHost.get(host) ?? 1) - 1;
    if (left > 0) this.#ofHost.set(host, left);
    else this.#ofHost.delete(host);
  }
}
