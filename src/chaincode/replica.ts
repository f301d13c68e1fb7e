import { setTimeout as delay } from 'node:timers/promises';
import { Deadline, orAbort } from '../common/cancel.ts';
import type { Clock } from '../common/clock.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import { lastWords, shownLines } from '../packages/last-output.ts';
import type { Exit } from '../packages/launch-spec.ts';
import type { Running } from './launch.ts';
import { exitedLater, launchFailureFields } from './launch-failure.ts';
import { DEFAULT_RESTART_LIMITS, type RestartLimits, RestartPause } from './restart-pause.ts';
import { type ChaincodeState, next } from './state.ts';
import type { ChaincodeStream } from './stream/chaincode-stream.ts';

export interface ReplicaParts {
  readonly chaincode: ChaincodeRef;
  /** Rejects with the signal's reason when aborted, and then nothing runs. */
  readonly launch: (signal: AbortSignal) => Promise<Running>;
  /** It takes transactions from now on. */
  readonly onReady: () => void;
  /** It does not any more. */
  readonly onEnded: () => void;
  /** Whether it is worth starting without a call for it, as when others of its chaincode run. */
  readonly wanted: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How fast it is started again when it keeps failing. */
  readonly restart?: RestartLimits | undefined;
}

/** An instance whose stream ended mostly ends itself. So long, in milliseconds, we wait for that before we go on. */
const EXIT_MS = 1_000;

/** Launches that failed so cost time and processes; what was refused before, or because a service is not there, did not. */
const COSTLY: ReadonlySet<string> = new Set(['CHAINCODE_LAUNCH_FAILED', 'CHAINCODE_BUILD_FAILED', 'DEADLINE_EXCEEDED', 'INTERNAL']);

/** One of the replicas of a chaincode: at most one instance, started when somebody needs it and started again when it is gone. */
export class Replica implements AsyncDisposable {
  readonly #parts: ReplicaParts;
  #state: ChaincodeState = { at: 'stopped' };
  #launch: Promise<ChaincodeStream> | undefined;
  #running: Running | undefined;
  #abort = new AbortController();
  /** Settles when the instance before is gone. Never rejects. */
  #gone: Promise<void> = Promise.resolve();
  /** How the instance before ended. */
  #last: { readonly stream: ChaincodeStream; readonly reason: SelvageError; readonly ended: Promise<SelvageError> } | undefined;

