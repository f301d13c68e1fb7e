import { setTimeout as delay } from 'node:timers/promises';
import { type Cancellable, orAbort } from '../common/cancel.ts';
import { type Clock, systemClock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { type Metrics, timed, unmeasured } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import type { ChaincodeRef } from './chaincodes.ts';
import { type LaunchParts, launchChaincode, type Running } from './launch.ts';
import type { RestartLimits } from './restart-pause.ts';
import type { ChaincodeState } from './state.ts';
import type { ChaincodeStream } from './stream/chaincode-stream.ts';
import { SupervisedChaincode } from './supervised-chaincode.ts';

export interface ChaincodeSupervisorParts extends LaunchParts {
  /** `chaincode.mode: dev`: the peer launches nothing, the user runs the chaincode. */
  readonly userRunsChaincode: boolean;
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

/** What runs on this peer and who asked for it: one launch per chaincode, shared by all who wait for it. */
export class ChaincodeSupervisor implements AsyncDisposable {
  readonly #parts: ChaincodeSupervisorParts;
  readonly #supervised = new Map<string, SupervisedChaincode>();
  readonly #over = new AbortController();
  #closed = false;

  constructor(parts: ChaincodeSupervisorParts) {
    this.#parts = parts;
  }

  /**
   * The stream of a chaincode that takes transactions, launched first when it does not run. A caller that gives up drops its
   * own wait; the launch goes on for the others and for the next call.
   * @throws {SelvageError} `CHAINCODE_LAUNCH_FAILED`, `CHAINCODE_BUILD_FAILED`, `CHAINCODE_PACKAGE_INVALID`, `DEADLINE_EXCEEDED`
   *   (startup timeout); the signal's reason
   */
  async streamOf(chaincode: ChaincodeRef, { signal }: Cancellable): Promise<ChaincodeStream> {
    if (this.#closed) throw new SelvageError('CANCELLED', 'the peer is stopping');
    if (this.#parts.userRunsChaincode) return this.#registered(chaincode);
    const supervised = this.#supervise(chaincode);
    return supervised.stream ?? orAbort(supervised.ready(), signal);
  }

  /** Why a stream that {@link streamOf} gave ended, as soon as that is known. Never rejects. */
  async endOf({ ccid }: ChaincodeRef, stream: ChaincodeStream): Promise<SelvageError | undefined> {
    return this.#supervised.get(ccid)?.endOf(stream);
  }

  /**
   * Stops the chaincode behind a stream; the next call launches it again.
   * @returns what it printed last, or undefined when the user runs it: then nothing is done
   */
  async abandon({ ccid }: ChaincodeRef, stream: ChaincodeStream, reason: SelvageError): Promise<readonly string[] | undefined> {
    return this.#supervised.get(ccid)?.abandon(stream, reason);
  }

  /** Where each chaincode that was ever asked for is in its life. */
  states(): ReadonlyMap<string, ChaincodeState> {
    if (!this.#parts.userRunsChaincode) return new Map([...this.#supervised].map(([ccid, { state }]) => [ccid, state]));
    return new Map(this.#parts.registry.list().map(({ ccid, stream }) => [ccid, { at: 'ready', streamId: stream.id }]));
  }

  /** Services that were connected and are not, with the reason, by ccid. */
  lostServices(): ReadonlyMap<string, SelvageError> {
    return new Map([...this.#supervised].flatMap(([ccid, { lost }]) => (lost === undefined ? [] : [[ccid, lost]])));
  }

  /** Stops a chaincode, or gives up its launch, and waits until it is gone. The next call launches it again. */
  async stop(ccid: string): Promise<void> {
    await this.#supervised.get(ccid)?.stop(new SelvageError('CANCELLED', `chaincode ${ccid} is being stopped`), this.#parts.drainMs);
  }

  /** Stops everything and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#over.abort();
    await using scope = new Scope();
    scope.defer(() => Promise.all([...this.#supervised.values()].map((supervised) => supervised[Symbol.asyncDispose]())));
    for (const { stream } of this.#parts.registry.list()) stream.close(new SelvageError('CANCELLED', 'the peer is stopping'));
  }

  #registered({ ccid }: ChaincodeRef): ChaincodeStream {
    const stream = this.#parts.registry.get(ccid);
    if (stream !== undefined) return stream;
    const text = `failed to init chaincode: handler not found for chaincode ${ccid}`;
    const advice = `The peer is in development mode and does not start chaincode: start it with CORE_CHAINCODE_ID_NAME=${ccid} and peer address ${this.#parts.peerAddress}.`;
    throw new SelvageError('CHAINCODE_LAUNCH_FAILED', `${text}\n${advice}`, { details: { ccid } }); // clients get nothing but the text
  }

  #supervise(chaincode: ChaincodeRef): SupervisedChaincode {
    const { clock = systemClock, logger = silent, restart } = this.#parts;
    const known = this.#supervised.get(chaincode.ccid);
    if (known !== undefined) return known;
    const supervised = new SupervisedChaincode({ chaincode, launch: (signal) => this.#launch(chaincode, signal), clock, logger, restart });
    this.#supervised.set(chaincode.ccid, supervised);
    return supervised;
  }

  async #launch(chaincode: ChaincodeRef, signal: AbortSignal): Promise<Running> {
    const { metrics = unmeasured, logger = silent } = this.#parts;
    const seconds = metrics.histogram('selvage_chaincode_launch_seconds', 'Time from asking for a chaincode to its READY', {
      chaincode: chaincode.name,
    });
    const running = await timed(seconds, () => launchChaincode(chaincode, this.#parts, signal));
    logger.info('chaincode ready', { ccid: chaincode.ccid, instance: running.instance.id, stream: running.stream.id });
    this.#retireOthers(chaincode);
    return running;
  }

  /** Sees to the other versions of a chaincode that was just started. */
  #retireOthers({ name, ccid }: ChaincodeRef): void {
    const { retireAfterMs } = this.#parts;
    if (retireAfterMs === undefined) return;
    for (const supervised of this.#supervised.values()) {
      const other = supervised.chaincode;
      if (other.name === name && other.ccid !== ccid && supervised.state.at === 'ready') void this.#retire(supervised, retireAfterMs);
    }
  }

  async #retire(supervised: SupervisedChaincode, afterMs: number): Promise<void> {
    const { clock = systemClock, logger = silent } = this.#parts;
    const { ccid } = supervised.chaincode;
    while (supervised.state.at === 'ready') {
      const unused = clock.now().getTime() - supervised.wanted;
      if (unused >= afterMs && supervised.idle) {
        logger.info('an older version of a chaincode is not used any more', { ccid });
        return await supervised.stop(new SelvageError('CANCELLED', `chaincode ${ccid} gave way to another version`));
      }
      await delay(Math.max(afterMs - unused, LOOK_MS), undefined, { signal: this.#over.signal, ref: false }).catch(() => undefined);
      if (this.#closed) return;
    }
  }
}
