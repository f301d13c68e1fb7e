import { type Cancellable, orAbort } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { MaybePromise } from '../common/maybe.ts';
import type { Gauge, Metrics } from '../common/metrics.ts';
import { Serial } from '../common/serial.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import type { ProposalContext } from './chaincodes.ts';
import type { Running } from './launch.ts';
import { Replica, type ReplicaParts } from './replica.ts';
import type { ChaincodeState } from './state.ts';
import type { ChaincodeStream } from './stream/chaincode-stream.ts';

export interface ReplicaSetParts extends Pick<ReplicaParts, 'chaincode' | 'clock' | 'logger' | 'restart'> {
  /** How many there are, at least 1. */
  readonly size: number;
  /** Whether streams of several launches can be told apart, as by their certificates; else one is launched after another. */
  readonly atOnce: boolean;
  /** @param replica from 1; undefined when there is but one */
  readonly launch: (replica: number | undefined, signal: AbortSignal) => Promise<Running>;
  readonly metrics: Metrics;
}

/** A transaction's place at one replica. It counts until it is disposed. */
export interface Place extends Disposable {
  readonly stream: ChaincodeStream;
  /** Why the stream ended, as soon as that is known; undefined when nobody knows better than the stream. Never rejects. */
  ended(): Promise<SelvageError | undefined>;
  /**
   * Stops this replica and no other; it is started again for the next who needs it.
   * @returns what it printed last, or undefined when the user runs it: then nothing is done
   */
  abandon(reason: SelvageError): Promise<readonly string[] | undefined>;
}

interface Member {
  readonly replica: Replica;
  readonly transactions: Gauge;
  /** Places that are taken. */
  open: number;
}

interface Found {
  readonly member: Member;
  readonly stream: ChaincodeStream;
}

/**
 * The replicas of one chaincode, of which most have one. The first who asks starts them: all at once where their streams can be told
 * apart, else the next when the one before is ready. The set is ready when the first of them is, so that no call waits for the
 * slowest; it is not when none could be started. From then on those that are missing are started in the background, also one that
 * crashed, for as long as another one runs. When none does, the next call starts them again.
 */
export class ReplicaSet implements AsyncDisposable {
  readonly #parts: ReplicaSetParts;
  readonly #members: readonly Member[];
  readonly #turns = new Serial();
  readonly #placed = new Map<string, { member: Member; open: number }>();
  /** For calls of one transaction that come one after another. */
  readonly #visited = new WeakMap<object, Member>();
  #starting: Promise<Found> | undefined;
  #wanted: number;

  constructor(parts: ReplicaSetParts) {
    this.#parts = parts;
    this.#members = Array.from({ length: parts.size }, (_, at) => this.#member(at + 1));
    this.#wanted = this.#now();
  }

  get chaincode(): ChaincodeRef {
    return this.#parts.chaincode;
  }

  /** When somebody wanted it last, milliseconds of the clock. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Where the one is that is furthest. */
  get state(): ChaincodeState {
    const states = this.#members.map(({ replica }) => replica.state);
    const order = ['ready', 'launching', 'stopping'] as const;
    return order.flatMap((at) => states.find((state) => state.at === at) ?? [])[0] ?? states[0] ?? { at: 'stopped' };
  }