  /** Failures in a row; nothing of a service, which the peer does not start. */
  readonly #pause: RestartPause;
  /** The signal of the loop that brings it up, if one runs. */
  #bringingUp: AbortSignal | undefined;
  #lost: SelvageError | undefined;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.#pause = new RestartPause(parts.restart ?? DEFAULT_RESTART_LIMITS, parts.clock);
  }

  /** Why the connection to its service ended, until it is back or given up; undefined for chaincode that is no service. */
  get lost(): SelvageError | undefined {
    return this.#lost;
  }

  get state(): ChaincodeState {
    return this.#state;
  }

  /** The stream of the running chaincode, when there is nothing to wait for. */
  get stream(): ChaincodeStream | undefined {
    const stream = this.#running?.stream;
    return stream?.state.at === 'ended' ? undefined : stream;
  }

  /** Milliseconds until it would be started, were it asked for now. */
  get pauseMs(): number {
    return this.#pause.remaining;
  }

  /** The running chaincode's stream, or that of the one launch which all callers share. A failed launch is not kept. */
  ready(): Promise<ChaincodeStream> {
    if (this.#running?.stream.state.at === 'ended') this.#retire(this.#running, this.#running.stream.state.reason);
    this.#launch ??= this.#start();
    return this.#launch;
  }

  /**
   * Why a stream of this chaincode ended: with how its instance exited, if it did, which may show a moment later than the end of
   * the stream. Undefined when the stream is not the last one. Never rejects.
   */
  async endOf(stream: ChaincodeStream): Promise<SelvageError | undefined> {
    const { state } = stream;
    if (this.#running?.stream === stream && state.at === 'ended') this.#retire(this.#running, state.reason);
    return this.#last?.stream === stream ? this.#last.ended : undefined;
  }

  /** Stops the instance behind a stream that is of no use any more, unless that happened already. @returns what it printed last */
  async abandon(stream: ChaincodeStream, reason: SelvageError): Promise<readonly string[]> {
    const running = this.#running;
    if (running?.stream !== stream) return [];
    this.#retire(running, reason);
    return (await exitOf(running))?.lastOutput ?? stream.recent; // it may take its time to end
  }

  /** Starts it in the background, again and again but more and more rarely, until it runs or is not wanted. */
  bringUp(): void {
    const { signal } = this.#abort;
    if (this.stream === undefined && this.#bringingUp !== signal) void this.#untilUp(signal);
  }

  /**
   * Gives up a launch or stops the instance; resolves when nothing of it runs.
   * @param drainMs how long the transactions that run may take to end before they are failed
   */
  async stop(reason: SelvageError, drainMs = 0): Promise<void> {
    if (drainMs > 0) await this.#drained(drainMs);
    this.#abort.abort(reason);
    this.#abort = new AbortController();
    this.#lost = undefined;
    if (this.#running !== undefined) this.#retire(this.#running, reason);
    await this.#launch?.catch(() => undefined);
    await this.#gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(new SelvageError('CANCELLED', 'the peer is stopping'));
  }

  async #drained(ms: number): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    using enough = new Deadline(ms, 'transactions still run');
    await orAbort(Promise.race([running.stream.idle(), running.stream.ended]), enough.signal).catch(() => undefined);
  }

  async #start(): Promise<ChaincodeStream> {
    const { launch, clock, logger, chaincode } = this.#parts;
    const { signal } = this.#abort;
    await this.#gone;
    await this.#pauseOver(signal);
    this.#state = next(this.#state, { type: 'launch', nowMs: clock.now().getTime() });
    try {
      signal.throwIfAborted();
      return this.#run(await this.#unlessStopped(await launch(signal), signal));
    } catch (thrown) {
      const reason = SelvageError.from(thrown);
      this.#state = next(this.#state, { type: 'ended', reason });
      if (COSTLY.has(reason.code)) this.#pause.failed();
      this.#launch = undefined; // before rejecting, so that the next call tries again
      logger.warn('chaincode launch failed', { ccid: chaincode.ccid, ...launchFailureFields(reason) });
      throw reason;
    }
  }

  /** Chaincode that crashes all the time must not keep the machine busy with starting it. Ends early when the signal aborts. */
  async #pauseOver(signal: AbortSignal): Promise<void> {
    const { logger, chaincode } = this.#parts;
    const ms = this.#pause.remaining;
    if (ms === 0) return;
    logger.warn('chaincode keeps failing: it is started again after a pause', {
      ccid: chaincode.ccid,
      failures: this.#pause.failures,
      pauseMs: ms,
    });
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  /** A launch that succeeded while it was being stopped is stopped. */
  async #unlessStopped(running: Running, signal: AbortSignal): Promise<Running> {
    if (!signal.aborted) return running;
    await running[Symbol.asyncDispose]();
    throw signal.reason;
  }

  #run(running: Running): ChaincodeStream {
    const { stream, instance } = running;
    this.#state = next(this.#state, { type: 'registered', streamId: stream.id });
    this.#running = running;
    this.#pause.started();
    this.#lost = undefined;
    void stream.ended.then((reason) => this.#retire(running, reason));
    void instance.exited.then((exit) => stream.close(this.#stoppedFor(stream) ?? exitedLater(exit)));
    this.#parts.onReady();
    return stream;
  }

  /** Clears away an instance once; the next call of {@link ready} waits for that and launches another. */
  #retire(running: Running, reason: SelvageError): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#launch = undefined;
    this.#state = next(this.#state, { type: 'stop' });
    const service = running.instance.connect !== undefined;
    if (reason.code !== 'CANCELLED' && !service) this.#pause.ended();
    const ended = endOf(running, reason);
    this.#last = { stream: running.stream, reason, ended };
    this.#gone = this.#clear(running, ended);
    this.#parts.onEnded();
    if (reason.code === 'CANCELLED') return;
    if (service) this.#lost = reason;
    this.bringUp();
  }

  /** Why this peer itself ends what is behind a stream, if it does: then that is why it exits. */
  #stoppedFor(stream: ChaincodeStream): SelvageError | undefined {
    return this.#last?.stream === stream ? this.#last.reason : undefined;
  }

  /** A service that was lost is dialled until it is back, as nobody else starts it; a call dials at once. */
  async #untilUp(signal: AbortSignal): Promise<void> {
    const { restart = DEFAULT_RESTART_LIMITS, clock, wanted } = this.#parts;
    const pause = new RestartPause({ ...restart, free: 0 }, clock);
    this.#bringingUp = signal;
    while (!signal.aborted && (this.#lost !== undefined || wanted())) {
      if (await this.ready().then(yes, no)) break;
      pause.failed();
      await delay(pause.remaining, undefined, { signal, ref: false }).catch(() => undefined);
    }
    if (this.#bringingUp === signal) this.#bringingUp = undefined;
  }

  async #clear(running: Running, ended: Promise<SelvageError>): Promise<void> {
    const { logger, chaincode } = this.#parts;
    const reason = await ended;
    logger.info('chaincode stopped', { ccid: chaincode.ccid, reason: reason.message, ...reason.details });
    try {
      await running[Symbol.asyncDispose]();
    } catch (cause) {
      logger.error('chaincode could not be stopped', { ccid: chaincode.ccid, cause });
    }
    this.#state = next(this.#state, { type: 'ended', reason });
  }
}

const yes = (): boolean => true;
const no = (): boolean => false;

/** A stream that ended by itself is mostly the first sign of an exit, and the exit is what people want to know. */
async function endOf(running: Running, reason: SelvageError): Promise<SelvageError> {
  if (running.instance.connect !== undefined) return reason; // of a service nobody hears how it exited
  if (reason.code !== 'CHAINCODE_STREAM_ENDED' || 'lastOutput' in reason.details) return reason;
  const exit = await exitOf(running);
  return exit === undefined ? withOutput(reason, running.stream.recent) : exitedLater(exit);
}

/** A chaincode that hangs up and goes on running may have said why. */
function withOutput(reason: SelvageError, output: readonly string[]): SelvageError {
  if (output.length === 0) return reason;
  const { code, message, details, cause } = reason;
  const lastOutput = shownLines(output).join('\n');
  return new SelvageError(code, `${message}, ${lastWords(output)}`, { cause, details: { ...details, lastOutput } });
}

/** Undefined when the instance goes on running. */
async function exitOf({ instance }: Running): Promise<Exit | undefined> {
  using soon = new Deadline(EXIT_MS, 'the chaincode goes on running');
  return await orAbort(instance.exited, soon.signal).catch(() => undefined);
}
