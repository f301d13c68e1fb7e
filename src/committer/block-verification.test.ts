import { beforeAll, describe, expect, it } from 'vitest';
import { bundleFromBlock, type Network, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { fixtures } from '../../test/fixtures.ts';
import { concatBytes } from '../common/bytes.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { common } from '../protos/messages.ts';
import { verifyBlock } from './block-verification.ts';
import { isCanonicalEnvelope } from './canonical-envelope.ts';

const { SIGNATURES } = common.BlockMetadataIndex;

function metadataOf(block: common.Block, change: Partial<common.Metadata>): common.Block {
  const slots = [...(block.metadata?.metadata ?? [])];
  slots[SIGNATURES] = common.Metadata.encode({ ...common.Metadata.decode(slots[SIGNATURES] ?? new Uint8Array()), ...change });
  return { ...block, metadata: { metadata: slots } };
}

describe.skipIf(!fixtures).each(['v1.1', 'v2.4'] as const)('verification of blocks from Fabric %s', (network: Network) => {
  let bundle: ChannelBundle;
  let block: common.Block;
  let other: common.Block;

  beforeAll(() => {
    const [genesis, , , third, fourth] = recordedBlocks(network, 'orderer');
    if (genesis === undefined || third === undefined || fourth === undefined) throw new Error('no recorded blocks');
    bundle = bundleFromBlock(genesis);
    block = third;
    other = fourth;
  });

  const refusal = (changed: common.Block, number = 3n): Promise<string> =>
    verifyBlock(changed, number, bundle).then(
      () => 'accepted',
      (thrown: Error) => thrown.message,
    );
  const withHeader = (change: Partial<common.BlockHeader>): common.Block => {
    if (block.header === undefined) throw new Error('no header');
    return { ...block, header: { ...block.header, ...change } };
  };

  it('accepts what the ordering service made', async () => {
    expect(await refusal(block)).toBe('accepted');
  });

  it('refuses another number, channel, hash or no metadata', async () => {
    expect(await refusal(block, 4n)).toContain('expected number 4');
    expect(await refusal({ ...block, header: undefined })).toContain('Header must be different from nil');
    expect(await refusal({ ...block, data: { data: [] } })).toContain('Failed getting channel id');
    expect(await refusal({ ...block, metadata: { metadata: [] } })).toContain('does not have metadata');
    expect(await refusal({ ...block, data: other.data })).toContain('Header.DataHash is different');
    await expect(verifyBlock(block, 3n, { ...bundle, channelId: 'elsewhere' })).rejects.toThrow(`Expected channel [elsewhere]`);
  });

  it('refuses a header that nobody signed, and signatures of nobody', async () => {
    expect(await refusal(withHeader({ previousHash: new Uint8Array(32) }))).toContain('do not satisfy /Channel/Orderer/BlockValidation');
    expect(await refusal(metadataOf(block, { signatures: [] }))).toContain('do not satisfy');
    expect(await refusal(metadataOf(block, { value: new Uint8Array([1]) }))).toContain('do not satisfy');
    const twice = common.Metadata.decode(block.metadata?.metadata[SIGNATURES] ?? new Uint8Array()).signatures;
    expect(await refusal(metadataOf(block, { signatures: [...twice, ...twice] }))).toBe('accepted');
  });

  it('refuses bytes moved between envelopes, which the data hash does not see', async () => {
    const [first = new Uint8Array()] = block.data?.data ?? [];
    const filler = common.Envelope.encode({ payload: new Uint8Array(), signature: new Uint8Array([1]) });
    const data = [first, filler];
    const dataHash = blockDataHash({ data });
    expect(await refusal({ ...withHeader({ dataHash }), data: { data } })).toContain('transaction 1 is not in the form that is hashed');
  });
});

describe('canonical form of envelopes', () => {
  const payload = new Uint8Array([1, 2, 3]);
  const signature = new Uint8Array([4]);
  const canonical = common.Envelope.encode({ payload, signature });

  it('is payload, signature, then unknown fields', () => {
    expect(isCanonicalEnvelope(canonical)).toBe(true);
    expect(isCanonicalEnvelope(concatBytes(canonical, new Uint8Array([0x1a, 1, 9])))).toBe(true);
  });

  it('is nothing else', () => {
    const swapped = concatBytes(common.Envelope.encode({ signature }), common.Envelope.encode({ payload }));
    const longLength = new Uint8Array([0x0a, 0x83, 0x00, 1, 2, 3, 0x12, 1, 4]);
    const unknownFirst = concatBytes(new Uint8Array([0x1a, 1, 9]), canonical);
    const repeated = concatBytes(canonical, common.Envelope.encode({ signature }));
    for (const bytes of [swapped, longLength, unknownFirst, repeated, canonical.subarray(0, -1), new Uint8Array()]) {
      expect(isCanonicalEnvelope(bytes)).toBe(false);
    }
    expect(isCanonicalEnvelope(common.Envelope.encode({ payload }))).toBe(false);
    expect(isCanonicalEnvelope(common.Envelope.encode({ signature }))).toBe(false);
  });
});
