import type { Cancellable } from '../common/cancel.ts';
import type { gossip } from '../protos/messages.ts';
import type { Neighbour } from './links.ts';
import type { Member } from './peers.ts';

/** Answers what other peers send of private data, and what they ask for. */
export interface PrivateDataHandler {
  /** Undefined: it is kept, say so. A text: say that. `'silence'`: say nothing. */
  received(data: gossip.PrivatePayload, channelId: string, from: Neighbour): Promise<undefined | { readonly refused: string } | 'silence'>;
  /** The elements that may be told; those that may not, or are not here, are left out. */
  asked(digests: readonly gossip.PvtDataDigest[], channelId: string, from: Neighbour): Promise<readonly gossip.PvtDataElementInit[]>;
}

/** Private data on its way between peers. */
export interface PrivateDataExchange {
  /**
   * Gives private data to a peer and waits for its word.
   * @throws {SelvageError} `REFUSED_BY_PEER` with its text, `DEADLINE_EXCEEDED`, `PEER_UNREACHABLE`
   */
  push(to: Member, channelId: string, data: gossip.PrivatePayloadInit, options: Cancellable): Promise<void>;
  /** Asks a peer. Resolves with what it gave when it answered. @throws {SelvageError} `DEADLINE_EXCEEDED`, `PEER_UNREACHABLE` */
  pull(
    to: Member,
    channelId: string,
    digests: readonly gossip.PvtDataDigestInit[],
    options: Cancellable,
  ): Promise<readonly gossip.PvtDataElement[]>;
  /** From now on this handler answers. Until then, and after disposing, nobody is answered. */
  serve(handler: PrivateDataHandler): Disposable;
}
