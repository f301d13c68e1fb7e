import { equalBytes } from '../../common/bytes.ts';
import type { Timers } from '../../common/timers.ts';
import { type KnownMember, preferredEndpoint } from '../membership/member-table.ts';
import type { GossipSettings } from '../settings.ts';
import type { Outbox } from './outbox.ts';
import { type Random, randomChoice } from './random-choice.ts';

/** Something to be told to a few others. */
export interface Rumour {
  /** `Envelope` bytes for the own organisation. */
  readonly envelope: Uint8Array;
  /** For everybody else: without the secret. */
  readonly public: Uint8Array;
  readonly mayHear: (member: KnownMember) => boolean;
  /** Whom it came from: he knows it. */
  readonly from?: Uint8Array | undefined;
}

export interface PropagationParts {
  readonly mspId: string;
  readonly alive: () => readonly KnownMember[];
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly settings: Pick<GossipSettings, 'propagatePeers' | 'propagateIterations' | 'burstLatencyMs' | 'burstSize'>;
  readonly random: Random;
}

/**
 * Tells each rumour to a few peers that are chosen at random, those of a short while together.
 * @see batchingEmitter and gossipBatch in hyperledger/fabric v2.5, gossip/gossip
 */
export class Propagation implements Disposable {
  readonly #parts: PropagationParts;
  #waiting: Rumour[] = [];
  #flush: Disposable | undefined;

  constructor(parts: PropagationParts) {
    this.#parts = parts;
  }

  /** Rumours that wait for others to go with. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(rumour: Rumour): void {
    const { settings, timers } = this.#parts;
    this.#waiting.push(rumour);
    if (this.#waiting.length >= settings.burstSize) this.#tellAll();
    else this.#flush ??= timers.after(settings.burstLatencyMs, () => this.#tellAll());
  }

  [Symbol.dispose](): void {
    this.#flush?.[Symbol.dispose]();
    this.#waiting = [];
  }

  #tellAll(): void {
    this.#flush?.[Symbol.dispose]();
    this.#flush = undefined;
    const rumours = this.#waiting;
    this.#waiting = [];
    for (const rumour of rumours) for (let at = 0; at < this.#parts.settings.propagateIterations; at += 1) this.#tell(rumour);
  }

  #tell({ envelope, public: withoutSecret, mayHear, from }: Rumour): void {
    const { alive, settings, random, outbox, mspId } = this.#parts;
    const candidates = alive().filter((member) => mayHear(member) && !(from !== undefined && equalBytes(from, member.pkiId)));
    for (const member of randomChoice(candidates, settings.propagatePeers, random)) {
      const to = { pkiId: member.pkiId, endpoint: preferredEndpoint(member) };
      outbox.send(to, member.mspId === mspId ? envelope : withoutSecret);
    }
  }
}
