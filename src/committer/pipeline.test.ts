import { describe, expect, it } from 'vitest';
import { applyConfig, recordedBlocks, recordedLedger } from '../../test/committer/recorded-network.ts';
import { developmentSet as fixtures } from '../../test/fixtures.ts';
import { CommittedBlock } from '../channel/committed-block.ts';
import { JoinedChannel } from '../channel/joined-channel.ts';
import { SelvageError } from '../common/errors.ts';
import type { CommitOutcome, Ledger, ValidatedBlock } from '../ledger/ledger.ts';
import type { StateSnapshot } from '../ledger/statedb/state.ts';
import type { PrivateDataSource, PrivateNeed } from '../privdata/ports/private-data-source.ts';
import { common } from '../protos/messages.ts';
import { BlockValidator } from './block-validator.ts';
import { BlockPipeline } from './pipeline.ts';
import { vscc } from './plugins/vscc.ts';

/** A real ledger that tells what of it is in use. */
class WatchedLedger implements Ledger {
  readonly #ledger: Ledger;
  snapshots = 0;
  commits = 0;
  readonly committed: ValidatedBlock[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
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
  snapshot(): StateSnapshot {
    const snapshot = this.#ledger.snapshot();
    this.snapshots += 1;
    return {
      savepoint: snapshot.savepoint,
      get: (namespace, key) => snapshot.get(namespace, key),
      getMany: (namespace, keys) => snapshot.getMany(namespace, keys),
      range: (namespace, start, end) => snapshot.range(namespace, start, end),
      query: (namespace, query, page) => snapshot.query(namespace, query, page),
      [Symbol.dispose]: () => {
        this.snapshots -= 1;
        snapshot[Symbol.dispose]();
      },
    };
  }
  async commit(validated: ValidatedBlock): Promise<CommitOutcome> {
    this.commits += 1;
    this.committed.push(validated);
    try {
      return await this.#ledger.commit(validated);
    } finally {
      this.commits -= 1;
    }
  }
  simulate = (txId: string) => this.#ledger.simulate(txId);
  history = (namespace: string, key: string) => this.#ledger.history(namespace, key);
  reasonFor = (txId: string) => this.#ledger.reasonFor(txId);
  [Symbol.asyncDispose] = () => this.#ledger[Symbol.asyncDispose]();
}

const never = new AbortController().signal;

describe.skipIf(!fixtures)('the stages of a block', () => {
  const chain = recordedBlocks('v2.4', 'peer');
  const configurations = chain
    .slice(1)
    .flatMap((block) => new CommittedBlock('', block).transactions)
    .filter(({ type }) => type === common.HeaderType.CONFIG).length;

  async function open(privateData?: (ledger: WatchedLedger) => PrivateDataSource) {
    const recorded = await recordedLedger('v2.4');
    const ledger = new WatchedLedger(recorded.ledger);
    const channel = new JoinedChannel({ ledger, bundle: recorded.bundle });
    const validator = new BlockValidator({ plugins: new Map([['vscc', vscc]]), applyConfig });
    const pipeline = new BlockPipeline({ channel, validator, privateData: privateData?.(ledger) });
    const commit = async (number: number): Promise<CommitOutcome> => {
      const block = chain[number];
      if (block === undefined) throw new Error(`no block ${number}`);
      return pipeline.finish(pipeline.begin(block, { number: BigInt(number), previousHash: ledger.blocks.info().currentBlockHash }), never);
    };
    return { ledger, channel, pipeline, commit, [Symbol.asyncDispose]: () => recorded[Symbol.asyncDispose]() };
  }

  it('wait for private data with neither a snapshot nor the ledger in hand', async () => {
    const asked: { readonly needs: readonly PrivateNeed[]; readonly snapshots: number; readonly commits: number }[] = [];
    const given = new Map([[0, [new Uint8Array([1])]]]);
    await using run = await open((ledger) => ({
      collect: async (needs) => {
        asked.push({ needs, snapshots: ledger.snapshots, commits: ledger.commits });
        using _free = ledger.snapshot();
        await new Promise((resolve) => setImmediate(resolve));
        return given;
      },
    }));
    for (let number = 1; number < chain.length; number += 1) await run.commit(number);
    expect(asked).toHaveLength(chain.length - 1);
    expect(asked.every(({ snapshots, commits }) => snapshots === 0 && commits === 0)).toBe(true);
    const approvals = asked.flatMap(({ needs }) => needs).flatMap(({ collections }) => collections);
    expect(approvals).toContainEqual({ namespace: '_lifecycle', collection: '_implicit_org_Org1MSP', hash: expect.any(Uint8Array) });
    expect(run.ledger.committed.every(({ privateData }) => privateData === given)).toBe(true);
  });

  it('hand on what they read: the ledger reads no transaction again that was judged', async () => {
    await using run = await open();
    for (let number = 1; number < chain.length; number += 1) await run.commit(number);
    const judged = run.ledger.committed.flatMap(({ transactions = [], flags }) => transactions.filter((_, index) => flags[index] === 0));
    expect(judged.filter((transaction) => transaction === undefined)).toHaveLength(configurations);
  });

  it('put a configuration in force before anybody hears of its block', async () => {
    await using run = await open();
    let sequence = run.channel.bundle().sequence;
    const listening = run.channel.feed.listen(({ block }) => {
      sequence += BigInt(block.transactions.filter(({ type }) => type === common.HeaderType.CONFIG).length);
      expect(run.channel.bundle().sequence).toBe(sequence);
    });
    for (let number = 1; number < chain.length; number += 1) await run.commit(number);
    listening[Symbol.dispose]();
    expect(run.channel.feed.height).toBe(BigInt(chain.length));
  });

  it('end with a halt, and not with another try, when who follows a committed block fails', async () => {
    await using run = await open();
    run.channel.feed.listen(() => {
      throw new SelvageError('PEER_UNREACHABLE', 'a listener that may not fail');
    });
    await expect(run.commit(1)).rejects.toMatchObject({
      code: 'CHANNEL_HALTED',
      message: expect.stringContaining('a listener that may not fail'),
    });
    expect(run.ledger.blocks.info().height).toBe(2n);
  });
});
