import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { applyConfig, bundleFromBlock, recordedBlocks } from '../../test/committer/recorded-network.ts';
import { ReplayLedger } from '../../test/committer/replay-ledger.ts';
import { fixtures } from '../../test/fixtures.ts';
import { JoinedChannel } from '../channel/joined-channel.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { unmeasured } from '../common/metrics.ts';
import type { ValidatedBlock } from '../ledger/ledger.ts';
import type { common } from '../protos/messages.ts';
import type { BlockSource } from './block-source.ts';
import { BlockValidator, type BlockValidatorParts } from './block-validator.ts';
import { ChannelCommitter, type ChannelCommitterParts } from './channel-committer.ts';
import { vscc } from './plugins/vscc.ts';

/** Gives what `next` says for each connection, then waits until nobody listens any more. */
class ScriptedSource implements BlockSource {
  readonly asked: bigint[] = [];
  readonly #script: (from: bigint, connection: number) => Iterable<common.Block>;

  constructor(script: (from: bigint, connection: number) => Iterable<common.Block>) {
    this.#script = script;
  }

  async *blocks(from: bigint, signal: AbortSignal): AsyncGenerator<common.Block> {
    this.asked.push(from);
    yield* this.#script(from, this.asked.length);
    if (!signal.aborted) await once(signal, 'abort');
  }
}

describe.skipIf(!fixtures)('channel committer', () => {
  const chain = recordedBlocks('v1.1', 'peer');
  const from = (number: bigint): readonly common.Block[] => chain.slice(Number(number));

  async function start(source: BlockSource, parts: Partial<ChannelCommitterParts & BlockValidatorParts & { ledger: ReplayLedger }> = {}) {
    const [genesis] = chain;
    if (genesis === undefined) throw new Error('no recorded blocks');
    const bundle = bundleFromBlock(genesis);
    const ledger = parts.ledger ?? (await ReplayLedger.create(bundle.channelId, genesis));
    const channel = new JoinedChannel({ ledger, bundle });
    const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig, ...parts });
    const reached = new Map<bigint, () => void>();
    const pauses: number[] = [];
    const committer = new ChannelCommitter({
      channel,
      source,
      validator,
      log: silent,
      metrics: unmeasured,
      pause: async (ms) => void pauses.push(ms),
      onCommitted: ({ blockNumber }) => reached.get(blockNumber)?.(),
      ...parts,
    });
    const until = (number: bigint): Promise<void> => new Promise((resolve) => reached.set(number, resolve));
    return { committer, channel, ledger, pauses, until };
  }

  const last = BigInt(chain.length - 1);

  it('commits a chain in order and puts each configuration in force', async () => {
    const { committer, channel, ledger, until } = await start(new ScriptedSource(from), { transientRetention: 50n });
    const end = until(last);
    expect(channel.bundle().sequence).toBe(1n);
    committer.start();
    committer.start();
    await end;
    await committer[Symbol.asyncDispose]();
    expect(ledger.blocks.info().height).toBe(last + 1n);
    expect(channel.bundle().sequence).toBe(3n);
    expect(channel.halted()).toBeUndefined();
    expect(ledger.state.open.size).toBe(0);
    expect(ledger.purged).toHaveLength(chain.length - 1);
    expect(ledger.purged.find(({ txIds }) => txIds.length > 2)?.belowHeight).toBe(0n);
  });

  it('comes back to a lost source where it left, later and later while nothing arrives', async () => {
    function* script(number: bigint, connection: number): Generator<common.Block> {
      if (connection <= 3) throw new SelvageError('PEER_UNREACHABLE', 'no orderer');
      if (connection > 4) return yield* from(number);
      yield* from(number).slice(0, 5);
      throw new Error('reset');
    }
    const source = new ScriptedSource(script);
    const { committer, pauses, until } = await start(source);
    const end = until(last);
    committer.start();
    await end;
    await committer[Symbol.asyncDispose]();
    expect(source.asked).toEqual([1n, 1n, 1n, 1n, 6n]);
    expect(pauses).toEqual([120, 144, 173, 100]);
  });

  it('waits no longer than it may', async () => {
    const source = new ScriptedSource((number, connection) => {
      if (connection < 40) throw new Error('down');
      return from(number);
    });
    const { committer, pauses, until } = await start(source, { maxPauseMs: 1_000 });
    const end = until(last);
    committer.start();
    await end;
    await committer[Symbol.asyncDispose]();
    expect(Math.max(...pauses)).toBe(1_000);
  });

  it('takes no block that the ordering service did not make, nor one out of order', async () => {
    const forged = (block: common.Block | undefined): common.Block[] =>
      block === undefined ? [] : [{ ...block, metadata: { metadata: [new Uint8Array()] } }];
    const source = new ScriptedSource((number, connection) => {
      if (connection === 1) return [...from(number).slice(0, 3), ...forged(chain[4])];
      return connection === 2 ? from(number + 1n) : from(number);
    });
    const { committer, channel, until } = await start(source);
    const end = until(last);
    committer.start();
    await end;
    await committer[Symbol.asyncDispose]();
    expect(source.asked).toEqual([1n, 4n, 4n]);
    expect(channel.halted()).toBeUndefined();
  });

  it('halts on a configuration that does not follow, without a flag for its block', async () => {
    const applied: common.ConfigEnvelope[] = [];
    const refuse: BlockValidatorParts['applyConfig'] = async (bundle, envelope) => {
      applied.push(envelope);
      if (applied.length === 2) throw new SelvageError('CONFIG_INVALID', 'not the successor');
      return applyConfig(bundle, envelope);
    };
    const { committer, channel, ledger } = await start(new ScriptedSource(from), { applyConfig: refuse });
    committer.start();
    await committer.ended();
    expect(ledger.blocks.info().height).toBe(2n);
    expect(channel.bundle().sequence).toBe(2n);
    expect(channel.halted()).toMatchObject({ code: 'CHANNEL_HALTED', message: expect.stringContaining('not the successor') });
    expect(ledger.state.open.size).toBe(0);
  });

  it('tries again when the disk refuses a block, and halts when the ledger is broken', async () => {
    const [genesis] = chain;
    if (genesis === undefined) throw new Error('no recorded blocks');
    const ledger = await ReplayLedger.create('mychannel', genesis);
    const commit = ledger.commit.bind(ledger);
    let refusals = 0;
    ledger.commit = async (validated: ValidatedBlock) => {
      const { number } = validated.block.header ?? {};
      if (number === 7n && refusals++ < 2) throw new SelvageError('DISK_FULL', 'no space left');
      if (number === 9n) throw new SelvageError('LEDGER_CORRUPT', 'torn');
      return commit(validated);
    };
    const source = new ScriptedSource(from);
    const { committer, channel } = await start(source, { ledger });
    committer.start();
    await committer.ended();
    expect(source.asked).toEqual([1n, 7n, 7n]);
    expect(ledger.blocks.info().height).toBe(9n);
    expect(channel.halted()?.message).toContain('torn');
  });

  it('stops while it waits for a block, and does not start again', async () => {
    const source = new ScriptedSource((number) => from(number).slice(0, 2));
    const { committer, ledger, until } = await start(source);
    const second = until(2n);
    committer.start();
    await second;
    await committer[Symbol.asyncDispose]();
    committer.start();
    await committer[Symbol.asyncDispose]();
    expect(source.asked).toEqual([1n]);
    expect(ledger.blocks.info().height).toBe(3n);
  });
});
