import { describe, expect, it } from 'vitest';
import { applyConfig, codeName, type Network, recordedBlocks, recordedLedger } from '../../test/committer/recorded-network.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { common } from '../protos/messages.ts';
import { BlockValidator } from './block-validator.ts';
import { verifyBlock } from './block-verification.ts';
import { vscc } from './plugins/vscc.ts';

const FILTER = common.BlockMetadataIndex.TRANSACTIONS_FILTER;

/** As it came from the ordering service: without flags. */
function unflagged(block: common.Block): common.Block {
  const metadata = [...(block.metadata?.metadata ?? [])];
  metadata[FILTER] = new Uint8Array();
  return { ...block, metadata: { metadata } };
}

const names = (flags: Uint8Array): string => [...flags].map(codeName).join(' ');

async function replay(network: Network, blocks: readonly common.Block[]): Promise<string[]> {
  await using recorded = await recordedLedger(network);
  const { ledger } = recorded;
  let { bundle } = recorded;
  const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig });
  const codes: string[] = [];
  for (const block of blocks.slice(1).map(unflagged)) {
    const { height: number, currentBlockHash: previousHash } = ledger.blocks.info();
    await verifyBlock(block, { number, previousHash }, bundle);
    using state = ledger.snapshot();
    const { validated, nextBundle } = await validator.validate(await validator.precheck(block, bundle), { state, blocks: ledger.blocks });
    const { flags, blockNumber } = await ledger.commit(validated);
    codes.push(`${blockNumber}: ${names(flags)}`);
    bundle = nextBundle ?? bundle;
  }
  return codes;
}

describe.skipIf(!fixtures).each(['v1.1', 'v2.4'] as const)('blocks recorded from Fabric %s', (network) => {
  const recorded = recordedBlocks(network, 'peer');
  const expected = recorded.slice(1).map((block, index) => `${index + 1}: ${names(block.metadata?.metadata[FILTER] ?? new Uint8Array())}`);

  it('get the validation codes that the peer gave them', async () => {
    const codes = await replay(network, recorded);
    expect(recorded.length).toBeGreaterThan(70);
    expect(codes).toEqual(expected);
  });

  it('get the same codes in the form the orderer sent them', async () => {
    const ordered = recordedBlocks(network, 'orderer');
    const codes = await replay(network, ordered);
    expect(ordered.length).toBeGreaterThan(10);
    expect(codes).toEqual(expected.slice(0, codes.length));
  });
});
