import { randomBytes } from 'node:crypto';
import { utf8 } from '../common/bytes.ts';
import { systemClock } from '../common/clock.ts';
import type { Signer } from '../msp/identity.ts';
import { txIdOf } from '../protos/hashes.ts';
import { common, type google, protos } from '../protos/messages.ts';

/** What a client asks a chaincode to do. */
export interface ProposalSpec {
  /** '' for calls of the peer itself (install, join, …). */
  readonly channelId: string;
  readonly chaincode: string;
  readonly args: readonly (string | Uint8Array)[];
  /** Seen by the chaincode, never part of the transaction. */
  readonly transient?: ReadonlyMap<string, Uint8Array> | undefined;
  readonly isInit?: boolean | undefined;
}

/** A signed proposal with the parts that the transaction is made of later. */
export interface ClientProposal {
  readonly txId: string;
  readonly channelId: string;
  readonly signed: protos.SignedProposalInit;
  readonly header: { readonly channelHeader: Uint8Array; readonly signatureHeader: Uint8Array };
  /** `ChaincodeProposalPayload` without transient data. */
  readonly visiblePayload: Uint8Array;
}

/** Now, as protobuf has it. */
export function timestamp(now: Date = systemClock.now()): google.TimestampInit {
  const ms = now.getTime();
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}

/** @see CreateChaincodeProposalWithTxIDNonceAndTransient in hyperledger/fabric v2.5, protoutil/proputils.go */
export async function createProposal(signer: Signer, spec: ProposalSpec): Promise<ClientProposal> {
  const nonce = randomBytes(24);
  const txId = txIdOf(nonce, signer.serialized);
  const chaincodeId = { name: spec.chaincode };
  const header = {
    channelHeader: common.ChannelHeader.encode({
      type: common.HeaderType.ENDORSER_TRANSACTION,
      timestamp: timestamp(),
      channelId: spec.channelId,
      txId,
      extension: protos.ChaincodeHeaderExtension.encode({ chaincodeId }),
    }),
    signatureHeader: common.SignatureHeader.encode({ creator: signer.serialized, nonce }),
  };
  const args = spec.args.map((arg) => (typeof arg === 'string' ? utf8(arg) : arg));
  const input = protos.ChaincodeInvocationSpec.encode({
    chaincodeSpec: { type: protos.ChaincodeSpec_Type.GOLANG, chaincodeId, input: { args, isInit: spec.isInit } },
  });
  const payload = protos.ChaincodeProposalPayload.encode({ input, transientMap: spec.transient });
  const proposalBytes = protos.Proposal.encode({ header: common.Header.encode(header), payload });
  const signed = { proposalBytes, signature: await signer.sign(proposalBytes) };
  return { txId, channelId: spec.channelId, signed, header, visiblePayload: protos.ChaincodeProposalPayload.encode({ input }) };
}
