import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Channels } from '../channel/channel.ts';
import { dialectOn } from '../channel/dialect.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { type Cancellable, orAbort } from '../common/cancel.ts';
import type { Clock } from '../common/clock.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import { Labelled } from '../common/labelled.ts';
import { type Logger, silent } from '../common/log.ts';
import { type Histogram, type Metrics, unmeasured } from '../common/metrics.ts';
import { prefixed } from '../common/prefixed.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import type { CollectionAccess } from '../lifecycle/collection-access.ts';
import type { Definitions } from '../lifecycle/definitions.ts';
import type { AccessControl } from '../msp/acl.ts';
import type { ChaincodeOutput } from '../packages/output.ts';
import { protos } from '../protos/messages.ts';
import { ChaincodeMetrics } from './chaincode-metrics.ts';
import type { ChaincodeCall, ChaincodeOutcome, Chaincodes } from './chaincodes.ts';
import type { LaunchablePackages } from './launch.ts';
import { outcomeOf } from './outcome.ts';
import { PatientDeadline } from './patient-deadline.ts';
import type { ChaincodeConnection, ReceivedMessage } from './ports/connection.ts';
import type { Debuggers } from './ports/debugging.ts';
import type { ChaincodeRuntime } from './ports/runtime.ts';
import { ChaincodeRegistry } from './registry.ts';
import type { Place } from './replica-set.ts';
import type { RestartLimits } from './restart-pause.ts';
import { silence } from './silence.ts';
import type { ChaincodeState } from './state.ts';
import { LocalChaincodeCalls } from './stream/chaincode-calls.ts';
import { ChaincodeStream, type StreamLimits, streamEnded } from './stream/chaincode-stream.ts';
import { Type } from './stream/message-types.ts';
import type { RequestParts } from './stream/requests/request.ts';
import { ChaincodeSupervisor } from './supervisor.ts';
import type { SystemChaincode } from './system.ts';
import { type ChaincodeCertificates, ChaincodeTls } from './tls.ts';

export interface ChaincodeSupportParts {
  readonly system: readonly SystemChaincode[];
  readonly channels: Channels;
  readonly acl: AccessControl;
  readonly definitions: Definitions;
  readonly collections: CollectionAccess;
  readonly runtime: ChaincodeRuntime;
  readonly packages: LaunchablePackages;
  /** Keeps what chaincode prints, when somebody wants that. */
  readonly output?: ChaincodeOutput | undefined;
  /** Absent when TLS is off. */
  readonly certificates?: ChaincodeCertificates | undefined;
  /** `chaincode.mode: dev`. */
  readonly userRunsChaincode: boolean;
  /** Address that chaincode dials, `host:port`. */
  readonly peerAddress: string;
  /** Environment of every chaincode beside what the runtime adds itself, like the logging levels. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** How it is supervised: see {@link ChaincodeSupervisorParts}. */
  readonly replicas?: ((name: string) => number) | undefined;
  readonly restart?: RestartLimits | undefined;
  readonly drainMs?: number | undefined;
  readonly retireAfterMs?: number | undefined;
  readonly startupTimeoutMs: number;
  /** Applies to each Init, invocation and call between chaincodes. */
  readonly executeTimeoutMs: number;
  /** Limits in time stand still while a debugger is attached. Absent where that cannot be seen. */
  readonly debuggers?: Debuggers | undefined;
  /** Applies instead to the installation of a package, which builds it; the execute timeout by default. */
  readonly installTimeoutMs?: number | undefined;
  /** `ledger.state.totalQueryLimit`. */
  readonly totalQueryLimit: number;
  /** `chaincode.runtimeParams`; READY is bare if absent. */
  readonly runtimeParams?: protos.ChaincodeAdditionalParamsInit | undefined;
  readonly limits?: StreamLimits | undefined;
  /** Ids of streams and iterators; random UUIDs by default. */
  readonly newId?: (() => string) | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

/**
 * Runs chaincode: system chaincode as a function, user chaincode over its stream.
 * @see ChaincodeSupport in hyperledger/fabric v1.4, core/chaincode/chaincode_support.go; client-visible texts as recorded from v1.1
 */
export class ChaincodeSupport implements Chaincodes, AsyncDisposable {
  readonly #parts: ChaincodeSupportParts;
  readonly #system: ReadonlyMap<string, SystemChaincode>;
  readonly #registry: ChaincodeRegistry;
  readonly #supervisor: ChaincodeSupervisor;
  readonly #requests: RequestParts;
  readonly #newId: () => string;
  readonly #metrics: ChaincodeMetrics;
  readonly #seconds: Labelled<Histogram>;

