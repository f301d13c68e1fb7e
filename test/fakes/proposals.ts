/** Proposals without cryptography: a creator signs by hashing, and everybody who names an MSP is believed. */
import { equalBytes, sha256, utf8 } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import type { Identity, IdentityDeserializer } from '../../src/msp/identity.ts';
import { txIdOf } from '../../src/protos/hashes.ts';
import { common, msp, protos } from '../../src/protos/messages.ts';

export interface ProposalParts {
  readonly channelId?: string;
  readonly chaincode?: string;
  readonly path?: string;
  readonly args?: readonly (string | Uint8Array)[];
  readonly nonce?: Uint8Array;
  readonly creator?: Uint8Array;
  readonly type?: number;
  readonly epoch?: bigint;
  readonly txId?: string;
  /** Bytes in place of what would be encoded. */
  readonly extension?: Uint8Array;
  readonly invocation?: Uint8Array;
  readonly payload?: Uint8Array;
  readonly signature?: Uint8Array;
}

export const creatorOf = (name: string, mspid = 'Org1MSP'): Uint8Array => msp.SerializedIdentity.encode({ mspid, idBytes: utf8(name) });

let counter = 0;

/** A well-formed proposal, but for the parts that are given. Each call makes another tx id. */
export function proposal(parts: ProposalParts = {}): protos.SignedProposal {
  counter += 1;
  const { nonce = utf8(`nonce ${counter}`), creator = creatorOf('user') } = parts;
  const channelHeader = common.ChannelHeader.encode({
    type: parts.type ?? common.HeaderType.ENDORSER_TRANSACTION,
    channelId: parts.channelId ?? 'ch',
    txId: parts.txId ?? txIdOf(nonce, creator),
    epoch: parts.epoch,
    extension:
      parts.extension ?? protos.ChaincodeHeaderExtension.encode({ chaincodeId: { name: parts.chaincode ?? 'cc', path: parts.path } }),
  });
  const header = common.Header.encode({ channelHeader, signatureHeader: common.SignatureHeader.encode({ creator, nonce }) });
  const payload = parts.payload ?? protos.ChaincodeProposalPayload.encode({ input: parts.invocation ?? invocation(parts.args ?? ['fn']) });
  const proposalBytes = protos.Proposal.encode({ header, payload });
  return { proposalBytes, signature: parts.signature ?? sha256(proposalBytes) };
}

export const bytesOf = (arg: string | Uint8Array): Uint8Array => (typeof arg === 'string' ? utf8(arg) : arg);

const invocation = (args: readonly (string | Uint8Array)[]): Uint8Array =>
  protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: { input: { args: args.map(bytesOf) } } });

/** Believes in everybody of Org1MSP whose name is not `stranger`. */
export const trusting: IdentityDeserializer = {
  deserialize(serialized): Identity {
    const { mspid, idBytes } = msp.SerializedIdentity.decode(serialized);
    if (mspid !== 'Org1MSP') throw new SelvageError('IDENTITY_INVALID', `MSP ${mspid} is not defined on channel`);
    return {
      mspId: mspid,
      id: '',
      serialized,
      notAfter: new Date(0),
      validate() {
        if (equalBytes(idBytes, utf8('stranger'))) throw new SelvageError('IDENTITY_INVALID', 'the certificate has been revoked');
      },
      verify: (message, signature) => equalBytes(sha256(message), signature),
      dissatisfaction: () => undefined,
    };
  },
};

/** The configuration of a channel of one organisation that lets everybody do everything. */
export function openBundle(channelId: string, { lifecycleV20 = false } = {}): ChannelBundle {
  const policy = { evaluate: async () => ({ ok: true }) as const, evaluateIdentities: () => ({ ok: true }) as const };
  const off = {
    level: lifecycleV20 ? 'V2_0' : '',
    v11Validation: false,
    v12Validation: false,
    v13Validation: false,
    v20Validation: false,
    privateChannelData: false,
  };
  const capabilities = {
    ...off,
    collectionUpgrade: false,
    keyLevelEndorsement: false,
    acls: false,
    storePvtDataOfInvalidTx: false,
    lifecycleV20,
    purgePvtData: false,
  };
  return {
    channelId,
    config: common.Config.decode(new Uint8Array()),
    sequence: 0n,
    msps: { ...trusting, mspIds: ['Org1MSP'] },
    policies: { get: () => policy, has: () => true, sub: () => undefined },
    channelCapabilityLevel: '',
    application: { capabilities, orgs: [{ name: 'Org1', mspId: 'Org1MSP', anchorPeers: [], tlsRoots: [] }], acls: new Map() },
    orderer: undefined,
    ordererEndpoints: [],
    signaturePolicy: () => policy,
    applicationPolicy: () => policy,
    asSignaturePolicy: () => undefined,
  };
}
