import { concatBytes } from '../common/bytes.ts';
import type { Signer } from '../msp/identity.ts';
import { blockDataHash, blockHash, blockHeaderBytes } from '../protos/hashes.ts';
import { common } from '../protos/messages.ts';

/**
 * How block metadata is laid out: `2.x` is Fabric 1.4.1 and later, where one signature covers the last configuration's number
 * too; `1.x` is before that, with a signature each.
 */
export type MetadataForm = '1.x' | '2.x';

export interface BlockBuilderParts {
  readonly signer: Signer;
  readonly form: MetadataForm;
  /** 24 random bytes, new with every call. */
  readonly nonce: () => Uint8Array;
}

export interface NextBlock {
  /** Header of the block before it. */
  readonly previous: common.BlockHeader;
  /** `common.Envelope` bytes, as they came in. */
  readonly envelopes: readonly Uint8Array[];
  /** Number of the newest configuration block; the new block's own number when it is one. */
  readonly lastConfig: bigint;
}

type SignaturePart = Pick<BlockBuilderParts, 'signer' | 'nonce'>;

/**
 * Makes and signs the block after `previous`.
 * @see BlockWriter in hyperledger/fabric v2.5, orderer/common/multichannel/blockwriter.go
 */
export async function buildBlock({ previous, envelopes, lastConfig }: NextBlock, parts: BlockBuilderParts): Promise<common.Block> {
  const data = { data: envelopes };
  const header = { number: previous.number + 1n, previousHash: blockHash(previous), dataHash: blockDataHash(data) };
  const metadata = parts.form === '2.x' ? await metadataOf2(header, lastConfig, parts) : await metadataOf1(header, lastConfig, parts);
  return { header, data, metadata: { metadata } };
}

const EMPTY = new Uint8Array(0);

async function metadataOf2(header: common.BlockHeader, index: bigint, parts: SignaturePart): Promise<Uint8Array[]> {
  const value = common.OrdererBlockMetadata.encode({ lastConfig: { index } });
  const signatures = common.Metadata.encode({ value, signatures: [await signatureOver(value, header, parts)] });
  return [signatures, common.Metadata.encode({ value: common.LastConfig.encode({ index }) }), EMPTY, EMPTY, EMPTY];
}

async function metadataOf1(header: common.BlockHeader, index: bigint, parts: SignaturePart): Promise<Uint8Array[]> {
  const lastConfig = common.LastConfig.encode({ index });
  return [
    common.Metadata.encode({ signatures: [await signatureOver(EMPTY, header, parts)] }),
    common.Metadata.encode({ value: lastConfig, signatures: [await signatureOver(lastConfig, header, parts)] }),
    EMPTY,
    EMPTY,
  ];
}

/** The one formula of all releases: value ‖ signature header ‖ block header. */
async function signatureOver(
  value: Uint8Array,
  header: common.BlockHeader,
  { signer, nonce }: SignaturePart,
): Promise<common.MetadataSignatureInit> {
  const signatureHeader = common.SignatureHeader.encode({ creator: signer.serialized, nonce: nonce() });
  return { signatureHeader, signature: await signer.sign(concatBytes(value, signatureHeader, blockHeaderBytes(header))) };
}
