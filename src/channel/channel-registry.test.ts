import { describe, expect, it } from 'vitest';
import { bundleFromBlock, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { ReplayLedger } from '../../test/committer/replay-ledger.ts';
import { fixtures, readFixture } from '../../test/fixtures.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import type { Ledger, LedgerProvider } from '../ledger/ledger.ts';
import { common } from '../protos/messages.ts';
import { ChannelRegistry } from './channel-registry.ts';

/** Ledgers that outlive the provider, as files would. */
class KeptLedgers implements LedgerProvider {
  readonly kept = new Map<string, ReplayLedger>();
  readonly broken = new Set<string>();

  list(): readonly string[] {
    return [...this.kept.keys(), ...this.broken];
  }

  async open(channelId: string): Promise<Ledger> {
    const ledger = this.kept.get(channelId);
    if (ledger === undefined) throw new SelvageError('LEDGER_CORRUPT', 'torn');
    return ledger;
  }

  async create(channelId: string, genesis: common.Block): Promise<Ledger> {
    if (this.list().includes(channelId)) throw new SelvageError('CHANNEL_EXISTS', 'is there');
    const ledger = await ReplayLedger.create(channelId, genesis);
    this.kept.set(channelId, ledger);
    return ledger;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

describe.skipIf(!fixtures)('channel registry', () => {
  const genesis = (network: string): Uint8Array => readFixture(`${network}/config/channel.block`);
  const open = (ledgers: LedgerProvider) => ChannelRegistry.open({ ledgers, bundleFromBlock, log: silent });

  it('joins channels with their first block and tells who listens', async () => {
    const ledgers = new KeptLedgers();
    await using registry = await open(ledgers);
    const joined: string[] = [];
    const listening = registry.onJoined(({ id }) => void joined.push(id));
    const channel = await registry.join(genesis('v1.1'));
    listening[Symbol.dispose]();
    await registry.join(genesis('v2.4'));
    expect(joined).toEqual(['mychannel']);
    expect(registry.list().map(({ id }) => id)).toEqual(['mychannel', 'lifechan']);
    expect(registry.get('mychannel')).toBe(channel);
    expect(channel.bundle()).toMatchObject({ channelId: 'mychannel', sequence: 1n });
    expect((await channel.ledger.blocks.block(0n))?.metadata?.metadata[2]).toEqual(new Uint8Array([0]));
  });

  it('joins a channel once, also when asked twice at a time', async () => {
    await using registry = await open(new KeptLedgers());
    const [first, second] = await Promise.allSettled([registry.join(genesis('v1.1')), registry.join(genesis('v1.1'))]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'CHANNEL_EXISTS' } });
  });

  it('refuses what configures no application channel, and leaves nothing', async () => {
    const ledgers = new KeptLedgers();
    await using registry = await open(ledgers);
    await expect(registry.join(readFixture('v1.1/config/genesis.block'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(registry.join(readFixture('v1.1/blocks/peer/3.pb'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(registry.join(readFixture('v1.1/blocks/peer/2.pb'))).rejects.toThrow('with block 2');
    await expect(registry.join(new Uint8Array([1]))).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(ledgers.list()).toEqual([]);
    expect(registry.list()).toEqual([]);
  });

  it.each(['v1.1', 'v2.4'] as const)('opens ledgers with the configuration of the newest config block (%s)', async (network) => {
    const [first, ...others] = recordedBlocks(network, 'peer');
    if (first === undefined) throw new Error('no recorded blocks');
    const ledgers = new KeptLedgers();
    const { channelId } = bundleFromBlock(first);
    const ledger = await ledgers.create(channelId, first);
    for (const block of others.slice(0, 6)) {
      await ledger.commit({ block, flags: block.metadata?.metadata[2] ?? new Uint8Array(), reasons: [] });
    }
    const registry = await open(ledgers);
    expect(registry.get(channelId)?.bundle().sequence).toBe(3n);
    await registry[Symbol.asyncDispose]();
    expect(ledgers.kept.get(channelId)?.disposed).toBe(true);
    expect(registry.list()).toEqual([]);
  });

  it('works with the others when one ledger is broken', async () => {
    const ledgers = new KeptLedgers();
    ledgers.broken.add('torn');
    await using registry = await open(ledgers);
    expect(registry.failures().get('torn')).toMatchObject({ code: 'LEDGER_CORRUPT' });
    await registry.join(genesis('v1.1'));
    expect(registry.list()).toHaveLength(1);
    expect(common.Block.decode(genesis('v1.1')).header?.number).toBe(0n);
  });
});
