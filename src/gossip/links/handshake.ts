import { equalBytes, sha256 } from '../../common/bytes.ts';
import { orAbort } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Timers } from '../../common/timers.ts';
import type { Signer } from '../../msp/identity.ts';
import type { gossip } from '../../protos/messages.ts';
import type { IdentityStore } from '../identities/identity-store.ts';
import type { Neighbour } from '../links.ts';
import { type ReceivedMessage, readEnvelope } from '../wire/envelope.ts';
import { handshakeEnvelope } from '../wire/handshake.ts';

export interface HandshakeParts {
  readonly signer: Signer;
  readonly identities: IdentityStore;
  readonly timers: Timers;
  /** Whether the peers' streams have TLS, by which they are bound to who opened them. */
  readonly tls: boolean;
  /** Milliseconds that the other side's first message may take. */
  readonly timeoutMs: number;
}

/** A stream at its beginning. */
export interface Meeting {
  /** Address of the other side, for texts. */
  readonly remote: string;
  readonly incoming: AsyncIterator<Uint8Array>;
  send(envelope: Uint8Array): Promise<void>;
  /** DER of the certificate that this side shows. */
  readonly shows: Uint8Array | undefined;
  /** DER of the certificate that the other side showed, known at the latest when its first message has come. */
  readonly shown: () => Uint8Array | undefined;
  /** Whether this side only wants to know who is there. */
  readonly probe: boolean;
  /** The other side named a valid identity; it has yet to be proven. */
  readonly claimed?: () => void;
}

/** Who is at the other end. */
export interface Met {
  readonly neighbour: Neighbour;
  /** Whether it only wanted to know who is here. */
  readonly probed: boolean;
}

type Hello = ReceivedMessage & { readonly conn: gossip.ConnEstablish };

const NONE = new Uint8Array(0);

/**
 * The first thing on a stream: each side says who it is, and signs that together with the hash of the TLS certificate it shows, so that
 * nobody can pass on what another one said. Both send before they read.
 * @see authenticateRemotePeer in hyperledger/fabric v2.5, gossip/comm/comm_impl.go
 */
export class Handshake {
  readonly #parts: HandshakeParts;

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
  }

  /** For who accepted the stream. @throws {SelvageError} `GOSSIP_REFUSED` with Fabric's text */
  async accept(meeting: Meeting): Promise<Met> {
    if (this.#parts.tls && meeting.shown() === undefined) throw refused('no TLS certificate');
    return this.#meet(meeting);
  }

  /** For who dialled. @throws {SelvageError} `GOSSIP_REFUSED`, or what the stream ended with */
  dial(meeting: Meeting): Promise<Met> {
    return this.#meet(meeting);
  }

  async #meet(meeting: Meeting): Promise<Met> {
    await this.#introduce(meeting);
    const hello = await this.#hear(meeting);
    const { mspId } = this.#examine(hello.conn, meeting);
    this.#checkBinding(hello.conn, meeting);
    await this.#checkSignature(hello);
    const { pkiId, identity } = this.#parts.identities.put(hello.conn.pkiId, hello.conn.identity);
    const { payload, signature } = hello.signed;
    return {
      neighbour: { pkiId, mspId, identity, handshake: { payload: new Uint8Array(payload), signature: new Uint8Array(signature) } },
      probed: hello.conn.probe,
    };
  }

  async #introduce({ send, shows, probe }: Meeting): Promise<void> {
    const { signer, tls } = this.#parts;
    const tlsCertHash = tls && shows !== undefined ? sha256(shows) : NONE;
    const envelope = await handshakeEnvelope(signer, { tlsCertHash, probe });
    await send(envelope);
  }

  async #hear({ incoming, remote }: Meeting): Promise<Hello> {
    const { timers, timeoutMs } = this.#parts;
    const late = new AbortController();
    using _ = timers.after(timeoutMs, () => late.abort(refused(`timed out waiting for connection message from ${remote}`)));
    const first = await orAbort(incoming.next(), late.signal);
    if (first.done === true) throw refused(`${remote} ended the stream before it said who it is`);
    const received = readEnvelope(first.value);
    const { conn } = received.message;
    if (conn === undefined) throw refused('wrong type');
    if (conn.pkiId.length === 0) throw refused('no PKI-ID');
    return { ...received, conn };
  }

  #examine({ pkiId, identity }: gossip.ConnEstablish, { claimed }: Meeting): { readonly mspId: string } {
    try {
      const known = this.#parts.identities.examine(pkiId, identity);
      claimed?.();
      return known;
    } catch (cause) {
      throw refused(messageOf(cause), cause);
    }
  }

  #checkBinding({ tlsCertHash }: gossip.ConnEstablish, { shown }: Meeting): void {
    if (!this.#parts.tls) return;
    const certificate = shown();
    if (certificate === undefined) throw refused('no TLS certificate');
    const hash = sha256(certificate);
    if (!equalBytes(hash, tlsCertHash))
      throw refused(`Expected ${bytesText(hash)} in remote hash of TLS cert, but got ${bytesText(tlsCertHash)}`);
  }

  async #checkSignature({ signed, secret, conn }: Hello): Promise<void> {
    try {
      await this.#parts.identities.verifyWith(conn.identity, { signed, secret });
    } catch (cause) {
      throw refused(messageOf(cause), cause);
    }
  }
}

/** As Go prints bytes. Who sends very many gets the first of them back. */
const bytesText = (bytes: Uint8Array): string => `[${[...bytes.subarray(0, 64)].join(' ')}]`;

const refused = (why: string, cause?: unknown): SelvageError =>
  new SelvageError('GOSSIP_REFUSED', why, cause === undefined ? {} : { cause });
