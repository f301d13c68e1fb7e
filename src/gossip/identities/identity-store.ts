import { detach, equalBytes, hex } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { every, type Timers } from '../../common/timers.ts';
import type { SignedMessage } from '../peers.ts';
import type { ReceivedMessage } from '../wire/envelope.ts';
import { pkiIdOf } from '../wire/ids.ts';
import type { IdentityAuthority } from './identity-authority.ts';

/** A peer's identity, valid when it was taken up or looked at last. */
export interface KnownIdentity {
  readonly pkiId: Uint8Array;
  readonly mspId: string;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
  readonly notAfter: Date;
}

export interface IdentityStoreParts {
  readonly authority: IdentityAuthority;
  /** `SerializedIdentity` bytes of this peer, which stays in any case. */
  readonly self: Uint8Array;
  readonly timers: Timers;
  /** The most identities of one organisation; what was not asked for longest gives way. */
  readonly mostOfOrganization?: number;
}

interface Entry extends KnownIdentity {
  usedAt: number;
}

/** How long an identity is kept that nobody asks for, in milliseconds. @see usageThreshold in hyperledger/fabric v2.5, gossip/identity/identity.go */
const UNUSED_MS = 60 * 60 * 1000;

/** Far more peers than an organisation has; each costs some two kilobytes. */
const MOST_OF_ORGANIZATION = 2_000;

/** A certificate is a kilobyte; nobody needs to look at more in order to refuse it. */
const MOST_BYTES = 64 * 1024;

/**
 * The identities of all peers that are known here, by their pki ids. What is in it was validated; what expires, is revoked by a
 * configuration or is not used for an hour goes, and who listens hears of it.
 * @see hyperledger/fabric v2.5, gossip/identity/identity.go
 */
export class IdentityStore implements Disposable {
  readonly #authority: IdentityAuthority;
  readonly #timers: Timers;
  readonly #most: number;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(removed: KnownIdentity) => void>();
  readonly #sweeps: Disposable;
  #expiry: Disposable | undefined;
  readonly self: KnownIdentity;

  /** @throws {SelvageError} `IDENTITY_INVALID` when this peer's own identity is not valid */
  constructor({ authority, self, timers, mostOfOrganization = MOST_OF_ORGANIZATION }: IdentityStoreParts) {
    this.#authority = authority;
    this.#timers = timers;
    this.#most = mostOfOrganization;
    this.self = this.put(pkiIdOf(self), self);
    this.#sweeps = every(timers, UNUSED_MS / 10, () => this.#removeUnused());
  }

