import { setTimeout as delay } from 'node:timers/promises';
import type { Cancellable } from '../common/cancel.ts';
import { type Clock, systemClock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import type { MaybePromise } from '../common/maybe.ts';
import { type Metrics, unmeasured } from '../common/metrics.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import { ChaincodeMetrics } from './chaincode-metrics.ts';
import type { ChaincodeCall } from './chaincodes.ts';
import { type LaunchParts, launchChaincode, type Running } from './launch.ts';
import { launchFailureFields } from './launch-failure.ts';
import { type Place, ReplicaSet } from './replica-set.ts';
import type { RestartLimits } from './restart-pause.ts';
import type { ChaincodeState } from './state.ts';
import type { ChaincodeStream } from './stream/chaincode-stream.ts';

export interface ChaincodeSupervisorParts extends LaunchParts {
  /** `chaincode.mode: dev`: the peer launches nothing, the user runs the chaincode. */
  readonly userRunsChaincode: boolean;
  /** How many instances of a chaincode run side by side, by its name; one unless told. Not where the user runs it. */
  readonly replicas?: ((name: string) => number) | undefined;
  /** How fast chaincode is started again that keeps failing. */
  readonly restart?: RestartLimits | undefined;
  /** How long transactions may take to end when their chaincode is stopped, milliseconds; none by default. */
  readonly drainMs?: number | undefined;
  /**
   * A version of a chaincode is stopped when another one was started and nobody wanted it for so long, milliseconds; never by
   * default, as in Fabric. Should some channel still use it, its next call starts it again.
   */
  readonly retireAfterMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

/** Between two looks at a version that ought to be retired and is busy, milliseconds. */
const LOOK_MS = 20;

/** What runs on this peer and who asked for it: one set of replicas per chaincode, shared by all who call it. */
export class ChaincodeSupervisor implements AsyncDisposable {
  readonly #parts: ChaincodeSupervisorParts;
  readonly #sets = new Map<string, ReplicaSet>();
  readonly #retiring = new Set<ReplicaSet>();
  readonly #over = new AbortController();
  readonly #metrics: ChaincodeMetrics;
  #closed = false;

  constructor(parts: ChaincodeSupervisorParts) {
    this.#parts = parts;
    this.#metrics = new ChaincodeMetrics(parts.metrics ?? unmeasured);
  }

  /** Whether a chaincode takes transactions now. */
  isReady({ ccid }: ChaincodeRef): boolean {
    if (this.#closed) return false;
    if (this.#parts.userRunsChaincode) return this.#parts.registry.get(ccid) !== undefined;
    return this.#sets.get(ccid)?.isReady === true;
  }

  /**
   * Waits until a chaincode takes transactions, launching it first when it does not run. A caller that gives up drops its own wait;
   * the launch goes on for the others and for the next call.
   * @throws {SelvageError} `CHAINCODE_LAUNCH_FAILED`, `CHAINCODE_BUILD_FAILED`, `CHAINCODE_PACKAGE_INVALID`, `DEADLINE_EXCEEDED`
   *   (startup timeout); the signal's reason
   */
  async makeReady(chaincode: ChaincodeRef, options: Cancellable): Promise<void> {
    this.#checkOpen();
    if (this.#parts.userRunsChaincode) this.#registered(chaincode);
    else await this.#setOf(chaincode).ready(options);
  }

  /** A place for a transaction where its chaincode runs. The caller disposes it. @throws {SelvageError} as {@link makeReady} */
  enter({ chaincode, proposal }: Pick<ChaincodeCall, 'chaincode' | 'proposal'>, options: Cancellable): MaybePromise<Place> {
    this.#checkOpen();
    if (this.#parts.userRunsChaincode) return placeAtUsers(this.#registered(chaincode));
    return this.#setOf(chaincode).enter(proposal, options);
  }

  /** Where each chaincode that was ever asked for is in its life. */
  states(): ReadonlyMap<string, ChaincodeState> {
    if (!this.#parts.userRunsChaincode) return new Map([...this.#sets].map(([ccid, { state }]) => [ccid, state]));
    return new Map(this.#parts.registry.list().map(({ ccid, stream }) => [ccid, { at: 'ready', streamId: stream.id }]));
  }

  /** Services that were connected and are not, with the reason, by ccid. */
  lostServices(): ReadonlyMap<string, SelvageError> {
    return new Map([...this.#sets].flatMap(([ccid, { lost }]) => (lost === undefined ? [] : [[ccid, lost]])));
  }

  /** Stops a chaincode, or gives up its launch, and waits until it is gone. The next call launches it again. */
  async stop(ccid: string): Promise<void> {
    const set = this.#sets.get(ccid);
    if (set === undefined) return;
    await set.stop(new SelvageError('CANCELLED', `chaincode ${ccid} is being stopped`), this.#parts.drainMs);
    this.#forget(set);
  }

  /** Stops everything and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#over.abort();
    await Promise.allSettled([...this.#sets.values()].map((set) => set[Symbol.asyncDispose]()));
    for (const { stream } of this.#parts.registry.list()) stream.close(new SelvageError('CANCELLED', 'the peer is stopping'));
  }

  #registered({ ccid }: ChaincodeRef): ChaincodeStream {
    const { logger = silent } = this.#parts;
    const stream = this.#parts.registry.get(ccid);
    if (stream !== undefined) return stream;
    const text = `failed to init chaincode: handler not found for chaincode ${ccid}`;
    const advice = `The peer is in development mode and does not start chaincode: start it with CORE_CHAINCODE_ID_NAME=${ccid} and peer address ${this.#parts.peerAddress}.`;
    const failure = new SelvageError('CHAINCODE_LAUNCH_FAILED', `${text}\n${advice}`, { details: { ccid }, advice }); // clients get nothing but the text
    logger.warn('chaincode launch failed', { ccid, ...launchFailureFields(failure) });
    throw failure;
  }

  /** Drops what is known of a chaincode of which nothing runs, or every version that ever ran would stay. Unless it is wanted again. */
  #forget(set: ReplicaSet): void {
    const { ccid } = set.chaincode;
    if (set.state.at === 'stopped' && set.idle && this.#sets.get(ccid) === set) this.#sets.delete(ccid);
  }

  #checkOpen(): void {
    if (this.#closed) throw new SelvageError('CANCELLED', 'the peer is stopping');
  }

  #setOf(chaincode: ChaincodeRef): ReplicaSet {
    const { clock = systemClock, logger = silent, metrics = unmeasured, restart, tls, replicas = () => 1 } = this.#parts;
    const known = this.#sets.get(chaincode.ccid);
    if (known !== undefined) return known;
    const set: ReplicaSet = new ReplicaSet({
      chaincode,
      size: replicas(chaincode.name),
      atOnce: tls !== undefined,
      launch: (replica, signal) => this.#launch(set, replica, signal),
      clock,
      logger,
      metrics,
      restart,
    });
    this.#sets.set(chaincode.ccid, set);
    return set;
  }

  async #launch(set: ReplicaSet, replica: number | undefined, signal: AbortSignal): Promise<Running> {
    const { logger = silent } = this.#parts;
    const { chaincode } = set;
    const running = await this.#metrics.launching(chaincode.ccid, () => launchChaincode({ chaincode, replica }, this.#parts, signal));
    const { instance, stream } = running;
    logger.info('chaincode ready', { ccid: chaincode.ccid, ...(replica && { replica }), instance: instance.id, stream: stream.id });
    this.#retireOthers(set);
    return running;
  }

  /** Sees to the other versions of a chaincode that was just started, those that were wanted before it. */
  #retireOthers(started: ReplicaSet): void {
    const { retireAfterMs } = this.#parts;
    if (retireAfterMs === undefined) return;
    const { name } = started.chaincode;
    for (const set of this.#sets.values()) {
      if (set === started || set.chaincode.name !== name || set.wanted > started.wanted || this.#retiring.has(set)) continue;
      this.#retiring.add(set);
      void this.#retire(set, retireAfterMs).finally(() => this.#retiring.delete(set));
    }
  }

  async #retire(set: ReplicaSet, afterMs: number): Promise<void> {
    const { clock = systemClock, logger = silent } = this.#parts;
    const { ccid } = set.chaincode;
    while (set.state.at === 'ready') {
      const unused = clock.now().getTime() - set.wanted;
      if (unused >= afterMs && set.idle) {
        logger.info('an older version of a chaincode is not used any more', { ccid });
        await set.stop(new SelvageError('CANCELLED', `chaincode ${ccid} gave way to another version`));
        return this.#forget(set);
      }
      await delay(Math.max(afterMs - unused, LOOK_MS), undefined, { signal: this.#over.signal, ref: false }).catch(() => undefined);
      if (this.#closed) return;
    }
  }
}

const placeAtUsers = (stream: ChaincodeStream): Place => ({
  stream,
  ended: async () => undefined,
  abandon: async () => undefined,
  [Symbol.dispose]: () => undefined,
});
