import { orAbort } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Counter } from '../../common/metrics.ts';
import type { Timers } from '../../common/timers.ts';
import type { Neighbour } from '../links.ts';
import { readEnvelope } from '../wire/envelope.ts';
import type { LinkLimits } from './limits.ts';
import { Outgoing } from './outgoing.ts';

/** A stream whose other end has proven who it is. */
export interface OpenStream {
  readonly neighbour: Neighbour;
  /** Whether this peer dialled. */
  readonly dialled: boolean;
  readonly incoming: AsyncIterator<Uint8Array>;
  /** Resolves when the transport wants more. */
  send(envelope: Uint8Array): Promise<void>;
  /** Lets go of the transport. */
  hangUp(): void;
}

/** What all streams count together. */
export interface LinkCounters {
  readonly sent: Counter;
  readonly received: Counter;
  /** Messages for which there was no room. */
  readonly overflow: Counter;
}

export interface LinkParts {
  readonly limits: LinkLimits;
  readonly timers: Timers;
  readonly counters: LinkCounters;
}

/** One stream to a peer, for as long as it lives: what is sent waits in a bounded queue, what comes is listened to one by one. */
export class Link {
  readonly #stream: OpenStream;
  readonly #limits: LinkLimits;
  readonly #timers: Timers;
  readonly #counters: LinkCounters;
  readonly #outgoing: Outgoing;
  readonly #over = new AbortController();
  /** When it was made, in milliseconds since 1970. */
  readonly since: number;

  constructor(stream: OpenStream, { limits, timers, counters }: LinkParts) {
    this.#stream = stream;
    this.#counters = counters;
    this.#limits = limits;
    this.#timers = timers;
    this.since = timers.now().getTime();
    const send = async (envelope: Uint8Array): Promise<void> => {
      await stream.send(envelope);
      counters.sent.add();
    };
    this.#outgoing = new Outgoing({ send, most: limits.waiting, mostBytes: limits.waitingBytes });
  }

  get neighbour(): Neighbour {
    return this.#stream.neighbour;
  }

  get dialled(): boolean {
    return this.#stream.dialled;
  }

  get over(): boolean {
    return this.#over.signal.aborted;
  }

  /** Sends an envelope unless too many wait already. @returns whether it was taken */
  offer(envelope: Uint8Array): boolean {
    const taken = this.#outgoing.offer(envelope);
    if (!taken && !this.over) this.#counters.overflow.add();
    return taken;
  }

  /**
   * Sends an envelope when it is its turn. A peer that takes nothing for too long loses the stream: two that both wait to be read
   * before they read would wait for ever.
   * @throws {SelvageError} `PEER_UNREACHABLE` when the stream ends before
   */
  async put(envelope: Uint8Array): Promise<void> {
    using _ = this.#timers.after(this.#limits.patienceMs, () => this.close('it took nothing for too long'));
    await this.#outgoing.put(envelope);
  }

  /** Ends the stream. What waits is not sent. */
  close(why: string): void {
    if (this.over) return;
    const reason = new SelvageError('PEER_UNREACHABLE', `the stream to the peer is over: ${why}`);
    this.#over.abort(reason);
    this.#outgoing.close(reason);
    this.#stream.hangUp();
  }

  /**
   * Reads until the stream is over, and lets each envelope be listened to before the next is taken.
   * @returns why it ended: `GOSSIP_REFUSED` where the other side sent what is no message
   */
  async run(hear: (envelope: Uint8Array) => Promise<void>): Promise<SelvageError> {
    const { incoming } = this.#stream;
    try {
      for (;;) {
        const result = await orAbort(incoming.next(), this.#over.signal);
        if (result.done === true) return new SelvageError('CANCELLED', 'the other side ended it');
        this.#counters.received.add();
        checkReadable(result.value);
        await hear(result.value);
      }
    } catch (thrown) {
      return SelvageError.from(thrown);
    } finally {
      this.close('reading has ended');
    }
  }
}

/** @see readFromStream in hyperledger/fabric v2.5, gossip/comm/conn.go, which ends the stream with that text */
function checkReadable(envelope: Uint8Array): void {
  try {
    readEnvelope(envelope);
  } catch (cause) {
    throw new SelvageError('GOSSIP_REFUSED', messageOf(cause), { cause });
  }
}