  /**
   * Takes up an identity that belongs to a pki id. One that is there already stays as it is.
   * @throws {SelvageError} `IDENTITY_INVALID` with Fabric's text
   */
  put(pkiId: Uint8Array, identity: Uint8Array): KnownIdentity {
    const known = this.examine(pkiId, identity);
    if (this.#entries.has(hex(pkiId))) return known;
    const entry: Entry = { ...known, pkiId: detach(pkiId), identity: detach(identity), usedAt: this.#now() };
    this.#makeRoom(entry.mspId);
    this.#entries.set(hex(pkiId), entry);
    this.#awaitExpiry();
    return entry;
  }

  /**
   * The same without taking it up: for claims that are to be proven first.
   * @throws {SelvageError} `IDENTITY_INVALID` with Fabric's text
   */
  examine(pkiId: Uint8Array, identity: Uint8Array): KnownIdentity {
    if (pkiId.length === 0) throw invalid('PKIID is nil');
    if (identity.length === 0) throw invalid('identity is nil');
    if (identity.length > MOST_BYTES) throw invalid(`an identity of ${identity.length} bytes is more than any certificate has`);
    const valid = this.#classified(identity);
    if (!equalBytes(pkiId, pkiIdOf(identity))) throw invalid("identity doesn't match the computed pkiID");
    const known = this.#entries.get(hex(pkiId));
    if (known !== undefined) return known;
    const { notAfter, mspId } = valid;
    if (this.#now() > notAfter.getTime()) throw invalid('gossipping peer identity expired');
    return { pkiId, mspId, identity, notAfter };
  }

  /** The identity of a pki id, which counts as a use; undefined where it is not known. */
  get(pkiId: Uint8Array): KnownIdentity | undefined {
    const entry = this.#entries.get(hex(pkiId));
    if (entry !== undefined) entry.usedAt = this.#now();
    return entry;
  }

  /** Everybody who is known, this peer included. */
  list(): readonly KnownIdentity[] {
    return [...this.#entries.values()];
  }

  /** MSP id of a pki id's identity; undefined where it is not known. */
  organizationOf(pkiId: Uint8Array): string | undefined {
    return this.get(pkiId)?.mspId;
  }

  /**
   * That the peer of a pki id signed a message, and its secret where it has one.
   * @throws {SelvageError} `IDENTITY_INVALID` with Fabric's text
   */
  async verify(pkiId: Uint8Array, { signed, secret }: Pick<ReceivedMessage, 'signed' | 'secret'>): Promise<void> {
    const known = this.get(pkiId);
    if (known === undefined) throw invalid("PKIID wasn't found");
    await this.verifyWith(known.identity, { signed, secret });
  }

  /** The same with an identity that need not be known. @throws {SelvageError} `IDENTITY_INVALID` with Fabric's text */
  async verifyWith(identity: Uint8Array, { signed, secret }: Pick<ReceivedMessage, 'signed' | 'secret'>): Promise<void> {
    await this.#verifyOne(identity, signed);
    if (secret !== undefined) await this.#verifyOne(identity, secret);
  }

  /** Looks at everybody again, since configurations have changed: authorities, organisations and revocations act at once. */
  revalidate(): void {
    for (const entry of this.list()) {
      if (!equalBytes(entry.pkiId, this.self.pkiId) && !this.#isValid(entry)) this.remove(entry.pkiId);
    }
  }

  /** Forgets an identity, as when its peer has another one now. */
  remove(pkiId: Uint8Array): void {
    const key = hex(pkiId);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry === this.self) return;
    this.#entries.delete(key);
    for (const listener of this.#listeners) listener(entry);
  }

  /** Calls `listener`, which must not throw, for every identity that is no longer known, until the result is disposed. */
  onRemoved(listener: (removed: KnownIdentity) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#sweeps[Symbol.dispose]();
    this.#expiry?.[Symbol.dispose]();
  }

  async #verifyOne(identity: Uint8Array, signed: SignedMessage): Promise<void> {
    if (signed.payload.length === 0) throw invalid('Empty payload');
    if (signed.signature.length === 0) throw invalid('Empty signature');
    await this.#authority.verify(identity, signed);
  }

  #classified(identity: Uint8Array): { readonly notAfter: Date; readonly mspId: string } {
    try {
      return this.#authority.validate(identity).identity;
    } catch (cause) {
      throw invalid(`failed classifying identity: Unable to extract msp.Identity from peer Identity: ${messageOf(cause)}`, cause);
    }
  }

  #isValid({ identity }: KnownIdentity): boolean {
    try {
      this.#authority.validate(identity);
      return true;
    } catch (thrown) {
      if (thrown instanceof SelvageError) return false;
      throw thrown;
    }
  }

  #now(): number {
    return this.#timers.now().getTime();
  }

  /** So that an organisation with many certificates costs no other one its place. */
  #makeRoom(mspId: string): void {
    const same = [...this.#entries.values()].filter((entry) => entry.mspId === mspId && entry !== this.self);
    if (same.length < this.#most) return;
    this.remove(same.reduce((oldest, entry) => (entry.usedAt < oldest.usedAt ? entry : oldest)).pkiId);
  }

  #removeUnused(): void {
    const since = this.#now() - UNUSED_MS;
    for (const { pkiId, usedAt } of [...this.#entries.values()]) if (usedAt < since) this.remove(pkiId);
  }

  /** Waits for the next certificate to end. */
  #awaitExpiry(): void {
    this.#expiry?.[Symbol.dispose]();
    this.#expiry = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) if (entry !== this.self) next = Math.min(next, entry.notAfter.getTime());
    if (next === Number.POSITIVE_INFINITY) return;
    this.#expiry = this.#timers.after(Math.max(0, next + 1 - this.#now()), () => this.#removeExpired());
  }

  #removeExpired(): void {
    for (const { pkiId, notAfter } of [...this.#entries.values()]) if (this.#now() > notAfter.getTime()) this.remove(pkiId);
    this.#awaitExpiry();
  }
}

const invalid = (message: string, cause?: unknown): SelvageError =>
  new SelvageError('IDENTITY_INVALID', message, cause === undefined ? {} : { cause });
