import type { Cancellable } from '../common/cancel.ts';
import type { SignedMessage } from './peers.ts';

/** The other end of an authenticated stream. */
export interface Neighbour {
  readonly pkiId: Uint8Array;
  readonly mspId: string;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
  /** Its handshake: what proves, later too, who it is. */
  readonly handshake: SignedMessage;
}

/** Where a peer is expected. */
export interface Destination {
  readonly pkiId: Uint8Array;
  /** `host:port` to dial where there is no stream yet: the internal endpoint where known, else the external one. */
  readonly endpoint: string;
}

/** Authenticated streams to other peers, one per peer, whoever dialled. Tests have one in memory. */
export interface Links {
  /**
   * Sends an `Envelope`. `lossy` ones are dropped when the peer reads too slowly, others wait.
   * Resolves when it was handed over or dropped. @throws {SelvageError} `PEER_UNREACHABLE` when there is no stream and none can be made
   */
  send(to: Destination, envelope: Uint8Array, options: { readonly lossy: boolean } & Cancellable): Promise<void>;
  /** Answers on the stream that a message came on; nothing happens when that is over. */
  reply(to: Neighbour, envelope: Uint8Array): Promise<void>;
  /** Learns who answers at an endpoint, and leaves no stream behind (a deep probe). @throws {SelvageError} `PEER_UNREACHABLE`, `REFUSED_BY_PEER`, `IDENTITY_INVALID` */
  probe(endpoint: string, options: Cancellable): Promise<Neighbour>;
  /** Whether something answers `Ping` there. */
  ping(endpoint: string, options: Cancellable): Promise<boolean>;
  /** Ends the stream to a peer, if there is one. */
  close(pkiId: Uint8Array): void;
  /** Every envelope that arrives, in order per peer; the next of that peer waits until the listener's promise resolves. */
  onEnvelope(listener: (from: Neighbour, envelope: Uint8Array) => Promise<void> | void): Disposable;
  /** A stream ended, or could not be made again. */
  onLost(listener: (pkiId: Uint8Array) => void): Disposable;
}
