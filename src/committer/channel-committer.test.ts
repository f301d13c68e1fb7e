import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { applyConfig, recordedBlocks, recordedLedger } from '../../test/committer/recorded-network.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { JoinedChannel } from '../channel/joined-channel.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { unmeasured } from '../common/metrics.ts';
import { winnerPhrase } from '../explain/live.ts';
import type { BlockReader, InvalidReason, Ledger, ValidatedBlock } from '../ledger/ledger.ts';
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

type Commit = (validated: ValidatedBlock) => Promise<void>;

/** A real ledger, except that its commits may fail. */
class FailingLedger implements Ledger {
  readonly #ledger: Ledger;
  readonly commit: Ledger['commit'];

  constructor(ledger: Ledger, before: Commit) {
    this.#ledger = ledger;
    this.commit = async (validated) => {
      await before(validated);
      return ledger.commit(validated);
    };
  }

  get channelId() {
    return this.#ledger.channelId;
  }
  get blocks() {
    return this.#ledger.blocks;
  }
  get privateData() {
    return this.#ledger.privateData;
  }
  get transient() {
    return this.#ledger.transient;
  }
  commitOld: Ledger['commitOld'] = (found) => this.#ledger.commitOld(found);
  setAside: Ledger['setAside'] = (sets) => this.#ledger.setAside(sets);
  reviewEligibility: Ledger['reviewEligibility'] = () => this.#ledger.reviewEligibility();
  snapshot = () => this.#ledger.snapshot();
  simulate = (txId: string) => this.#ledger.simulate(txId);
  history = (namespace: string, key: string) => this.#ledger.history(namespace, key);
  reasonFor = (txId: string) => this.#ledger.reasonFor(txId);
  [Symbol.asyncDispose] = () => this.#ledger[Symbol.asyncDispose]();
}

