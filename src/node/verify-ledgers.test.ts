import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Network, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { FolderLedgerProvider } from '../ledger/ledger-provider.ts';
import { definedLifetimes } from '../lifecycle/committed-collections.ts';
import { common } from '../protos/messages.ts';
import { verifyLedgers } from './verify-ledgers.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-verify-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A peer's folder with the blocks that a real network made. @returns how many */
async function recorded(network: Network): Promise<bigint> {
  await using ledgers = await FolderLedgerProvider.open({ root: join(folder, 'ledgers'), lifetimes: definedLifetimes });
  const [genesis, ...blocks] = recordedBlocks(network, 'peer');
  if (genesis === undefined) throw new Error('no recorded blocks');
  const ledger = await ledgers.create(network === 'v1.1' ? 'mychannel' : 'lifechan', genesis);
  for (const block of blocks) await ledger.commit({ block, flags: block.metadata?.metadata[2] ?? new Uint8Array(0), reasons: [] });
  return ledger.blocks.info().height;
}

async function verified(channelId?: string) {
  const found = [];
  for await (const verdict of verifyLedgers({ fileSystemPath: folder, release: '2.x', state: true, channelId })) found.push(verdict);
  return found;
}

describe.skipIf(!fixtures)('the ledgers of a peer that does not run', () => {
  it.each([
    ['v1.1', 'mychannel'],
    ['v2.4', 'lifechan'],
  ] as const)('are sound as a network made them (%s)', async (network, channelId) => {
    const height = await recorded(network);
    expect(await verified()).toEqual([{ channelId, height, findings: [] }]);
  });

  it('are not, when a block has not the signature of an orderer', async () => {
    await recorded('v2.4');
    const [block] = recordedBlocks('v2.4', 'peer').slice(-1);
    const { signatures } = common.Metadata.decode(block?.metadata?.metadata[0] ?? new Uint8Array(0));
    const signature = Buffer.from(signatures[0]?.signature ?? new Uint8Array(0));
    const file = join(folder, 'ledgers', 'channels', 'lifechan', 'blocks', 'blockfile_000000');
    const bytes = await readFile(file);
    bytes[bytes.indexOf(signature) + 20] = (signature[20] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const [verdict] = await verified();
    expect(verdict?.findings[0]).toContain('do not satisfy');
    expect(verdict?.findings[1]).toContain('in the index of the blocks');
  });

  it('are not looked at while the peer runs, nor where there are none', async () => {
    await recorded('v1.1');
    await expect(verified('other')).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
    await using _ = await FolderLedgerProvider.open({ root: join(folder, 'ledgers') });
    await expect(verified()).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
    await rm(join(folder, 'ledgers'), { recursive: true });
    await expect(verified()).rejects.toMatchObject({ code: 'SETTING_INVALID' });
  });
});
