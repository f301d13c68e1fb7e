import { equalBytes } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { common } from '../protos/messages.ts';
import { blockSignatures } from './block-signatures.ts';
import { isCanonicalEnvelope } from './canonical-envelope.ts';

const BLOCK_VALIDATION = '/Channel/Orderer/BlockValidation';

/**
 * Whether a received block is the one that the channel's ordering service made: number, channel, form and hash of its data, and
 * signatures that satisfy the block validation policy of `bundle`, which is the configuration before the block.
 * @see VerifyBlock in hyperledger/fabric v2.5, internal/peer/gossip/mcs.go
 * @throws {SelvageError} `BLOCK_INVALID`, which says more about the sender than about the channel
 */
export async function verifyBlock(block: common.Block, expected: bigint, bundle: ChannelBundle): Promise<void> {
  const { channelId } = bundle;
  const { header, data, metadata } = block;
  const invalid = (why: string): SelvageError =>
    new SelvageError('BLOCK_INVALID', `Block [${expected}] on channel [${channelId}]: ${why}`, {
      details: { channel: channelId, block: expected.toString() },
    });
  if (header === undefined) throw invalid('Header must be different from nil');
  if (header.number !== expected) throw invalid(`expected number ${expected} but the header says ${header.number}`);
  const envelopes = data?.data ?? [];
  const actual = channelOf(envelopes[0]);
  if (actual === undefined) throw invalid('Failed getting channel id from the first transaction');
  if (actual.channelId !== channelId) throw invalid(`Expected channel [${channelId}]. Given [${actual.channelId}]`);
  if (metadata === undefined || metadata.metadata.length === 0) throw invalid('does not have metadata');
  const odd = actual.isConfig && envelopes.length === 1 ? -1 : envelopes.findIndex((bytes) => !isCanonicalEnvelope(bytes));
  if (odd >= 0) throw invalid(`transaction ${odd} is not in the form that is hashed`);
  if (!equalBytes(blockDataHash({ data: envelopes }), header.dataHash)) throw invalid('Header.DataHash is different from Hash(block.Data)');
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
