import { equalBytes } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { common } from '../protos/messages.ts';
import { blockSignatures } from './block-signatures.ts';
import { isCanonicalEnvelope } from './canonical-envelope.ts';

const BLOCK_VALIDATION = '/Channel/Orderer/BlockValidation';

/** Where a block has to belong. */
export interface ChainPosition {
  readonly number: bigint;
  /** Hash of the header before it; undefined where nobody knows it. */
  readonly previousHash: Uint8Array | undefined;
}

/**
 * Whether a received block is the one that the channel's ordering service made: number, hash of the block before, channel, form and hash
 * of its data, metadata, and signatures that satisfy the block validation policy of `bundle`, which is the configuration before the block.
 * @see VerifyBlock in hyperledger/fabric v2.5, internal/peer/gossip/mcs.go, and v3.1, common/deliverclient/block_verification.go
 * @throws {SelvageError} `BLOCK_INVALID`, which says more about the sender than about the channel
 */
export async function verifyBlock(block: common.Block, expected: ChainPosition, bundle: ChannelBundle): Promise<void> {
  const { channelId } = bundle;
  const invalid = refusing(channelId, expected.number);
  const header = headerAt(block, expected.number, invalid);
  if (expected.previousHash !== undefined && !equalBytes(header.previousHash, expected.previousHash))
    throw invalid('Header.PreviousHash is different from Hash(block.Header) of the previous block');
  const envelopes = block.data?.data ?? [];
  const actual = channelOf(envelopes[0]);
  if (actual === undefined) throw invalid('Failed getting channel id from the first transaction');
  if (actual.channelId !== channelId) throw invalid(`Expected channel [${channelId}]. Given [${actual.channelId}]`);
  checkSlots(block, bundle, invalid);
  const odd = actual.isConfig && envelopes.length === 1 ? -1 : envelopes.findIndex((bytes) => !isCanonicalEnvelope(bytes));
  if (odd >= 0) throw invalid(`transaction ${odd} is not in the form that is hashed`);
  if (!equalBytes(blockDataHash({ data: envelopes }), header.dataHash)) throw invalid('Header.DataHash is different from Hash(block.Data)');
  await checkSignatures({ block, header, bundle, invalid });
}

/**
 * Whether header and metadata prove that the channel has a block of this number; its transactions are not looked at and may be left out.
 * @see VerifyBlockAttestation in hyperledger/fabric v3.1, common/deliverclient/block_verification.go
 * @throws {SelvageError} `BLOCK_INVALID`
 */
export async function verifyAttestation(block: common.Block, number: bigint, bundle: ChannelBundle): Promise<void> {
  const invalid = refusing(bundle.channelId, number);
  const header = headerAt(block, number, invalid);
  checkSlots(block, bundle, invalid);
  await checkSignatures({ block, header, bundle, invalid });
}

type Refusing = (why: string) => SelvageError;

const refusing =
  (channel: string, number: bigint): Refusing =>
  (why) =>
    new SelvageError('BLOCK_INVALID', `Block [${number}] on channel [${channel}]: ${why}`, {
      details: { channel, block: number.toString() },
    });

function headerAt({ header }: common.Block, number: bigint, invalid: Refusing): common.BlockHeader {
  if (header === undefined) throw invalid('Header must be different from nil');
  if (header.number !== number) throw invalid(`expected number ${number} but the header says ${header.number}`);
  return header;
}

/** Releases that may serve a channel of these levels write five slots; before, one has to be enough. */
const FIVE_SLOTS: ReadonlySet<string> = new Set(['V2_0', 'V3_0']);

function checkSlots({ metadata }: common.Block, { channelCapabilityLevel }: ChannelBundle, invalid: Refusing): void {
  const least = FIVE_SLOTS.has(channelCapabilityLevel) ? 5 : 1;
  if ((metadata?.metadata.length ?? 0) < least) throw invalid('does not have metadata or contains too few entries');
}

interface Signed {
  readonly block: common.Block;
  readonly header: common.BlockHeader;
  readonly bundle: ChannelBundle;
  readonly invalid: Refusing;
}

async function checkSignatures({ block, header, bundle, invalid }: Signed): Promise<void> {
  const signatures = signaturesOf(block, header, bundle);
  if (typeof signatures === 'string') throw invalid(signatures);
  const verdict = await bundle.policies.get(BLOCK_VALIDATION).evaluate(signatures);
  if (!verdict.ok) throw invalid(`signatures do not satisfy ${BLOCK_VALIDATION}: ${verdict.reason}`);
}

function channelOf(bytes: Uint8Array | undefined): { readonly channelId: string; readonly isConfig: boolean } | undefined {
  if (bytes === undefined) return undefined;
  try {
    const { header } = common.Payload.decode(common.Envelope.decode(bytes).payload);
    if (header === undefined) return undefined;
    const { channelId, type } = common.ChannelHeader.decode(header.channelHeader);
    return { channelId, isConfig: type === common.HeaderType.CONFIG };
  } catch {
    return undefined;
  }
}

function signaturesOf(block: common.Block, header: common.BlockHeader, bundle: ChannelBundle): readonly SignedData[] | string {
  try {
    return blockSignatures(block, header, bundle);
  } catch (thrown) {
    return `signatures do not parse: ${SelvageError.from(thrown).message}`;
  }
}
