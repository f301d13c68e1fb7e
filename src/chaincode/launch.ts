import { constants } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { Deadline, orAbort } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { Scope } from '../common/scope.ts';
import type { ChaincodeRef } from './chaincodes.ts';
import type { ChaincodeOutput } from './output/chaincode-output.ts';
import { explainExit } from './platforms/exit-verdicts.ts';
import { prefixed } from './prefixed.ts';
import type { ChaincodeRegistry, Expectation } from './registry.ts';
import type { ChaincodeInstance, ChaincodeRuntime, Exit, LaunchSpec } from './runtime.ts';
import type { ChaincodeStream } from './stream/chaincode-stream.ts';
import type { ChaincodeConnection } from './stream/connection.ts';
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
  /** Speaks with a chaincode that the peer dialled, until its stream ends. @returns why it ended; never rejects */
  readonly serve: (connection: ChaincodeConnection) => Promise<SelvageError>;
  readonly tls?: ChaincodeTls | undefined;
  /** Keeps what chaincode prints, when somebody wants that. */
  readonly output?: ChaincodeOutput | undefined;
  /** Address that chaincode dials, `host:port`. */
  readonly peerAddress: string;
  /** Environment of every chaincode beside what the runtime adds itself. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Covers loading, building, starting and registering. */
  readonly startupTimeoutMs: number;
}

/** A chaincode that takes transactions. Disposing it ends its stream, stops its instance and voids its certificate. */
export interface Running extends AsyncDisposable {
  readonly stream: ChaincodeStream;
  readonly instance: ChaincodeInstance;
}

/**
 * Starts a chaincode and waits until it takes transactions. On any failure nothing is left behind.
 * @throws {SelvageError} with Fabric's text `could not launch chaincode CCID: …` and, when the chaincode exited, its exit code,
 *   signal and last output in `details`; the signal's reason
 * @see Launch in hyperledger/fabric v2.5, core/chaincode/runtime_launcher.go
 */
export async function launchChaincode(chaincode: ChaincodeRef, parts: LaunchParts, signal: AbortSignal): Promise<Running> {
  using deadline = new Deadline(
    parts.startupTimeoutMs,
    `timeout expired while starting chaincode ${chaincode.ccid} for transaction`,
    signal,
  );
  using expectation = parts.registry.expect(chaincode.ccid); // first: the chaincode may call back at once
  try {
    return await start(chaincode, parts, { expectation, signal: deadline.signal });
  } catch (thrown) {
    expectation.abandon(new SelvageError('CANCELLED', 'the launch failed'));
    signal.throwIfAborted();
    throw couldNotLaunch(chaincode, deadline.signal.aborted ? deadline.signal.reason : thrown, expectation.refusal);
  }
}

interface Waiting {
  readonly expectation: Expectation;
  readonly signal: AbortSignal;
}

