import { describe, expect, it } from 'vitest';
import { recordedBlocks } from '../../test/committer/recorded-network.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { BlockFeed } from '../channel/block-feed.ts';
import { CommittedBlock } from '../channel/committed-block.ts';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { PrometheusMetrics } from './metrics.ts';
import { countTransactions } from './transaction-count.ts';

describe.skipIf(!fixtures)('the count of transactions', () => {
  it('is kept for each type, chaincode and code, as a Go peer names them', async () => {
    const blocks = recordedBlocks('v2.4', 'peer');
    const feed = new BlockFeed({ channelId: 'ch', blocks: { info: () => ({ height: 0n }) as never, block: async () => undefined } });
    const metrics = new PrometheusMetrics({ process: false });
    await using _counting = countTransactions(
      { list: () => [{ feed } as JoinedChannel], onJoined: () => ({ [Symbol.dispose]: () => undefined }) },
      metrics,
    );
    for (const block of blocks) feed.announce({ block: new CommittedBlock('ch', block), reasons: [] });
    const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('ledger_transaction_count{'));
    const sum = (filter: RegExp): number =>
      lines.filter((line) => filter.test(line)).reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
    expect(sum(/./)).toBe(blocks.reduce((total, { data }) => total + (data?.data.length ?? 0), 0));
    const codes = blocks.flatMap(({ metadata }) => [...(metadata?.metadata[2] ?? [])]);
    expect(sum(/validation_code="VALID"/)).toBe(codes.filter((code) => code === 0).length);
    expect(sum(/transaction_type="CONFIG",chaincode="unknown",validation_code="VALID"/)).toBeGreaterThan(0);
    expect(sum(/chaincode="_lifecycle:syscc"/)).toBeGreaterThan(0);
  });
});
