import type { ChannelBundle, Consenter } from '../msp/channelconfig/channel-bundle.ts';
import { type SignedData, SignedParts } from '../msp/policies/policy.ts';
import { blockHeaderBytes } from '../protos/hashes.ts';
import { common } from '../protos/messages.ts';
import { OF_STRANGERS } from '../protos/wire.ts';

/**
 * The signatures in a block's metadata. Each covers the metadata value (which 1.x left empty), its own header and the block header.
 * With `V3_0` a signature may name its signer by number, among the consenters of the configuration; unknown numbers are left out.
 * @see BlockSignatureVerifier in hyperledger/fabric v3.1, protoutil/blockutils.go
 * @throws {SelvageError} `MALFORMED`
 */
export function blockSignatures(block: common.Block, header: common.BlockHeader, bundle: ChannelBundle): readonly SignedData[] {
  const slot = block.metadata?.metadata[common.BlockMetadataIndex.SIGNATURES] ?? new Uint8Array();
  const { value, signatures } = common.Metadata.decode(slot, OF_STRANGERS);
  const headerBytes = blockHeaderBytes(header);
  const consenters = bundle.channelCapabilityLevel === 'V3_0' ? bundle.orderer?.consenters : undefined;
  return signatures.flatMap(({ signatureHeader, identifierHeader, signature }) => {
    const numbered = consenters !== undefined && signatureHeader.length === 0 && identifierHeader.length > 0;
    const identity = numbered
      ? identityOf(consenters, common.IdentifierHeader.decode(identifierHeader).identifier)
      : common.SignatureHeader.decode(signatureHeader).creator;
    const parts = [value, numbered ? identifierHeader : signatureHeader, headerBytes];
    return identity === undefined ? [] : [new SignedParts(parts, { identity, signature })];
  });
}

/** Of several with one number the first. */
const identityOf = (consenters: readonly Consenter[], wanted: number): Uint8Array | undefined =>
  consenters.find(({ id }) => id === wanted)?.identity;
