import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleFromBlock, type LedgerFolder, ledgerFolder, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { developmentSet as fixtures, readFixture } from '../../test/fixtures.ts';
import { deferred } from '../common/deferred.ts';
import { silent } from '../common/log.ts';
import { ChannelRegistry } from './channel-registry.ts';

describe.skipIf(!fixtures)('channel registry', () => {
  const genesis = (network: string): Uint8Array => readFixture(`${network}/config/channel.block`);

  /** A peer's channels, as at its start. */
  async function started(folder: LedgerFolder) {
    const ledgers = await folder.open();
    const registry = await ChannelRegistry.open({ ledgers, bundleFromBlock, log: silent });
    const stop = async (): Promise<void> => {
      await registry[Symbol.asyncDispose]();
      await ledgers[Symbol.asyncDispose]();
    };
    return { registry, ledgers, [Symbol.asyncDispose]: stop };
  }

  it('joins channels with their first block and tells who listens', async () => {
    await using folder = await ledgerFolder();
    await using peer = await started(folder);
    const { registry } = peer;
    const joined: string[] = [];
    const listening = registry.onJoined(({ id }) => void joined.push(id));
    const channel = await registry.join(genesis('v1.1'));
    listening[Symbol.dispose]();
    await registry.join(genesis('v2.4'));
    expect(joined).toEqual(['mychannel']);
    expect(registry.list().map(({ id }) => id)).toEqual(['mychannel', 'lifechan']);
    expect(registry.get('mychannel')).toBe(channel);
    expect(channel.bundle()).toMatchObject({ channelId: 'mychannel', sequence: 1n });
    expect([...((await channel.ledger.blocks.block(0n))?.metadata?.metadata[2] ?? [])]).toEqual([0]);
  });

  it('joins a channel once, also when asked twice at a time', async () => {
    await using folder = await ledgerFolder();
    await using peer = await started(folder);
    const { registry } = peer;
    const [first, second] = await Promise.allSettled([registry.join(genesis('v1.1')), registry.join(genesis('v1.1'))]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { code: 'CHANNEL_EXISTS', message: expect.stringContaining('LedgerID already exists') },
    });
  });

  it('refuses what configures no application channel, and leaves nothing', async () => {
    await using folder = await ledgerFolder();
    await using peer = await started(folder);
    const { registry, ledgers } = peer;
    await expect(registry.join(readFixture('v1.1/config/genesis.block'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(registry.join(readFixture('v1.1/blocks/peer/3.pb'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(registry.join(readFixture('v1.1/blocks/peer/2.pb'))).rejects.toThrow('with block 2');
    await expect(registry.join(new Uint8Array([1]))).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(ledgers.list()).toEqual([]);
    expect(registry.list()).toEqual([]);
  });

  it.each(['v1.1', 'v2.4'] as const)('opens ledgers with the configuration of the newest config block (%s)', async (network) => {
    await using folder = await ledgerFolder();
    const [first, ...others] = recordedBlocks(network, 'peer');
    if (first === undefined) throw new Error('no recorded blocks');
    const { channelId } = bundleFromBlock(first);
    {
      await using peer = await started(folder);
      const { ledger } = await peer.registry.join(genesis(network));
      for (const block of others.slice(0, 6)) {
        await ledger.commit({ block, flags: block.metadata?.metadata[2] ?? new Uint8Array(), reasons: [] });
      }
      expect(peer.registry.get(channelId)?.bundle().sequence).toBe(1n);
    }
    await using peer = await started(folder);
    expect(peer.registry.get(channelId)?.bundle().sequence).toBe(3n);
    expect(peer.registry.get(channelId)?.ledger.blocks.info().height).toBe(7n);
  });

  it('works with the others when one ledger is broken', async () => {
    await using folder = await ledgerFolder();
    {
      await using peer = await started(folder);
      await peer.registry.join(genesis('v1.1'));
      await peer.registry.join(genesis('v2.4'));
    }
    const blocks = join(folder.root, 'channels', 'mychannel', 'blocks');
    for (const file of await readdir(blocks)) await writeFile(join(blocks, file), 'torn');
    await using peer = await started(folder);
    expect(peer.registry.list().map(({ id }) => id)).toEqual(['lifechan']);
    expect([...peer.registry.failures().keys()]).toEqual(['mychannel']);
    const reason = 'this peer has a ledger of channel mychannel that it cannot open: ';
    await expect(peer.registry.join(genesis('v1.1'))).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
      message: expect.stringContaining(reason),
    });
  });

  it('opens ledgers side by side: one that takes long does not hold the others up', async () => {
    await using folder = await ledgerFolder();
    {
      await using peer = await started(folder);
      await peer.registry.join(genesis('v1.1'));
      await peer.registry.join(genesis('v2.4'));
    }
    await using ledgers = await folder.open();
    const second = deferred<void>();
    const slowFirst = async (block: Parameters<typeof bundleFromBlock>[0]) => {
      const bundle = await bundleFromBlock(block);
      if (bundle.channelId === 'lifechan')
        await second.promise; // the first in order
      else second.resolve();
      return bundle;
    };
    await using registry = await ChannelRegistry.open({ ledgers, bundleFromBlock: slowFirst, log: silent });
    expect(registry.list().map(({ id }) => id)).toEqual(['lifechan', 'mychannel']);
  });
});