async function start(chaincode: ChaincodeRef, parts: LaunchParts, { expectation, signal }: Waiting): Promise<Running> {
  const { ccid, name, version } = chaincode;
  const { runtime, tls, peerAddress, registry, env = {} } = parts;
  const code = await orAbort(loadPackage(chaincode, parts.packages), signal);
  await using scope = new Scope();
  const output = parts.output && scope.use(await parts.output.open(ccid));
  const credentials = tls && scope.use(await tls.issue(ccid));
  const running = () => registry.get(ccid)?.running() ?? [];
  const spec: LaunchSpec = { ccid, name, version, ...code, peerAddress, tls: credentials?.material, env, running, output: output?.line };
  const instance = scope.use(await startInstance(runtime, spec, signal));
  const ended = instance.connect && (await dial(ccid, instance.connect, parts, signal));
  const failed = instance.exited.then((exit) => Promise.reject(exitedEarly(exit)));
  const stream = await orAbort(Promise.race([expectation.ready, failed, ...(ended === undefined ? [] : [rejected(ended)])]), signal);
  scope.defer(() => stream.close(new SelvageError('CHAINCODE_STREAM_ENDED', 'the chaincode is stopped')));
  const owned = scope.move();
  return { stream, instance, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
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

async function startInstance(runtime: ChaincodeRuntime, spec: LaunchSpec, signal: AbortSignal): Promise<ChaincodeInstance> {
  try {
    return await runtime.launch(spec, { signal });
  } catch (thrown) {
    throw prefixed('error starting container: ', thrown);
  }
}

/** Calls a chaincode that waits for the peer. @returns why its stream ended, once it has */
async function dial(
  ccid: string,
  connect: NonNullable<ChaincodeInstance['connect']>,
  { serve }: LaunchParts,
  signal: AbortSignal,
): Promise<Pending<SelvageError>> {
  try {
    const connection = await connect({ signal });
    return { outcome: serve(connection).then((reason) => terminated(ccid, reason)) };
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
const terminated = (ccid: string, cause: SelvageError): SelvageError =>
  new SelvageError('CHAINCODE_LAUNCH_FAILED', `chaincode registration failed: connection to ${ccid} terminated`, {
    cause,
    details: { ...cause.details, reason: cause.message },
    advice: cause.advice ?? `The service was reached and ended the stream before it registered as ${ccid}: look at its own log.`,
  });

/** What became of an instance, as an error: code or signal in the text, the last lines it printed in the details. */
const exitedEarly = (exit: Exit): SelvageError =>
  new SelvageError('CHAINCODE_LAUNCH_FAILED', `chaincode registration failed: container exited with ${endingOf(exit)}`, {
    ...explained(exit),
  });

function explained(exit: Exit): Pick<SelvageError, 'details'> & { readonly advice?: string } {
  const verdict = explainExit(exit.lastOutput);
  if (verdict === undefined) return { details: exitDetails(exit) };
  return { details: { ...exitDetails(exit), reason: verdict.cause }, advice: `${verdict.cause}. ${verdict.advice}` };
}

/** Longest line that goes into an error for clients: with 20 of them it still fits gRPC's headers. */
const MAX_LINE = 200;

/** How an instance ended, for people: its code or signal, and the lines it printed last. */
export const endingOf = ({ code, signal, lastOutput }: Exit): string =>
  `${code === null ? signal : exitCode(code)}, ${lastWords(lastOutput)}`;

/** The last lines of an output, fit for a terminal: without colours and other control characters, and not too long. */
export function lastWords(lastOutput: readonly string[]): string {
  if (lastOutput.length === 0) return 'without output';
  const lines = lastOutput.map(stripVTControlCharacters).map((line) => line.replaceAll(/\p{Cc}/gu, ' '));
  return `its last output:\n${lines.map((line) => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line)).join('\n')}`;
}

/** A shell gives 128 and the number of the signal that ended its command: 137 is what the kernel's memory killer leaves. */
function exitCode(code: number): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return signal === undefined ? String(code) : `${code} (${signal})`;
}

/** For errors and logs. */
export const exitDetails = ({ code, signal, lastOutput }: Exit): Readonly<Record<string, string | number>> => ({
  ...(code !== null && { exitCode: code }),
  ...(signal !== null && { signal }),
  lastOutput: lastOutput.join('\n'),
});

/** The advice goes into the text: clients get nothing else, and they are the ones who wait for the chaincode. */
function couldNotLaunch({ ccid }: ChaincodeRef, thrown: unknown, refusal: SelvageError | undefined): SelvageError {
  const cause = SelvageError.from(thrown);
  const failure = prefixed(`could not launch chaincode ${ccid}: `, cause, {
    ccid,
    ...(refusal && { registrationRefused: refusal.message }),
  });
  const { code, message, details, advice } = failure;
  const lines = [
    message,
    ...(refusal ? [`Its registration was refused: ${refusal.message}`] : []),
    ...(advice === undefined ? [] : [advice]),
  ];
  return lines.length === 1 ? failure : new SelvageError(code, lines.join('\n'), { cause, details });
}