describe.skipIf(!fixtures)('channel committer', () => {
  const chain = recordedBlocks('v1.1', 'peer');
  const from = (number: bigint): readonly common.Block[] => chain.slice(Number(number));

  async function start(source: BlockSource, parts: Partial<ChannelCommitterParts & BlockValidatorParts & { commit: Commit }> = {}) {
    const recorded = await recordedLedger('v1.1');
    const { ledger, bundle } = recorded;
    const commit = parts.commit;
    const failing = commit === undefined ? ledger : new FailingLedger(ledger, commit);
    const channel = new JoinedChannel({ ledger: failing, bundle });
    const reached = new Map<bigint, () => void>();
    channel.feed.listen(({ block }) => reached.get(block.number)?.());
    const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig, ...parts });
    const pauses: number[] = [];
    const committer = new ChannelCommitter({
      channel,
      source,
      validator,
      log: silent,
      metrics: unmeasured,
      pause: async (ms) => void pauses.push(ms),
      ...parts,
    });
    const until = (number: bigint): Promise<void> => new Promise((resolve) => reached.set(number, resolve));
    const stop = async (): Promise<void> => {
      await committer[Symbol.asyncDispose]();
      await recorded[Symbol.asyncDispose]();
    };
    return { committer, channel, pauses, until, [Symbol.asyncDispose]: stop, height: () => ledger.blocks.info().height };
  }

  const last = BigInt(chain.length - 1);

  it('commits a chain in order and puts each configuration in force', async () => {
    await using run = await start(new ScriptedSource(from));
    const { committer, channel, until } = run;
    const end = until(last);
    expect(channel.bundle().sequence).toBe(1n);
    committer.start();
    committer.start();
    await end;
    await committer[Symbol.asyncDispose]();
    expect(run.height()).toBe(last + 1n);
    expect(channel.bundle().sequence).toBe(3n);
    expect(channel.halted()).toBeUndefined();
    expect(channel.ledger.reasonFor('48db4b6399a9693fe945fd66ac9959dcabece6548d7c5378a2881ac947f167bc')).toBeUndefined();
    const refused = channel.ledger.reasonFor('2a4a08c87fd70dcba52e56e5bf63078f3cae23d94c4fe339c8e670d7540cf3b2');
    expect(refused?.details).toMatchObject({ namespace: 'kvgo', missingPrincipals: 'Org2MSP.member', endorsedBy: 'Org1MSP' });
  });

  it('names in the log who came before an invalid transaction; one that cannot be named costs no line', async () => {
    const told: { readonly code: number; readonly block: string; readonly winner?: string }[] = [];
    const log = { ...silent, warn: (_: string, fields = {}) => void told.push(fields as (typeof told)[number]) };
    const parts: { blocks?: BlockReader } = {};
    const winnerOf = async (reason: InvalidReason) => {
      if (parts.blocks === undefined || reason.code === 12) throw new Error('nobody knows');
      return winnerPhrase(reason, parts.blocks);
    };
    await using run = await start(new ScriptedSource(from), { log, winnerOf });
    parts.blocks = run.channel.ledger.blocks;
    const end = run.until(last);
    run.committer.start();
    await end;
    await run.committer[Symbol.asyncDispose]();
    const at = (number: string, code: number) => told.find(({ block, code: own }) => block === number && own === code);
    expect(at('32', 11)?.winner).toBe('incr of kvnode, by User1@org1.example.com (Org1MSP), in 3384024ad852… at 32:0');
    expect(at('42', 9)?.winner).toBe('put of kvnode, by User1@org1.example.com (Org1MSP), in eb3fe88fb92a… at 41:0');
    expect(at('33', 12)).toMatchObject({ code: 12 });
    expect(at('33', 12)?.winner).toBeUndefined();
    expect(told.map(({ block }) => Number(block))).toEqual(told.map(({ block }) => Number(block)).sort((a, b) => a - b));
  });

  it('comes back to a lost source where it left, later and later while nothing arrives', async () => {
    function* script(number: bigint, connection: number): Generator<common.Block> {
      if (connection <= 3) throw new SelvageError('PEER_UNREACHABLE', 'no orderer');
      if (connection > 4) return yield* from(number);
      yield* from(number).slice(0, 5);
      throw new Error('reset');
    }
    const source = new ScriptedSource(script);
    await using run = await start(source);
    const end = run.until(last);
    run.committer.start();
    await end;
    expect(source.asked).toEqual([1n, 1n, 1n, 1n, 6n]);
    expect(run.pauses).toEqual([120, 144, 173, 100]);
  });

  it('waits no longer than it may', async () => {
    const source = new ScriptedSource((number, connection) => {
      if (connection < 40) throw new Error('down');
      return from(number);
    });
    await using run = await start(source, { longestPauseMs: 1_000 });
    const end = run.until(2n);
    run.committer.start();
    await end;
    expect(Math.max(...run.pauses)).toBe(1_000);
  });

  it('says once per outage that it never gives up', async () => {
    const told: string[] = [];
    const log = { ...silent, warn: (message: string) => void told.push(message) };
    function* script(number: bigint, connection: number): Generator<common.Block> {
      if (connection > 20) return yield* from(number);
      if (connection === 10) yield* from(number).slice(0, 2);
      throw new Error('down');
    }
    const source = new ScriptedSource(script);
    await using run = await start(source, { log, giveUpMs: 500 });
    const end = run.until(last);
    run.committer.start();
    await end;
    const leader = 'peer is a static leader, ignoring peer.deliveryclient.reconnectTotalTimeThreshold';
    expect(told.filter((message) => message === leader)).toHaveLength(2);
  });

  it('takes no block that the ordering service did not make, nor one out of order', async () => {
    const forged = (block: common.Block | undefined): common.Block[] =>
      block === undefined ? [] : [{ ...block, metadata: { metadata: [new Uint8Array()] } }];
    const source = new ScriptedSource((number, connection) => {
      if (connection === 1) return [...from(number).slice(0, 3), ...forged(chain[4])];
      return connection === 2 ? from(number + 1n) : from(number);
    });
    await using run = await start(source);
    const end = run.until(last);
    run.committer.start();
    await end;
    expect(source.asked).toEqual([1n, 4n, 4n]);
    expect(run.channel.halted()).toBeUndefined();
  });

  it('halts on a configuration that does not follow, without a flag for its block', async () => {
    const applied: common.ConfigEnvelope[] = [];
    const refuse: BlockValidatorParts['applyConfig'] = async (bundle, envelope) => {
      applied.push(envelope);
      if (applied.length === 2) throw new SelvageError('CONFIG_INVALID', 'not the successor');
      return applyConfig(bundle, envelope);
    };
    await using run = await start(new ScriptedSource(from), { applyConfig: refuse });
    const { committer, channel } = run;
    committer.start();
    await committer.ended();
    expect(run.height()).toBe(2n);
    expect(channel.bundle().sequence).toBe(2n);
    expect(channel.halted()).toMatchObject({ code: 'CHANNEL_HALTED', message: expect.stringContaining('not the successor') });
  });

  it('tries again when the disk refuses a block, and halts when the ledger is broken', async () => {
    let refusals = 0;
    const commit: Commit = async ({ block }) => {
      if (block.header?.number === 7n && refusals++ < 2) throw new SelvageError('DISK_FULL', 'no space left');
      if (block.header?.number === 9n) throw new SelvageError('LEDGER_CORRUPT', 'torn');
    };
    const source = new ScriptedSource(from);
    const stalled: (string | undefined)[] = [];
    await using run = await start(source, { commit, pause: async () => void stalled.push(run.channel.stalled()?.message) });
    run.committer.start();
    await run.committer.ended();
    expect(stalled).toEqual(['no space left', 'no space left']);
    expect(source.asked).toEqual([1n, 7n, 7n]);
    expect(run.height()).toBe(9n);
    expect(run.channel.halted()?.message).toContain('torn');
  });

  it('stops while it waits for a block, and does not start again', async () => {
    const source = new ScriptedSource((number) => from(number).slice(0, 2));
    await using run = await start(source);
    const second = run.until(2n);
    run.committer.start();
    await second;
    await run.committer[Symbol.asyncDispose]();
    run.committer.start();
    await run.committer[Symbol.asyncDispose]();
    expect(source.asked).toEqual([1n]);
    expect(run.height()).toBe(3n);
  });
});