  constructor(parts: ChaincodeSupportParts) {
    const { channels, acl, definitions, certificates, userRunsChaincode } = parts;
    const tls = certificates && new ChaincodeTls(certificates);
    this.#parts = parts;
    this.#metrics = new ChaincodeMetrics(parts.metrics ?? unmeasured);
    const timed = 'Time a chaincode takes for one call, calls of others included';
    this.#seconds = new Labelled(['chaincode'], (labels) =>
      (parts.metrics ?? unmeasured).histogram('selvage_chaincode_execute_seconds', timed, labels),
    );
    this.#newId = parts.newId ?? randomUUID;
    this.#system = new Map(parts.system.map((chaincode) => [chaincode.name, chaincode]));
    this.#registry = new ChaincodeRegistry({ open: userRunsChaincode, tls });
    this.#supervisor = new ChaincodeSupervisor({ ...parts, registry: this.#registry, tls, serve: (connection) => this.serve(connection) });
    const chaincodes = {
      makeReady: (chaincode: ChaincodeRef, options: Cancellable) => this.makeReady(chaincode, options),
      answerOf: async (call: ChaincodeCall, options: Cancellable) => (await this.#answerOf(call, options)).bytes,
    };
    this.#requests = {
      collections: parts.collections,
      capabilities: (channelId) => channels.get(channelId)?.bundle().application?.capabilities,
      calls: new LocalChaincodeCalls({ system: this.#system, channels, acl, definitions, chaincodes }),
      newQueryId: this.#newId,
      totalQueryLimit: parts.totalQueryLimit,
    };
  }

  isSystem(name: string): boolean {
    return this.#system.has(name);
  }

  isReady(chaincode: ChaincodeRef): boolean {
    return this.#system.has(chaincode.name) || this.#supervisor.isReady(chaincode);
  }

  async makeReady(chaincode: ChaincodeRef, options: Cancellable): Promise<void> {
    if (!this.#system.has(chaincode.name)) await this.#supervisor.makeReady(chaincode, options);
  }

  async execute(call: ChaincodeCall, options: Cancellable): Promise<ChaincodeOutcome> {
    if (!this.isReady(call.chaincode)) await this.makeReady(call.chaincode, options);
    let answer: ReceivedMessage;
    try {
      answer = await this.#answerOf(call, options);
    } catch (thrown) {
      throw prefixed(`failed to execute transaction${this.#isOf1(call) ? '' : ` ${call.proposal.txId}`}: `, thrown);
    }
    return outcomeOf(answer.message, call);
  }

  /**
   * Speaks with one chaincode until its stream ends: what the `Register` service calls for each stream, and what dials out to a
   * chaincode service. @returns why it ended; never rejects
   */
  async serve(connection: ChaincodeConnection): Promise<SelvageError> {
    const { runtimeParams, limits, logger = silent } = this.#parts;
    const id = this.#newId();
    const stream = new ChaincodeStream({
      id,
      connection,
      admission: this.#registry,
      requests: this.#requests,
      runtimeParams,
      limits,
      metrics: this.#metrics,
      logger,
    });
    const reason = await stream.run();
    logger.info('chaincode stream ended', { stream: id, reason: reason.message });
    return reason;
  }

  /** Where each chaincode that was asked for is in its life, by the name it registers with. */
  states(): ReadonlyMap<string, ChaincodeState> {
    return this.#supervisor.states();
  }

  /** Chaincode services that were connected and are not, with the reason, by the name they register with. They are dialled again. */
  lostServices(): ReadonlyMap<string, SelvageError> {
    return this.#supervisor.lostServices();
  }

  /** Stops a chaincode and waits until it is gone; the next call starts it again. */
  stop(ccid: string): Promise<void> {
    return this.#supervisor.stop(ccid);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#supervisor[Symbol.asyncDispose]();
  }

  #isOf1({ proposal: { channelId } }: ChaincodeCall): boolean {
    return dialectOn(this.#parts.channels, channelId) === '1.1';
  }

  /**
   * COMPLETED or ERROR of a chaincode that is ready, within the execute timeout. 1.1 says so of what could not be sent alone, 2.x of
   * whatever comes instead of an answer.
   */
  async #answerOf(call: ChaincodeCall, options: Cancellable): Promise<ReceivedMessage> {
    const begun = performance.now();
    try {
      return await this.#answerInTime(call, options);
    } catch (thrown) {
      throw this.#isOf1(call) || messageOf(thrown).startsWith(UNSENT) ? thrown : prefixed(UNSENT, thrown);
    } finally {
      this.#seconds.of(call.chaincode.name).observe((performance.now() - begun) / 1000);
    }
  }

  #timeoutOf({ chaincode, input }: ChaincodeCall): number {
    const { executeTimeoutMs, installTimeoutMs = executeTimeoutMs } = this.#parts;
    const [name] = input.args ?? [];
    return name !== undefined && INSTALLS.has(`${chaincode.name} ${textOf(name)}`) ? installTimeoutMs : executeTimeoutMs;
  }

