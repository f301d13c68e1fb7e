import { orAbort } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { prefixed } from '../common/prefixed.ts';
import { Scope } from '../common/scope.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import { chaincodeExited, chaincodeRegistered } from '../packages/chaincode-life.ts';
import type { LaunchSpec } from '../packages/launch-spec.ts';
import type { ChaincodeOutput, LaunchOutput, OutputLine } from '../packages/output.ts';
import { couldNotLaunch, exitedEarly, tooLate } from './launch-failure.ts';
import { PatientDeadline } from './patient-deadline.ts';
import type { ChaincodeConnection } from './ports/connection.ts';
import type { Debuggers } from './ports/debugging.ts';
import type { ChaincodeInstance, ChaincodeRuntime, LaunchOptions } from './ports/runtime.ts';
import type { ChaincodeRegistry, Expectation } from './registry.ts';
import type { ChaincodeStream } from './stream/chaincode-stream.ts';
import type { ChaincodeTls } from './tls.ts';

/** Where the package of a chaincode comes from. */
export interface LaunchablePackages {
  /** @throws {SelvageError} `CHAINCODE_NOT_FOUND`, `CHAINCODE_PACKAGE_INVALID` */
  load(chaincode: ChaincodeRef): Promise<Pick<LaunchSpec, 'platform' | 'codePackage' | 'path' | 'metadata'>>;
}

export interface LaunchParts {
  readonly registry: ChaincodeRegistry;
  readonly runtime: ChaincodeRuntime;
  readonly packages: LaunchablePackages;
  /** Speaks with a chaincode that the peer dialled, or that came by a way of its runtime's own, until its stream ends. @returns why it ended; never rejects */
  readonly serve: (connection: ChaincodeConnection) => Promise<SelvageError>;
  readonly tls?: ChaincodeTls | undefined;
  /** Keeps what chaincode prints, when somebody wants that. */
  readonly output?: ChaincodeOutput | undefined;
  /** Address that chaincode dials, `host:port`. */
  readonly peerAddress: string;
  /** Environment of every chaincode beside what the runtime adds itself. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Covers loading, building, starting and registering. It stands still while the chaincode is debugged. */
  readonly startupTimeoutMs: number;
  readonly debuggers?: Debuggers | undefined;
}

/**
 * A chaincode that takes transactions. Disposing it asks its instance to stop and waits until that is gone, then ends its stream and
 * voids its certificate: until it has ended the chaincode can use its stream, as when it cleans up after SIGTERM. A service, which
 * nobody here can ask, is told by the end of its stream.
 */
export interface Running extends AsyncDisposable {
  readonly stream: ChaincodeStream;
  readonly instance: ChaincodeInstance;
}

/** What is launched. */
export interface Launchable {
  readonly chaincode: ChaincodeRef;
  /** See {@link LaunchSpec.replica}. */
  readonly replica?: number | undefined;
}

/**
 * Starts a chaincode and waits until it takes transactions. On any failure nothing is left behind.
 * @throws {SelvageError} with Fabric's text `could not launch chaincode CCID: …` and, when the chaincode exited, its exit code,
 *   signal and last output in `details`; the signal's reason
 * @see Launch in hyperledger/fabric v2.5, core/chaincode/runtime_launcher.go
 */
export async function launchChaincode(launchable: Launchable, parts: LaunchParts, signal: AbortSignal): Promise<Running> {
  const { chaincode } = launchable;
  const { debuggers, startupTimeoutMs } = parts;
  const progress: Progress = {};
  using deadline = new PatientDeadline({
    ms: startupTimeoutMs,
    message: `timeout expired while starting chaincode ${chaincode.ccid} for transaction`,
    parent: { signal },
    paused: debuggers && (() => debuggers.attached({ processes: progress.instance?.processes })),
  });
  using expectation = parts.registry.expect(chaincode.ccid); // first: the chaincode may call back at once
  try {
    return await start(launchable, parts, { expectation, signal: deadline.signal, progress });
  } catch (thrown) {
    expectation.abandon(new SelvageError('CANCELLED', 'the launch failed'));
    signal.throwIfAborted();
    const failure = deadline.expired ? await outOfTime(deadline.signal.reason, progress, parts.startupTimeoutMs) : thrown;
    throw couldNotLaunch(chaincode, failure, expectation.refusal);
  }
}

/** How far a launch has come. */
interface Progress {
  instance?: ChaincodeInstance;
  /** The peer dials it and has reached it. */
  reached?: boolean;
}

/** What the launch that is over had started is stopped by now, and its output read to the end. */
async function outOfTime(timeout: unknown, { instance, reached = false }: Progress, timeoutMs: number): Promise<SelvageError> {
  const exit = await instance?.exited;
  const service = instance?.connect === undefined ? undefined : { reached };
  return tooLate(SelvageError.from(timeout), { exit, service, timeoutMs });
}

