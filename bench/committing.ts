import { createProposal } from '../src/client/proposal.ts';
import { assembleTransaction } from '../src/client/transaction.ts';
import type { GrpcClient } from '../src/comm/client.ts';
import type { Cancellable } from '../src/common/cancel.ts';
import { deferred } from '../src/common/deferred.ts';
import { protos } from '../src/protos/messages.ts';
import { Broadcaster } from './broadcaster.ts';
import { cpuMs } from './process-use.ts';
import { quantile } from './statistics.ts';
import type { Target } from './target.ts';

/** What one endorser and its orderer did in one round; latencies from handing in to the commit event, in milliseconds. */
export interface CommittingRound {
  /** One transaction at a time. */
  readonly p50: number;
  readonly p95: number;
  /** All at once. */
  readonly perSecond: number;
  /** CPU time of the peer for each transaction, all at once. */
  readonly peerCpu: number;
}

export interface CommitLoad {
  /** Transactions that go one at a time. */
  readonly single: number;
  /** Transactions that are handed in as fast as the orderer takes them, `inFlight` at a time. */
  readonly burst: number;
  readonly inFlight: number;
  /** Makes keys different from those of other rounds, so that no transaction conflicts. */
  readonly round: string;
}

interface Transaction {
  readonly txId: string;
  readonly envelope: Uint8Array;
}

/** Hears of commits on one stream that stays open, as an application would. */
class CommitWatch {
  readonly #waiting = new Map<string, (code: number) => void>();
  readonly #started = deferred<void>();
  /** The peer is sending: no commit can be missed from here on. */
  readonly started: Promise<void> = this.#started.promise;

  constructor({ peer, signer, spec }: Target, options: Cancellable) {
    const blocks = peer.filteredBlocks(signer, spec.channel, { start: 'newest' }, options);
    this.#follow(blocks).catch((reason: unknown) => this.#started.reject(reason)); // it ends with its signal
  }

  /** Resolves when the transaction is committed. @throws {Error} when it is invalid */
  async committed(txId: string): Promise<void> {
    const code = await new Promise<number>((resolve) => this.#waiting.set(txId, resolve));
    if (code !== protos.TxValidationCode.VALID) throw new Error(`transaction ${txId} was invalidated with code ${code}`);
  }

  async #follow(blocks: AsyncIterable<protos.DeliverResponse>): Promise<void> {
    for await (const { filteredBlock } of blocks) {
      this.#started.resolve();
      for (const { txid, txValidationCode } of filteredBlock?.filteredTransactions ?? []) {
        this.#waiting.get(txid)?.(txValidationCode);
        this.#waiting.delete(txid);
      }
    }
  }
}

/** Endorses, assembles and signs `count` transactions of one put each, ahead of time. @param prefix of keys that nobody else writes */
async function prepare({ signer, call, peer }: Target, count: number, prefix: string, options: Cancellable): Promise<Transaction[]> {
  const transactions: Transaction[] = [];
  for (let at = 0; at < count; at += 1) {
    const proposal = await createProposal(signer, call(['put', `${prefix}-${at}`, 'a value of some size']));
    const response = await peer.endorse(proposal.signed, options);
    transactions.push({ txId: proposal.txId, envelope: await assembleTransaction(signer, proposal, [response]) });
  }
  return transactions;
}

/** Who does what in a round. */
export interface CommitTurn {
  readonly target: Target;
  readonly orderer: GrpcClient;
  /** Endorses the transactions: the target itself, or another peer, whose signatures the target sees for the first time. */
  readonly endorser: Target;
  /** Peers that would commit the same blocks at the same time. They are stopped for that long, where their process is known. */
  readonly resting: readonly Target[];
}

export async function commitRound({ target, orderer, endorser, resting }: CommitTurn, load: CommitLoad): Promise<CommittingRound> {
  const over = new AbortController();
  const options = { signal: over.signal };
  const watch = new CommitWatch(target, options);
  const broadcaster = new Broadcaster(orderer, options);
  try {
    await watch.started;
    const single = await prepare(endorser, load.single, `single-${load.round}`, options);
    const burst = await prepare(endorser, load.burst, `burst-${load.round}`, options);
    using _ = stopped(resting);
    const handIn = async ({ txId, envelope }: Transaction): Promise<void> => {
      const committed = watch.committed(txId);
      await broadcaster.hand(envelope);
      await committed;
    };
    const latencies = await oneAtATime(single, handIn);
    const before = cpuMs(target.spec.pid);
    const begun = performance.now();
    await allAtOnce(burst, load.inFlight, watch, broadcaster);
    const ms = performance.now() - begun;
    return {
      p50: quantile(latencies, 0.5),
      p95: quantile(latencies, 0.95),
      perSecond: (burst.length * 1000) / ms,
      peerCpu: (cpuMs(target.spec.pid) - before) / burst.length,
    };
  } finally {
    over.abort();
  }
}

/** Stops the processes until it is disposed. */
function stopped(targets: readonly Target[]): Disposable {
  const pids = targets.flatMap(({ spec: { pid } }) => (pid === undefined ? [] : [pid]));
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]: () => {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    },
  };
}

async function oneAtATime(transactions: readonly Transaction[], handIn: (each: Transaction) => Promise<void>): Promise<number[]> {
  const latencies: number[] = [];
  for (const each of transactions) {
    const sent = performance.now();
    await handIn(each);
    latencies.push(performance.now() - sent);
  }
  return latencies.sort((a, b) => a - b);
}

async function allAtOnce(
  transactions: readonly Transaction[],
  inFlight: number,
  watch: CommitWatch,
  broadcaster: Broadcaster,
): Promise<void> {
  const committed = transactions.map(({ txId }) => watch.committed(txId));
  const left = [...transactions];
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await broadcaster.hand(next.envelope);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  await Promise.all(committed);
}