  /** Whether somebody debugs a chaincode that works on this transaction: the one that was called, or one that it waits for. */
  async #debugged({ proposal }: ChaincodeCall): Promise<boolean> {
    const { debuggers } = this.#parts;
    const working = this.#registry.list().filter(({ stream }) => stream.running().some(({ txId }) => txId === proposal.txId));
    const answers = await Promise.all(working.map(({ stream }) => debuggers?.attached(stream.debuggee)));
    return answers.includes(true);
  }

  #tellPaused({ chaincode, proposal }: ChaincodeCall): void {
    const { logger = silent } = this.#parts;
    logger.info('a debugger is attached: the execute timeout waits', {
      ccid: chaincode.ccid,
      channel: proposal.channelId,
      txId: proposal.txId,
    });
  }

  async #answerInTime(call: ChaincodeCall, options: Cancellable): Promise<ReceivedMessage> {
    const deadline = new PatientDeadline({
      ms: this.#timeoutOf(call),
      message: 'timeout expired while executing transaction',
      parent: options,
      paused: this.#parts.debuggers && (() => this.#debugged(call)),
      onPaused: () => this.#tellPaused(call),
    });
    try {
      const system = this.#system.get(call.chaincode.name);
      return await (system === undefined ? this.#answerOfUser(call, deadline) : systemAnswer(system, call, deadline.signal));
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  async #answerOfUser(call: ChaincodeCall, deadline: PatientDeadline): Promise<ReceivedMessage> {
    const place = await this.#supervisor.enter(call, deadline);
    const { stream } = place;
    const { heard } = stream;
    try {
      const { kind, input, proposal, simulator } = call;
      return await stream.execute({ kind, namespace: call.chaincode.name, input, proposal, simulator }, deadline);
    } catch (thrown) {
      const failure = SelvageError.from(thrown);
      if (deadline.expired) this.#metrics.executeTimedOut(call.chaincode.ccid);
      if (failure.code === 'CHAINCODE_STREAM_ENDED') throw await explained(place, failure);
      if (deadline.expired && stream.heard === heard) throw await silence(place, call, failure, this.#parts.executeTimeoutMs);
      throw thrown;
    } finally {
      place[Symbol.dispose]();
    }
  }
}

/** An error of a stream that ended, with how the chaincode exited if it did. */
async function explained(place: Place, failure: SelvageError): Promise<SelvageError> {
  const reason = await place.ended();
  return reason === undefined ? failure : streamEnded(reason);
}

const UNSENT = 'error sending: ';

/** Functions of system chaincodes that may take as long as a build. */
const INSTALLS: ReadonlySet<string> = new Set(['_lifecycle InstallChaincode', 'lscc install']);

/** What a system chaincode would have sent, had it a stream: a text that repeats bytes which are none cannot be sent. */
async function systemAnswer(system: SystemChaincode, call: ChaincodeCall, signal: AbortSignal): Promise<ReceivedMessage> {
  const response = await orAbort(system.invoke(call, { signal }), signal);
  const { txId: txid, channelId } = call.proposal;
  if (response.message.includes(NO_TEXT) && call.input.args?.some((arg) => !isUtf8(arg))) {
    const payload = utf8('failed to marshal response: string field contains invalid UTF-8');
    return asSent({ type: Type.ERROR, payload, txid, channelId });
  }
  const payload = protos.Response.encode(response);
  return asSent({ type: Type.COMPLETED, payload, txid, channelId });
}

function asSent(init: protos.ChaincodeMessageInit): ReceivedMessage {
  const bytes = protos.ChaincodeMessage.encode(init);
  return { bytes, message: protos.ChaincodeMessage.decode(bytes) };
}

/** What stands in a text for bytes that are none. */
const NO_TEXT = '\ufffd';
