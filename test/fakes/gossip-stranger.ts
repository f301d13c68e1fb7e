/** Somebody who opens gossip streams and says on them whatever a test wants. */
import { GrpcClient } from '../../src/comm/client.ts';
import type { ClientStream } from '../../src/comm/transport.ts';
import { sha256 } from '../../src/common/bytes.ts';
import type { Scope } from '../../src/common/scope.ts';
import { readEnvelope, signedEnvelope } from '../../src/gossip/wire/envelope.ts';
import { pkiIdOf } from '../../src/gossip/wire/ids.ts';
import { derOfPem } from '../../src/msp/identities/pem.ts';
import type { Signer } from '../../src/msp/identity.ts';
import type { KeyedCertificate } from '../../src/msp/material/certificate-authority.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { gossip } from '../../src/protos/messages.ts';

export interface StrangerSpec {
  readonly endpoint: string;
  /** Whose TLS authority it trusts; without TLS where there is none. */
  readonly trusts?: Organization;
  /** What it shows in TLS. */
  readonly shows?: KeyedCertificate | undefined;
}

export type ConnInit = gossip.ConnEstablishInit & {
  /** Who signs, if not the one whose identity it is. */
  readonly signedBy?: Signer;
};

/** One stream. */
export class Stranger {
  readonly #stream: ClientStream;
  readonly #shows: KeyedCertificate | undefined;
  readonly #incoming: AsyncIterator<Uint8Array>;

  constructor(scope: Scope, { endpoint, trusts, shows }: StrangerSpec) {
    const shown = shows === undefined ? {} : { key: shows.privateKey, cert: shows.certificate };
    const tls = trusts === undefined ? undefined : { roots: trusts.tlsCa.certificate, ...shown };
    const client = scope.use(new GrpcClient({ address: endpoint, tls }));
    this.#shows = shows;
    this.#stream = scope.use(client.bidi('/gossip.Gossip/GossipStream', { signal: new AbortController().signal }));
    this.#incoming = this.#stream.incoming[Symbol.asyncIterator]();
  }

  async send(envelope: Uint8Array): Promise<void> {
    return this.#stream.send(envelope);
  }

  /** Says who it is, as a peer would, or otherwise. */
  async introduce(signer: Signer, { signedBy = signer, ...conn }: ConnInit = {}): Promise<void> {
    const tlsCertHash = this.#shows === undefined ? new Uint8Array() : sha256(derOfPem(this.#shows.certificate));
    const own = { pkiId: pkiIdOf(signer.serialized), identity: signer.serialized, tlsCertHash };
    await this.send(await signedEnvelope({ tag: gossip.GossipMessage_Tag.EMPTY, conn: { ...own, ...conn } }, signedBy));
  }

  /** The next message; undefined when the stream ended well. */
  async next(): Promise<gossip.GossipMessage | undefined> {
    const { value, done } = await this.#incoming.next();
    return done === true ? undefined : readEnvelope(value).message;
  }

  /** How the stream ended; what came before is passed over. */
  async ended(): Promise<string> {
    try {
      while ((await this.next()) !== undefined);
      return 'OK';
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  hangUp(): void {
    this.#stream[Symbol.dispose]();
  }
}
