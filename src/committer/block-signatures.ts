import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { type SignedData, SignedParts } from '../msp/policies/policy.ts';
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
  const consenters = bundle.channelCapabilityLevel === 'V3_0' ? consentersOf(bundle) : undefined;
  return signatures.flatMap(({ signatureHeader, identifierHeader, signature }) => {
    const numbered = consenters !== undefined && signatureHeader.length === 0 && identifierHeader.length > 0;
    const identity = numbered
      ? consenters.get(common.IdentifierHeader.decode(identifierHeader).identifier)
      : common.SignatureHeader.decode(signatureHeader).creator;
    const parts = [value, numbered ? identifierHeader : signatureHeader, headerBytes];
    return identity === undefined ? [] : [new SignedParts(parts, { identity, signature })];
  });
}

/** Identities of the consenters by their numbers; of several with one number the first. */
function consentersOf({ config }: ChannelBundle): ReadonlyMap<number, Uint8Array> {
  const orderers = config.channelGroup?.groups.get('Orderer')?.values.get('Orderers')?.value;
  const { consenterMapping } = common.Orderers.decode(orderers ?? new Uint8Array());
  return new Map(
    [...consenterMapping]
      .reverse()
      .map(({ id, mspId, identity }) => [id, msp.SerializedIdentity.encode({ mspid: mspId, idBytes: identity })]),
  );
}
