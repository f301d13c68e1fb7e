import assert from 'node:assert/strict';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleFromBlock, type Network, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { signerOf } from '../../test/committer/transactions.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { concatBytes } from '../common/bytes.ts';
import { membersPolicy } from '../lifecycle/endorsement-policy.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { blockDataHash, blockHeaderBytes } from '../protos/hashes.ts';
import { common } from '../protos/messages.ts';
import { verifyAttestation, verifyBlock } from './block-verification.ts';
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
  let previousHash: Uint8Array | undefined;

  beforeAll(() => {
    const [genesis, , , third, fourth] = recordedBlocks(network, 'orderer');
    if (genesis === undefined || third === undefined || fourth === undefined) throw new Error('no recorded blocks');
    bundle = bundleFromBlock(genesis);
    block = third;
    other = fourth;
    previousHash = third.header?.previousHash;
  });

  const refusal = (changed: common.Block, number = 3n, before = previousHash): Promise<string> =>
    verifyBlock(changed, { number, previousHash: before }, bundle).then(
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
    await expect(verifyBlock(block, { number: 3n, previousHash }, { ...bundle, channelId: 'elsewhere' })).rejects.toThrow(
      `Expected channel [elsewhere]`,
    );
  });

  it('refuses a header that nobody signed, and signatures of nobody', async () => {
    const elsewhere = withHeader({ previousHash: new Uint8Array(32) });
    expect(await refusal(elsewhere)).toContain('Header.PreviousHash is different');
    expect(await refusal(elsewhere, 3n, new Uint8Array(32))).toContain('do not satisfy /Channel/Orderer/BlockValidation');
    expect(await refusal(metadataOf(block, { signatures: [] }))).toContain('do not satisfy');
    expect(await refusal(metadataOf(block, { value: new Uint8Array([1]) }))).toContain('do not satisfy');
    const [signature] = common.Metadata.decode(block.metadata?.metadata[SIGNATURES] ?? new Uint8Array()).signatures;
    const many = new Array<common.MetadataSignature>(200_001).fill(signature ?? assert.fail('no signature'));
    expect(await refusal(metadataOf(block, { signatures: many }))).toContain('signatures do not parse');
    const twice = common.Metadata.decode(block.metadata?.metadata[SIGNATURES] ?? new Uint8Array()).signatures;
    expect(await refusal(metadataOf(block, { signatures: [...twice, ...twice] }))).toBe('accepted');
  });

  it('refuses fewer metadata than the releases of the channel write', async () => {
    const slots = block.metadata?.metadata ?? [];
    const few = { ...block, metadata: { metadata: slots.slice(0, 4) } };
    expect(await refusal(few)).toContain(network === 'v1.1' ? 'accepted' : 'contains too few entries');
  });

  it('takes header and metadata alone for a proof that there is a block', async () => {
    const proof = (changed: common.Block, number = 3n): Promise<string> =>
      verifyAttestation(changed, number, bundle).then(
        () => 'proven',
        (thrown: Error) => thrown.message,
      );
    expect(await proof({ ...block, data: undefined })).toBe('proven');
    expect(await proof({ ...block, data: undefined }, 4n)).toContain('expected number 4');
    expect(await proof({ ...withHeader({ dataHash: new Uint8Array(32) }), data: undefined })).toContain('do not satisfy');
    expect(await proof({ ...block, data: undefined, metadata: { metadata: [] } })).toContain('too few entries');
  });

  it('refuses bytes moved between envelopes, which the data hash does not see', async () => {
    const [first = new Uint8Array()] = block.data?.data ?? [];
    const filler = common.Envelope.encode({ payload: new Uint8Array(), signature: new Uint8Array([1]) });
    const data = [first, filler];
    const dataHash = blockDataHash({ data });
    expect(await refusal({ ...withHeader({ dataHash }), data: { data } })).toContain('transaction 1 is not in the form that is hashed');
    const [config = new Uint8Array()] = recordedBlocks(network, 'orderer')[0]?.data?.data ?? [];
    const behind = [config, filler];
    const behindHash = blockDataHash({ data: behind });
    expect(await refusal({ ...withHeader({ dataHash: behindHash }), data: { data: behind } })).toContain('not in the form that is hashed');
  });
});

describe.skipIf(!fixtures)('verification of blocks from an ordering service that names its signers by number', () => {
  const signers = fixtures === undefined ? [] : [signerOf('v2.4', 1, 'peer0'), signerOf('v2.4', 2, 'peer0')];
  const [genesis, , , block] = recordedBlocks('v2.4', 'orderer');

  /** The recorded channel as 3.x would configure it, with these signers as consenters 1 and 2. */
  function numbered(bundle: ChannelBundle, level: string): ChannelBundle {
    if (bundle.orderer === undefined) throw new Error('no orderer group');
    const consenters = signers.map(({ serialized }, index) => ({ id: index + 1, identity: serialized }));
    const both = membersPolicy(2, ['Org1MSP', 'Org2MSP']);
    const policy = bundle.signaturePolicy(both.kind === 'signature' ? both.envelope : new Uint8Array());
    return {
      ...bundle,
      channelCapabilityLevel: level,
      orderer: { ...bundle.orderer, consenters },
      policies: { get: () => ({ ...policy, evaluateIdentities: () => expect.unreachable() }), has: () => true, sub: () => undefined },
    };
  }

  async function signed(numbers: readonly number[]): Promise<common.Block> {
    if (block?.header === undefined) throw new Error('no recorded block');
    const header = blockHeaderBytes(block.header);
    const signatures = await Promise.all(
      numbers.map(async (identifier) => {
        const identifierHeader = common.IdentifierHeader.encode({ identifier, nonce: new Uint8Array([1]) });
        const signature = await (signers[identifier - 1] ?? signers[0])?.sign(concatBytes(identifierHeader, header));
        return { identifierHeader, signature };
      }),
    );
    return metadataOf(block, {
      value: new Uint8Array(),
      signatures: signatures.map((each) => ({ signatureHeader: new Uint8Array(), ...each })) as never,
    });
  }

  const accepts = async (numbers: readonly number[], level = 'V3_0'): Promise<boolean> => {
    if (genesis === undefined) throw new Error('no recorded block');
    return verifyBlock(
      await signed(numbers),
      { number: 3n, previousHash: block?.header?.previousHash },
      numbered(bundleFromBlock(genesis), level),
    ).then(
      () => true,
      () => false,
    );
  };

  it('accepts the signatures of enough consenters', async () => {
    expect(await accepts([1, 2])).toBe(true);
    expect(await accepts([1, 2, 9])).toBe(true);
  });

  it('refuses too few, one twice, and numbers where names are due', async () => {
    expect(await accepts([1])).toBe(false);
    expect(await accepts([1, 1])).toBe(false);
    expect(await accepts([1, 9])).toBe(false);
    expect(await accepts([1, 2], 'V2_0')).toBe(false);
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
