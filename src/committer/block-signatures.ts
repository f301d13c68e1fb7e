import { concatBytes } from '../common/bytes.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { blockHeaderBytes } from '../protos/hashes.ts';
import { common, msp } from '../protos/messages.ts';

/**
 * The signatures in a block's metadata. Each covers the metadata value (which 1.x left empty), its own header and the block header.
 * With `V3_0` a signature may name its signer by number, among the consenters of the configuration; unknown numbers are left out.
 * @see BlockSignatureVerifier in hyperledger/fabric v3.1, protoutil/blockutils.go
 * @throws {SelvageError} `MALFORMED`
 */
export function blockSignatures(block: common.Block, header: common.BlockHeader, bundle: ChannelBundle): readonly SignedData[] {
  const slot = block.metadata?.metadata[common.BlockMetadataIndex.SIGNATURES] ?? new Uint8Array();
  const { value, signatures } = common.Metadata.decode(slot);
  const headerBytes = blockHeaderBytes(header);
  const byNumber = bundle.channelCapabilityLevel === 'V3_0';
  return signatures.flatMap(({ signatureHeader, identifierHeader, signature }) => {
    const numbered = byNumber && signatureHeader.length === 0 && identifierHeader.length > 0;
    const identity = numbered ? consenter(identifierHeader, bundle) : common.SignatureHeader.decode(signatureHeader).creator;
    const data = concatBytes(value, numbered ? identifierHeader : signatureHeader, headerBytes);
    return identity === undefined ? [] : [{ data, identity, signature }];
  });
}

function consenter(identifierHeader: Uint8Array, { config }: ChannelBundle): Uint8Array | undefined {
  const { identifier } = common.IdentifierHeader.decode(identifierHeader);
  const orderers = config.channelGroup?.groups.get('Orderer')?.values.get('Orderers')?.value;
  const { consenterMapping } = common.Orderers.decode(orderers ?? new Uint8Array());
  const found = consenterMapping.find(({ id }) => id === identifier);
  return found && msp.SerializedIdentity.encode({ mspid: found.mspId, idBytes: found.identity });
}