interface Waiting {
  readonly expectation: Expectation;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

async function start({ chaincode, replica }: Launchable, parts: LaunchParts, waiting: Waiting): Promise<Running> {
  const { expectation, signal, progress } = waiting;
  const { ccid, name, version } = chaincode;
  const { runtime, tls, peerAddress, env = {} } = parts;
  const code = await orAbort(loadPackage(chaincode, parts.packages), signal);
  await using scope = new Scope();
  const output = parts.output && scope.use(await parts.output.open(ccid, replica));
  const credentials = tls && scope.use(await tls.issue(ccid));
  if (credentials !== undefined) expectation.shows(credentials.certificateHash);
  const running = () => expectation.stream?.running() ?? [];
  const line = (printed: OutputLine): void => {
    expectation.stream?.printed(printed);
    output?.line(printed);
  };
  const own = { ...code, peerAddress, tls: credentials?.material, env, replica, running, output: line };
  const spec: LaunchSpec = { ccid, name, version, ...own };
  const hangUp = (): void => expectation.stream?.close(new SelvageError('CHAINCODE_STREAM_ENDED', 'the chaincode is stopped'));
  scope.defer(hangUp);
  const accept = (connection: ChaincodeConnection): Promise<SelvageError> => {
    expectation.reachedBy(connection);
    return parts.serve(connection);
  };
  const instance = scope.use(await startInstance(runtime, spec, { signal, accept, registered: expectation.ready }));
  progress.instance = instance;
  const ended = instance.connect && (await dial(ccid, instance.connect, parts, waiting));
  progress.reached = true;
  const failed = instance.exited.then((exit) => Promise.reject(exitedEarly(exit)));
  const stream = await orAbort(Promise.race([expectation.ready, failed, ...(ended === undefined ? [] : [rejected(ended)])]), signal);
  if (ended !== undefined) scope.defer(hangUp);
  output?.line(chaincodeRegistered);
  tellExit({ stream, instance }, scope, output);
  const owned = scope.move();
  return { stream, instance, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** Tells that the chaincode exited, unless the peer stopped it: then its stream had not ended before. */
function tellExit({ stream, instance }: Pick<Running, 'stream' | 'instance'>, scope: Scope, output: LaunchOutput | undefined): void {
  let stopped = false;
  let left = false;
  scope.defer(() => {
    stopped = true;
  });
  void stream.ended.then(() => {
    left ||= !stopped;
  });
  void instance.exited.then((exit) => {
    if (left || !stopped) output?.line(chaincodeExited(exit));
  });
}

async function loadPackage(
  chaincode: ChaincodeRef,
  packages: LaunchablePackages,
): Promise<Awaited<ReturnType<LaunchablePackages['load']>>> {
  try {
    return await packages.load(chaincode);
  } catch (thrown) {
    throw prefixed('failed to get chaincode package: ', thrown);
  }
}

async function startInstance(runtime: ChaincodeRuntime, spec: LaunchSpec, options: LaunchOptions): Promise<ChaincodeInstance> {
  try {
    return await runtime.launch(spec, options);
  } catch (thrown) {
    throw prefixed('error starting container: ', thrown);
  }
}

/** Calls a chaincode that waits for the peer. @returns why its stream ended, once it has */
async function dial(
  ccid: string,
  connect: NonNullable<ChaincodeInstance['connect']>,
  { serve }: LaunchParts,
  { expectation, signal }: Waiting,
): Promise<Pending<SelvageError>> {
  try {
    const connection = await connect({ signal });
    expectation.dialled(connection);
    return { outcome: serve(connection).then((reason) => registrationLost(ccid, reason)) };
  } catch (thrown) {
    throw prefixed(`connection to ${ccid} failed: `, thrown);
  }
}

/** Wrapped, because an async function would wait for a bare promise. */
interface Pending<T> {
  readonly outcome: Promise<T>;
}

const rejected = ({ outcome }: Pending<SelvageError>): Promise<never> => outcome.then((reason) => Promise.reject(reason));

/** @see Launch in hyperledger/fabric v2.5, core/chaincode/runtime_launcher.go */
const registrationLost = (ccid: string, cause: SelvageError): SelvageError =>
  new SelvageError(
    'CHAINCODE_LAUNCH_FAILED',
    `chaincode registration failed: ${cause.message.startsWith(`connection to ${ccid} terminated`) ? cause.message : `connection to ${ccid} terminated`}`,
    {
      cause,
      details: { ...cause.details, reason: cause.message },
      advice: cause.advice ?? `The service was reached and ended the stream before it registered as ${ccid}: look at its own log.`,
    },
  );
