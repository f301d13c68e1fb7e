import type { ByteStream, CallContext } from '../../comm/method.ts';
import { equalBytes, hex } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { Refusals } from '../../common/refusals.ts';
import type { Neighbour } from '../links.ts';
import type { Handshake } from './handshake.ts';
import { CLAIMANT_BYTES, type LinkLimits, PEER_BYTES } from './limits.ts';
import type { OpenStream } from './link.ts';
import type { LinkTable } from './link-table.ts';
import { Strangers } from './strangers.ts';

export interface ReceptionParts {
  /** Pki id of this peer. */
  readonly self: Uint8Array;
  readonly handshake: Handshake;
  readonly table: LinkTable;
  readonly limits: LinkLimits;
  /** DER of the certificate that who dials this peer sees. */
  readonly shows: Uint8Array | undefined;
  /** Aborts when this peer stops. */
  readonly over: AbortSignal;
  readonly log: Logger;
}

/** Lets in those who open streams and prove who they are. What they may hold grows with what is known of them. */
export class Reception {
  readonly #parts: ReceptionParts;
  readonly #strangers: Strangers;
  readonly #refusals: Refusals;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
    this.#strangers = new Strangers(parts.limits);
    this.#refusals = new Refusals(parts.log, 'Authentication failed');
  }

  /** Streams that have not proven yet who they are. */
  get strangers(): number {
    return this.#strangers.count;
  }

  /** @returns undefined for one who only wanted to know who is here @throws {SelvageError} `GOSSIP_REFUSED`, `OVERLOADED` */
  async admit(stream: ByteStream, context: CallContext): Promise<OpenStream | undefined> {
    this.#checkRunning();
    try {
      using _ = this.#strangers.enter(context.remote);
      return await this.#meet(stream, context);
    } catch (thrown) {
      if (!context.signal.aborted) this.#refusals.note({ remote: context.remote, error: messageOf(thrown) });
      throw thrown;
    }
  }

  async #meet(stream: ByteStream, context: CallContext): Promise<OpenStream | undefined> {
    const { handshake, shows, log } = this.#parts;
    const incoming = stream.incoming[Symbol.asyncIterator]();
    const send = async (envelope: Uint8Array): Promise<void> => stream.send(envelope);
    const { neighbour, probed } = await handshake.accept({
      remote: context.remote,
      incoming,
      send,
      shows,
      shown: () => context.peerCertificate,
      probe: false,
      claimed: () => context.mayHold?.(CLAIMANT_BYTES),
    });
    if (probed) {
      log.debug('a peer probed us', { pkiId: hex(neighbour.pkiId), remote: context.remote });
      return undefined;
    }
    this.#checkRunning();
    this.#checkWelcome(neighbour);
    context.mayHold?.(PEER_BYTES);
    return { neighbour, dialled: false, incoming, send, hangUp: () => undefined };
  }

  #checkRunning(): void {
    if (this.#parts.over.aborted) throw new SelvageError('GOSSIP_REFUSED', 'shutting down');
  }

  #checkWelcome({ pkiId, mspId }: Neighbour): void {
    const { self, table, limits } = this.#parts;
    if (equalBytes(pkiId, self))
      throw new SelvageError('GOSSIP_REFUSED', 'this peer has the same identity', {
        advice: 'Two peers must not share an MSP folder.',
      });
    if (table.get(pkiId) === undefined && table.countOf(mspId) >= limits.ofOrganization)
      throw new SelvageError('OVERLOADED', `too many streams of organisation ${mspId} are open; try again later`);
  }
}
