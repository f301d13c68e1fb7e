import { BlockValidator } from '../../src/committer/block-validator.ts';
import { verifyBlock } from '../../src/committer/block-verification.ts';
import { vscc } from '../../src/committer/plugins/vscc.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import type { common } from '../../src/protos/messages.ts';
import { applyConfig, codeName } from '../committer/recorded-network.ts';

/** Verifies, validates and commits blocks as they are. @returns the codes of each, as names */
export async function replayBlocks(
  { ledger, bundle }: { readonly ledger: Ledger; readonly bundle: ChannelBundle },
  blocks: readonly common.Block[],
): Promise<readonly string[]> {
  const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig });
  const codes: string[] = [];
  let current = bundle;
  for (const block of blocks) {
    const { height: number, currentBlockHash: previousHash } = ledger.blocks.info();
    await verifyBlock(block, { number, previousHash }, current);
    using state = ledger.snapshot();
    const { validated, nextBundle } = await validator.validate(await validator.precheck(block, current), { state, blocks: ledger.blocks });
    const { flags } = await ledger.commit(validated);
    codes.push([...flags].map(codeName).join(' '));
    current = nextBundle ?? current;
  }
  return codes;
}
