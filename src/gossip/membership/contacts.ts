import { equalBytes } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { Timers } from '../../common/timers.ts';
import type { Links, Neighbour } from '../links.ts';
import type { OwnPeer } from '../own-peer.ts';
import type { Outbox } from '../propagation/outbox.ts';
import type { GossipSettings } from '../settings.ts';
import type { MemberExchange } from './member-exchange.ts';
import type { MemberTable } from './member-table.ts';

/** An endpoint that somebody named. Who is there is not known yet. */
export interface Contact {
  readonly endpoint: string;
  /** Of the own organisation, or of any. */
  readonly mspId: string;
  readonly kind: 'bootstrap peer' | 'anchor peer';
}

export interface ContactsParts {
  readonly peer: OwnPeer;
  readonly links: Links;
  readonly outbox: Outbox;
  readonly table: MemberTable;
  readonly exchange: MemberExchange;
  readonly timers: Timers;
  readonly settings: Pick<GossipSettings, 'reconnectMs' | 'connectionAttempts'>;
  readonly nonce: () => bigint;
  readonly log: Logger;
}

/** Who is not there yet, or does not know us yet, often is a moment later: pauses begin with this one and grow. */
const FIRST_RETRY_MS = 1_000;

const PROBE_MS = 10_000;
const ANSWER_MS = 5_000;

/**
 * Makes acquaintance with the endpoints that configurations name: asks who is there, then whom it knows, again and again until there is
 * an answer.
 * @see Connect and connect2BootstrapPeers in hyperledger/fabric v2.5, gossip/discovery/discovery_impl.go and gossip/gossip/gossip_impl.go
 */
export class Contacts implements Disposable {
  readonly #parts: ContactsParts;
  readonly #sought = new Map<string, { readonly contact: Contact; readonly stop: AbortController }>();
  readonly #own: ReadonlySet<string>;

  constructor(parts: ContactsParts) {
    this.#parts = parts;
    const { endpoint, internalEndpoint } = parts.peer;
    const port = internalEndpoint.slice(internalEndpoint.lastIndexOf(':') + 1);
    this.#own = new Set([endpoint, internalEndpoint, `127.0.0.1:${port}`, `localhost:${port}`]);
  }

  /** Endpoints that are sought. */
  get size(): number {
    return this.#sought.size;
  }

  /** Whether a contact has this endpoint. */
  has(endpoint: string): boolean {
    return endpoint !== '' && [...this.#sought.values()].some(({ contact }) => contact.endpoint === endpoint);
  }

  /** Seeks these, and no others any more. */
  set(contacts: readonly Contact[]): void {
    const wanted = new Map(contacts.filter((contact) => this.#isWorthwhile(contact)).map((contact) => [keyOf(contact), contact]));
    for (const [key, { stop }] of this.#sought) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.#sought.delete(key);
    }
    for (const [key, contact] of wanted) {
      if (this.#sought.has(key)) continue;
      const stop = new AbortController();
      this.#sought.set(key, { contact, stop });
      void this.#seek(contact, stop.signal);
    }
  }

  [Symbol.dispose](): void {
    this.set([]);
  }

  #isWorthwhile({ endpoint, mspId, kind }: Contact): boolean {
    const { peer, log } = this.#parts;
    if (this.#own.has(endpoint)) return false;
    if (mspId === peer.mspId || peer.endpoint !== '') return true;
    log.info(`${kind} ${endpoint} isn't in our org(${peer.mspId}) and we have no external endpoint, skipping`);
    return false;
  }

  /** For as long as it is wanted: who was found may go again for good, and another come to the same place. */
  async #seek(contact: Contact, signal: AbortSignal): Promise<void> {
    const { settings } = this.#parts;
    let found: Neighbour | undefined;
    let attempts = 0;
    while (!signal.aborted && attempts < settings.connectionAttempts) {
      if (!this.#isKnown(contact, found)) {
        found = await this.#probe(contact, signal);
        attempts = found === undefined ? attempts + 1 : 0;
        if (found !== undefined) await this.#introduce(found, contact, signal);
      }
      const soon = attempts === 0 ? settings.reconnectMs : FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 10);
      await this.#pause(Math.min(soon, settings.reconnectMs), signal);
    }
  }

  #isKnown({ endpoint }: Contact, found: Neighbour | undefined): boolean {
    const { table } = this.#parts;
    if (found !== undefined && table.get(found.pkiId) !== undefined) return true;
    return table.alive().some((member) => member.endpoint === endpoint || member.internalEndpoint === endpoint);
  }

  async #probe({ endpoint, mspId, kind }: Contact, signal: AbortSignal): Promise<Neighbour | undefined> {
    const { links, timers, log, peer } = this.#parts;
    const limit = new AbortController();
    const stop = (): void => limit.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const timer = timers.after(PROBE_MS, () => limit.abort(new Error('context deadline exceeded')));
    try {
      const found = await links.probe(endpoint, { signal: limit.signal });
      if (equalBytes(found.pkiId, peer.pkiId)) return undefined;
      if (mspId !== peer.mspId || found.mspId === peer.mspId) return found;
      log.warn(`${endpoint} isn't in our organization, cannot be a ${kind}`, { mspId: found.mspId });
    } catch (thrown) {
      if (!signal.aborted) log.warn(`Could not connect to ${kind} ${endpoint}: ${messageOf(thrown)}`);
    } finally {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', stop);
    }
    return undefined;
  }

  /** Asks until there is an answer. */
  async #introduce(found: Neighbour, { endpoint }: Contact, signal: AbortSignal): Promise<void> {
    const { exchange, outbox, settings, peer, nonce } = this.#parts;
    const id = nonce();
    for (let attempt = 0; attempt < settings.connectionAttempts && !signal.aborted; attempt += 1) {
      const request = exchange.request(id);
      const answered = this.#answered(id, signal);
      outbox.send({ pkiId: found.pkiId, endpoint }, found.mspId === peer.mspId ? request.own : request.foreign);
      if (await answered) return;
      await this.#pause(settings.reconnectMs, signal);
    }
  }

  async #answered(nonce: bigint, signal: AbortSignal): Promise<boolean> {
    let came = false;
    const answer = new AbortController();
    using _ = this.#parts.exchange.onAnswered(nonce, () => {
      came = true;
      answer.abort();
    });
    await this.#pause(ANSWER_MS, AbortSignal.any([signal, answer.signal]));
    return came;
  }

  /** Waits so long, or until the signal. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#parts.timers.after(ms, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

const keyOf = ({ endpoint, mspId, kind }: Contact): string => `${kind} ${mspId} ${endpoint}`;
