import { GrpcClient } from '../comm/client.ts';
import type { DialOptions } from '../comm/transport.ts';
import { sha256, textOf } from '../common/bytes.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import type { Signer } from '../msp/identity.ts';
import { protos } from '../protos/messages.ts';
import { statusName } from './go-text.ts';
import { type BlockRange, seekEnvelope } from './seek.ts';

/** A peer as its clients see it. */
export class PeerClient implements Disposable {
  readonly address: string;
  readonly #grpc: GrpcClient;
  /** Of the certificate that is shown: with mutual TLS a request for blocks is bound to it. */
  readonly #tlsCertHash: Uint8Array | undefined;

  constructor(options: DialOptions) {
    const { cert } = options.tls ?? {};
    this.#tlsCertHash = cert === undefined ? undefined : sha256(derOfPem(typeof cert === 'string' ? cert : textOf(cert)));
    this.#grpc = new GrpcClient(options);
    this.address = options.address;
  }

  /** @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text when it refuses the proposal itself */
  async endorse(signed: protos.SignedProposalInit, options: Cancellable): Promise<protos.ProposalResponse> {
    const request = protos.SignedProposal.encode(signed);
    return protos.ProposalResponse.decode(await this.#grpc.unary('/protos.Endorser/ProcessProposal', request, options));
  }

  /** Asks the service for snapshots. @param request `SignedSnapshotRequest` bytes @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text */
  snapshot(method: 'Generate' | 'Cancel' | 'QueryPendings', request: Uint8Array, options: Cancellable): Promise<Uint8Array> {
    return this.#grpc.unary(`/protos.Snapshot/${method}`, request, options);
  }

  /** Whole blocks, in order, until the end of the range. @throws {SelvageError} `REFUSED_BY_PEER` with the deliver status */
  blocks(signer: Signer, channelId: string, range: BlockRange, options: Cancellable): AsyncGenerator<protos.DeliverResponse> {
    return this.#deliver('/protos.Deliver/Deliver', signer, channelId, range, options);
  }

  /** A block that has no filtered form, because something in it is malformed, comes as a response with status 400. */
  filteredBlocks(signer: Signer, channelId: string, range: BlockRange, options: Cancellable): AsyncGenerator<protos.DeliverResponse> {
    return this.#deliver('/protos.Deliver/DeliverFiltered', signer, channelId, range, options);
  }

  async *#deliver(
    path: string,
    signer: Signer,
    channelId: string,
    range: BlockRange,
    options: Cancellable,
  ): AsyncGenerator<protos.DeliverResponse> {
    using stream = this.#grpc.bidi(path, options);
    await stream.send(await seekEnvelope(signer, channelId, { ...range, tlsCertHash: range.tlsCertHash ?? this.#tlsCertHash }));
    let refused: number | undefined;
    for await (const bytes of stream.incoming) {
      const response = protos.DeliverResponse.decode(bytes);
      if (response.status === 200) return;
      refused = response.status;
      if (refused === undefined || refused === 400) yield response;
      else break;
    }
    if (refused !== undefined)
      throw new SelvageError('REFUSED_BY_PEER', `deliver completed with status (${statusName(refused)})`, {
        details: { status: refused, address: this.address, deliver: channelId },
      });
  }

  /** @see GrpcClient.connected */
  connected(ms: number): Promise<boolean> {
    return this.#grpc.connected(ms);
  }

  [Symbol.dispose](): void {
    this.#grpc[Symbol.dispose]();
  }
}
