import { SelvageError } from '../common/errors.ts';
import { visiblePayload } from '../protos/hashes.ts';
import { common, protos } from '../protos/messages.ts';
import { unreadable } from '../protos/unreadable.ts';
import { type DecodeOptions, OF_STRANGERS } from '../protos/wire.ts';

/** A proposal that a client wants run, as far as the gateway has to understand it. Its signature is the endorsers' affair. */
export class ProposedTransaction {
  readonly signed: protos.SignedProposal;
  readonly header: common.Header;
  readonly channelId: string;
  readonly hasTransientData: boolean;
  readonly #proposal: protos.Proposal;
  readonly #spec: protos.ChaincodeSpec | undefined;
  #encoded: Uint8Array | undefined;

  /** @throws {SelvageError} `MALFORMED`, naming the message that does not parse */
  constructor(signed: protos.SignedProposal) {
    this.signed = signed;
    this.#proposal = read('Proposal', protos.Proposal, signed.proposalBytes);
    this.header = read('Header', common.Header, this.#proposal.header);
    this.channelId = read('ChannelHeader', common.ChannelHeader, this.header.channelHeader).channelId;
    const payload = read('ChaincodeProposalPayload', protos.ChaincodeProposalPayload, this.#proposal.payload);
    this.hasTransientData = payload.transientMap.size > 0;
    this.#spec = read('ChaincodeInvocationSpec', protos.ChaincodeInvocationSpec, payload.input).chaincodeSpec;
  }

  /** Name of the chaincode; '' where the proposal names none. */
  get chaincode(): string {
    return this.#spec?.chaincodeId?.name ?? '';
  }

  /** What goes into a block. */
  get visiblePayload(): Uint8Array {
    return visiblePayload(this.#proposal.payload);
  }

  /** `SignedProposal` bytes; made once for all endorsers that are asked over the wire. */
  get encoded(): Uint8Array {
    this.#encoded ??= protos.SignedProposal.encode(this.signed);
    return this.#encoded;
  }

  /** @throws {SelvageError} `MALFORMED` unless channel and chaincode are named */
  checkTarget(): void {
    if (this.channelId === '') throw malformed('no channel id provided');
    const where = `is provided, channel id [${this.channelId}]`;
    if (this.#spec === undefined) throw malformed(`no chaincode spec ${where}`);
    if (this.#spec.chaincodeId === undefined) throw malformed(`no chaincode id ${where}`);
    if (this.#spec.chaincodeId.name === '') throw malformed(`no chaincode name ${where}`);
  }
}

export const malformed = (text: string, cause?: unknown): SelvageError =>
  new SelvageError('MALFORMED', text, cause === undefined ? {} : { cause });

function read<T>(name: string, codec: { decode(bytes: Uint8Array, options: DecodeOptions): T }, bytes: Uint8Array): T {
  try {
    return codec.decode(bytes, OF_STRANGERS);
  } catch (cause) {
    throw malformed(`error unmarshalling ${name}: ${unreadable(cause)}`, cause);
  }
}
