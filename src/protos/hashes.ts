/** The hashes and ids by which Fabric's nodes recognise proposals, transactions and blocks. */
import { createHash } from 'node:crypto';
import { concatBytes, hex, sha256 } from '../common/bytes.ts';
import { type common, protos } from './messages.ts';

/**
 * The only transaction id a proposal may carry: lower-case hex of SHA-256(nonce ‖ creator).
 * @see ComputeTxID in hyperledger/fabric v2.5, protoutil/proputils.go
 */
export const txIdOf = (nonce: Uint8Array, creator: Uint8Array): string => hex(sha256(nonce, creator));

/**
 * `ChaincodeProposalPayload` bytes without the transient map: what endorsers hash and what goes into a block.
 * `input` is copied byte for byte, so the only thing rebuilt is the frame around it.
 */
export function visiblePayload(chaincodeProposalPayload: Uint8Array): Uint8Array {
  const { input } = protos.ChaincodeProposalPayload.decode(chaincodeProposalPayload);
  return protos.ChaincodeProposalPayload.encode({ input });
}

/**
 * Binds an endorsement to the proposal it answers: SHA-256(channelHeader ‖ signatureHeader ‖ visible payload), with no
 * lengths between them. Both headers are the bytes as received.
 * @see GetProposalHash1 in hyperledger/fabric v2.5, protoutil/txutils.go
 */
export const proposalHash = (
  header: { readonly channelHeader: Uint8Array; readonly signatureHeader: Uint8Array },
  visible: Uint8Array,
): Uint8Array => sha256(header.channelHeader, header.signatureHeader, visible);

/**
 * DER `SEQUENCE { INTEGER number, OCTET STRING previousHash, OCTET STRING dataHash }`: what block signatures cover.
 * @see BlockHeaderBytes in hyperledger/fabric v2.5, protoutil/blockutils.go
 */
export function blockHeaderBytes(header: {
  readonly number: bigint;
  readonly previousHash: Uint8Array;
  readonly dataHash: Uint8Array;
}): Uint8Array {
  const body = concatBytes(der(0x02, unsignedInteger(header.number)), der(0x04, header.previousHash), der(0x04, header.dataHash));
  return der(0x30, body);
}

/** SHA-256 of {@link blockHeaderBytes}: the block's hash, and the next block's `previousHash`. */
export const blockHash = (header: Parameters<typeof blockHeaderBytes>[0]): Uint8Array => sha256(blockHeaderBytes(header));

/** SHA-256 of all envelopes one after the other. Lengths are not covered, so receivers must check each envelope's canonical form. */
export function blockDataHash(data: common.BlockDataInit): Uint8Array {
  const hash = createHash('sha256'); // not one call with all of them: a block may hold more envelopes than a call takes arguments
  for (const envelope of data.data ?? []) hash.update(envelope);
  return new Uint8Array(hash.digest());
}

function der(tag: number, content: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array([tag, ...derLength(content.length)]), content);
}

function derLength(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Big-endian, shortest, with a zero byte in front where the first bit is set. */
function unsignedInteger(value: bigint): Uint8Array {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return (bytes[0] ?? 0) >= 0x80 ? concatBytes(new Uint8Array([0]), bytes) : bytes;
}