  /** Why the last connection to its service ended, until one is back or all are given up; undefined for chaincode that is no service. */
  get lost(): SelvageError | undefined {
    if (this.#members.some(({ replica }) => replica.stream !== undefined)) return undefined;
    return this.#members.flatMap(({ replica }) => replica.lost ?? [])[0];
  }

  /** Whether no transaction needs it at this moment. */
  get idle(): boolean {
    return this.#placed.size === 0;
  }

  /** Whether a replica takes transactions now. */
  get isReady(): boolean {
    for (const { replica } of this.#members) if (replica.stream !== undefined) return true;
    return false;
  }

  /** Waits until one replica takes transactions. @throws {SelvageError} what the launch failed with; the signal's reason */
  async ready({ signal }: Cancellable): Promise<void> {
    this.#wanted = this.#now();
    if (!this.isReady) await orAbort(this.#started(), signal);
  }

  /**
   * A place for a transaction, at once when a replica is ready: where this transaction is or was before, so that it meets itself as
   * it would with a single instance; else where the fewest are open.
   * @throws {SelvageError} as {@link ready}
   */
  enter(proposal: ProposalContext, options: Cancellable): MaybePromise<Place> {
    this.#wanted = this.#now();
    const found = this.#find(proposal);
    if (found !== undefined) return this.#place(found, proposal);
    return orAbort(this.#started(), options.signal).then((started) => this.#place(this.#find(proposal) ?? started, proposal));
  }

  /**
   * Gives up launches and stops every replica; resolves when nothing of them runs.
   * @param drainMs how long the transactions that run may take to end before they are failed
   */
  async stop(reason: SelvageError, drainMs = 0): Promise<void> {
    await Promise.all(this.#members.map(({ replica }) => replica.stop(reason, drainMs)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(new SelvageError('CANCELLED', 'the peer is stopping'));
  }

  #find({ txId, signedProposal }: ProposalContext): Found | undefined {
    const before = this.#placed.get(txId)?.member ?? this.#visited.get(signedProposal);
    if (before?.replica.stream !== undefined) return { member: before, stream: before.replica.stream };
    let best: Found | undefined;
    for (const member of this.#members) {
      const { stream } = member.replica;
      if (stream !== undefined && (best === undefined || member.open < best.member.open)) best = { member, stream };
    }
    return best;
  }

  /** Counted at once: who asks in the same moment goes elsewhere. */
  #place({ member, stream }: Found, { txId, signedProposal }: ProposalContext): Place {
    const placed = this.#placed.get(txId) ?? { member, open: 0 };
    placed.member = member; // another than before when that has crashed
    this.#placed.set(txId, placed);
    this.#visited.set(signedProposal, member);
    placed.open += 1;
    this.#count(member, 1);
    let left = false;
    return {
      stream,
      ended: () => member.replica.endOf(stream),
      abandon: (reason) => member.replica.abandon(stream, reason),
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        placed.open -= 1;
        if (placed.open === 0) this.#placed.delete(txId);
        this.#count(member, -1);
      },
    };
  }

  #count(member: Member, amount: number): void {
    member.open += amount;
    member.transactions.add(amount);
  }

  /** One start for all who wait for it. */
  #started(): Promise<Found> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<Found> {
    const [first, ...others] = [...this.#members].sort((a, b) => a.replica.pauseMs - b.replica.pauseMs);
    if (first === undefined) throw new SelvageError('INTERNAL', 'a chaincode has at least one replica');
    const launches = [first, ...(this.#parts.atOnce ? others : [])].map(async (member) => ({
      member,
      stream: await member.replica.ready(),
    }));
    try {
      return await Promise.any(launches);
    } catch (thrown) {
      throw thrown instanceof AggregateError ? thrown.errors[0] : thrown;
    }
  }

  #member(number: number): Member {
    const { size, metrics, chaincode, logger, launch } = this.#parts;
    const replica = size === 1 ? undefined : number;
    const labels = { chaincode: chaincode.name, replica: String(number) };
    const up = metrics.gauge('selvage_chaincode_replica_up', 'Whether this replica of a chaincode takes transactions', labels);
    const transactions = metrics.gauge(
      'selvage_chaincode_open_transactions',
      'Transactions that a replica of a chaincode is working on',
      labels,
    );
    const launched = (signal: AbortSignal) => launch(replica, signal);
    return {
      replica: new Replica({
        ...this.#parts,
        logger: replica === undefined ? logger : logger.child({ replica }),
        launch: (signal) => (this.#parts.atOnce ? launched(signal) : this.#inTurn(() => launched(signal), signal)),
        onReady: () => {
          up.add(1);
          for (const each of this.#members) each.replica.bringUp();
        },
        onEnded: () => up.add(-1),
        wanted: () => this.#members.some((each) => each.replica.stream !== undefined),
      }),
      transactions,
      open: 0,
    };
  }

  #inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#turns.run(() => {
      signal.throwIfAborted();
      return work();
    });
  }

  #now(): number {
    return this.#parts.clock.now().getTime();
  }
}
