import { equalBytes, hex } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { IdentityStore, KnownIdentity } from '../identities/identity-store.ts';
import type { Neighbour } from '../links.ts';
import type { OwnPeer } from '../own-peer.ts';
import type { TokenBuckets } from '../propagation/token-buckets.ts';
import { internalEndpointOf } from '../wire/envelope.ts';
import type { AliveMessage } from './alive-message.ts';

export interface AliveGateParts {
  readonly peer: OwnPeer;
  readonly identities: Pick<IdentityStore, 'get' | 'put' | 'verify'>;
  /** How much each neighbour may have verified here. */
  readonly work: TokenBuckets;
  readonly log: Logger;
}

/**
 * Lets genuine alive messages in: of a peer whose identity is known, or comes with it, and who signed it. Whether it is news is to be
 * seen before, since that costs nothing.
 * @see ValidateAliveMsg in hyperledger/fabric v2.5, gossip/gossip/gossip_impl.go
 */
export class AliveGate {
  readonly #parts: AliveGateParts;
  #clone: string | undefined;

  constructor(parts: AliveGateParts) {
    this.#parts = parts;
  }

  /** Whose message it is; undefined when it is nobody's, or this peer's own. */
  async admit(alive: AliveMessage, from: Neighbour): Promise<KnownIdentity | undefined> {
    const { peer, work } = this.#parts;
    const isOwn = equalBytes(alive.pkiId, peer.pkiId);
    if (isOwn && this.#isAsSent(alive)) return undefined;
    if (!work.take(hex(from.pkiId))) return undefined;
    const identity = this.#identityOf(alive);
    if (identity === undefined || !(await this.#isSigned(alive))) return undefined;
    if (isOwn) this.#tellOfClone(alive);
    return isOwn ? undefined : identity;
  }

  #identityOf({ pkiId, identity }: AliveMessage): KnownIdentity | undefined {
    const known = this.#parts.identities.get(pkiId);
    if (identity.length === 0 || (known !== undefined && equalBytes(known.identity, identity))) return known;
    return this.#unlessInvalid('the identity in an alive message is not valid', () => this.#parts.identities.put(pkiId, identity));
  }

  async #isSigned({ pkiId, received }: AliveMessage): Promise<boolean> {
    try {
      await this.#parts.identities.verify(pkiId, received);
      return true;
    } catch (thrown) {
      this.#refused('an alive message is not signed by its peer', thrown);
      return false;
    }
  }

  #isAsSent({ endpoint, received }: AliveMessage): boolean {
    const { peer } = this.#parts;
    return endpoint === peer.endpoint && (internalEndpointOf(received) ?? peer.internalEndpoint) === peer.internalEndpoint;
  }

  /** Two peers with one MSP folder: each believes of the other that it is itself. Said once for each. */
  #tellOfClone({ endpoint, received }: AliveMessage): void {
    const clone = `${endpoint} ${internalEndpointOf(received) ?? ''}`;
    if (clone === this.#clone) return;
    this.#clone = clone;
    this.#parts.log.error('Bad configuration detected: Received AliveMessage from a peer with the same PKI-ID as myself', { endpoint });
  }

  #unlessInvalid<T>(message: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (thrown) {
      this.#refused(message, thrown);
      return undefined;
    }
  }

  #refused(message: string, thrown: unknown): void {
    if (!(thrown instanceof SelvageError)) throw thrown;
    this.#parts.log.debug(message, { error: messageOf(thrown).slice(0, 300) });
  }
}
