import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../test/fixtures.ts';
import { lastConfigOf } from '../msp/channelconfig/config-block.ts';
import type { Signer } from '../msp/identity.ts';
import { common } from '../protos/messages.ts';
import { buildBlock, type MetadataForm } from './block-builder.ts';

/** Signs nothing: the test is about everything but the signature. */
const unsigned: Signer = { mspId: 'OrdererMSP', serialized: new Uint8Array([1]), sign: () => new Uint8Array([2]) };

describe.skipIf(!fixtures)('a block built from recorded envelopes', () => {
  const recorded = (network: string, number: number) => common.Block.decode(readFixture(`${network}/blocks/orderer/${number}.pb`));
  const forms: [string, MetadataForm][] = [
    ['v1.1', '1.x'],
    ['v2.4', '2.x'],
  ];

  it.each(forms)('has the recorded header and metadata of %s', async (network, form) => {
    for (let number = 1; number <= 12; number += 1) {
      const expected = recorded(network, number);
      const built = await buildBlock(
        {
          previous: recorded(network, number - 1).header ?? assert.fail(),
          envelopes: expected.data?.data ?? [],
          lastConfig: lastConfigOf(expected),
        },
        { signer: unsigned, form, nonce: () => new Uint8Array(24) },
      );
      assert.equal(hex(common.BlockHeader.encode(built.header ?? {})), hex(common.BlockHeader.encode(expected.header ?? {})));
      assert.deepEqual(built.metadata?.metadata.map(shape), expected.metadata?.metadata.map(shape));
    }
  });
});

/** What a metadata slot says, and how often it is signed. */
function shape(slot: Uint8Array): readonly [value: string, signatures: number] {
  const { value, signatures } = common.Metadata.decode(slot);
  return [hex(value), signatures.length];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
