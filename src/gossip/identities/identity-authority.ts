import { messageOf, SelvageError } from '../../common/errors.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Identity, IdentityDeserializer } from '../../msp/identity.ts';
import type { SignedMessage } from '../peers.ts';
import { identityText } from './identity-text.ts';
import { checkWellFormed } from './well-formed.ts';

export interface IdentityAuthorityParts {
  /** The MSP of this peer. */
  readonly local: IdentityDeserializer & { readonly mspId: string };
  /** The configurations in force of all channels that this peer has joined. */
  readonly bundles: () => readonly ChannelBundle[];
}

/** Somebody who is valid: in the peer's own organisation, or on these channels. */
export interface ValidIdentity {
  readonly identity: Identity;
  readonly channels: 'own organisation' | readonly ChannelBundle[];
}

const READERS = '/Channel/Application/Readers';

/**
 * Judges the identities of peers: the own MSP first, then the MSPs of each channel.
 * @see hyperledger/fabric v2.5, internal/peer/gossip/mcs.go and sa.go
 */
export class IdentityAuthority {
  readonly #parts: IdentityAuthorityParts;
  /** Identities whose bytes were looked at; MSPs keep one object for the same bytes. */
  readonly #wellFormed = new WeakSet<Identity>();

  constructor(parts: IdentityAuthorityParts) {
    this.#parts = parts;
  }

  /** The organisation of this peer. */
  get mspId(): string {
    return this.#parts.local.mspId;
  }

  /** The MSP id of an identity that some MSP can read, valid or not; undefined where none can. */
  organizationOf(identity: Uint8Array): string | undefined {
    const own = readBy(this.#parts.local, identity);
    if (own !== undefined) return own.mspId;
    for (const { msps } of this.#parts.bundles()) {
      const found = readBy(msps, identity);
      if (found !== undefined) return found.mspId;
    }
    return undefined;
  }

  /**
   * Chain, revocation and OU rules, of the own MSP for the own organisation and else of every channel that knows it. Expiry is the
   * identity store's matter.
   * @throws {SelvageError} `IDENTITY_INVALID` with Fabric's text
   */
  validate(identity: Uint8Array): ValidIdentity {
    if (identity.length === 0) throw invalid('Invalid Peer Identity. It must be different from nil.');
    const own = readBy(this.#parts.local, identity);
    if (own !== undefined && own.mspId === this.mspId) {
      this.#checkForm(own, identity);
      own.validate();
      return { identity: own, channels: 'own organisation' };
    }
    return this.#validateForeign(identity);
  }

  #validateForeign(serialized: Uint8Array): ValidIdentity {
    let first: Identity | undefined;
    const channels: ChannelBundle[] = [];
    for (const bundle of this.#parts.bundles()) {
      const identity = readBy(bundle.msps, serialized);
      if (identity === undefined) continue;
      this.#checkForm(identity, serialized);
      if (!isValid(identity)) continue;
      first ??= identity;
      channels.push(bundle);
    }
    if (first !== undefined) return { identity: first, channels };
    throw invalid(`Peer Identity ${identityText(serialized)} cannot be validated. No MSP found able to do that.`);
  }

  /**
   * That an identity signed something: of the own organisation by its key alone; a foreign one must satisfy the Readers of a channel.
   * @throws {SelvageError} `IDENTITY_INVALID` with Fabric's text
   */
  async verify(identity: Uint8Array, { payload, signature }: SignedMessage): Promise<void> {
    const { identity: known, channels } = this.validate(identity);
    if (channels === 'own organisation') {
      if (!(await known.verify(payload, signature))) throw invalid('The signature is invalid');
      return;
    }
    let refusal = '';
    for (const bundle of channels) {
      const verdict = await bundle.policies.get(READERS).evaluate([{ data: payload, identity, signature }]);
      if (verdict.ok) return;
      refusal ||= verdict.reason;
    }
    throw invalid(refusal);
  }

  #checkForm(identity: Identity, serialized: Uint8Array): void {
    if (this.#wellFormed.has(identity)) return;
    try {
      checkWellFormed(serialized);
    } catch (cause) {
      throw invalid(`identity is not well formed: ${messageOf(cause)}`, cause);
    }
    this.#wellFormed.add(identity);
  }
}

function readBy(reader: IdentityDeserializer, serialized: Uint8Array): Identity | undefined {
  return unlessInvalid(() => reader.deserialize(serialized));
}

function isValid(identity: Identity): boolean {
  const valid = unlessInvalid(() => {
    identity.validate();
    return true;
  });
  return valid ?? false;
}

function unlessInvalid<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'IDENTITY_INVALID') return undefined;
    throw thrown;
  }
}

const invalid = (message: string, cause?: unknown): SelvageError =>
  new SelvageError('IDENTITY_INVALID', message, cause === undefined ? {} : { cause });
