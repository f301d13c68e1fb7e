import { setMaxListeners } from 'node:events';
import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { Destination, Links, Neighbour } from '../links.ts';

export interface OutboxParts {
  readonly links: Links;
  /** Messages on their way to one peer, beyond which further ones are dropped. */
  readonly mostWaiting: number;
  /** A peer that could not be reached. */
  readonly onUnreachable: (pkiId: Uint8Array) => void;
  readonly log: Logger;
}

/**
 * What this peer says to others without waiting for them: who is slow, or has to be dialled first, loses messages, and nobody else
 * notices.
 */
export class Outbox implements Disposable {
  readonly #parts: OutboxParts;
  readonly #waiting = new Map<string, number>();
  readonly #answering = new Set<string>();
  readonly #over = new AbortController();

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    setMaxListeners(0, this.#over.signal); // every message on its way listens; how many there are is bounded here
  }

  /** Messages and answers on their way. */
  get size(): number {
    return [...this.#waiting.values()].reduce((sum, each) => sum + each, this.#answering.size);
  }

  /** Sends an envelope, or drops it. */
  send(to: Destination, envelope: Uint8Array): void {
    const key = hex(to.pkiId);
    const waiting = this.#waiting.get(key) ?? 0;
    if (this.#over.signal.aborted || waiting >= this.#parts.mostWaiting) return;
    this.#waiting.set(key, waiting + 1);
    void this.#send(key, to, envelope);
  }

  /**
   * Answers a neighbour, unless an answer of the same kind is still on its way to it: whoever asks and does not read gets no second one.
   * @param make the envelope; undefined for no answer
   */
  answer(to: Neighbour, kind: string, make: () => Uint8Array | undefined): void {
    const key = `${kind} ${hex(to.pkiId)}`;
    if (this.#over.signal.aborted || this.#answering.has(key)) return;
    const envelope = make();
    if (envelope === undefined) return;
    this.#answering.add(key);
    void this.#parts.links
      .reply(to, envelope)
      .catch((thrown: unknown) => this.#tell('no answer could be given', hex(to.pkiId), thrown))
      .finally(() => this.#answering.delete(key));
  }

  [Symbol.dispose](): void {
    this.#over.abort(new SelvageError('CANCELLED', 'gossip has stopped'));
  }

  async #send(key: string, to: Destination, envelope: Uint8Array): Promise<void> {
    const { signal } = this.#over;
    try {
      await this.#parts.links.send(to, envelope, { lossy: true, signal });
    } catch (thrown) {
      if (signal.aborted) return;
      this.#tell(`${to.endpoint} isn't responsive`, key, thrown);
      this.#parts.onUnreachable(to.pkiId);
    } finally {
      const left = (this.#waiting.get(key) ?? 1) - 1;
      if (left > 0) this.#waiting.set(key, left);
      else this.#waiting.delete(key);
    }
  }

  #tell(message: string, pkiId: string, thrown: unknown): void {
    this.#parts.log.debug(message, { pkiId, error: SelvageError.from(thrown).message });
  }
}
