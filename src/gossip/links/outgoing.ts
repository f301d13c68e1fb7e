import { type Deferred, deferred } from '../../common/deferred.ts';

export interface OutgoingParts {
  /** Resolves when the transport wants more. */
  readonly send: (envelope: Uint8Array) => Promise<void>;
  /** Envelopes, and bytes of them, that may wait; a single one may be larger. */
  readonly most: number;
  readonly mostBytes: number;
}

/** What waits to be sent on one stream: one envelope is on its way at a time, in the order they came. */
export class Outgoing {
  readonly #parts: OutgoingParts;
  readonly #queue: Uint8Array[] = [];
  #bytes = 0;
  #busy = false;
  #room: Deferred<void> | undefined;
  #failure: { readonly reason: unknown } | undefined;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  /** Takes an envelope if there is room. @returns whether there was */
  offer(envelope: Uint8Array): boolean {
    if (this.#failure !== undefined || !this.#hasRoom(envelope)) return false;
    this.#take(envelope);
    return true;
  }

  /** Takes an envelope as soon as there is room. Rejects with what the stream ended for. */
  async put(envelope: Uint8Array): Promise<void> {
    while (this.#failure === undefined && !this.#hasRoom(envelope)) {
      this.#room ??= deferred();
      await this.#room.promise;
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
    this.#take(envelope);
  }

  /** Nothing is sent any more; whoever waits gets the reason. */
  close(reason: unknown): void {
    this.#failure ??= { reason };
    this.#queue.length = 0;
    this.#bytes = 0;
    this.#tellRoom();
  }

  #hasRoom({ length }: Uint8Array): boolean {
    const { most, mostBytes } = this.#parts;
    return this.#queue.length === 0 || (this.#queue.length < most && this.#bytes + length <= mostBytes);
  }

  #take(envelope: Uint8Array): void {
    this.#queue.push(envelope);
    this.#bytes += envelope.length;
    if (!this.#busy) void this.#write();
  }

  async #write(): Promise<void> {
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#bytes -= next.length;
      this.#tellRoom();
      try {
        await this.#parts.send(next);
      } catch (reason) {
        this.close(reason);
      }
    }
    this.#busy = false;
  }

  #tellRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
