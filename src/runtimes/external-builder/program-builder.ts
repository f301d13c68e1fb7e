import { access, constants } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Cancellable } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { lastWords, shownLines } from '../../packages/last-output.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import { scarcity } from '../../packages/platforms/verdict.ts';
import type { HostEnvironment } from '../process/environment.ts';
import { type GroupExit, ProcessGroup } from '../process/process-group.ts';
import type { Builder, BuilderSubject, RunOptions } from './builder.ts';
import { programProblem } from './program-problem.ts';

/** One entry of `chaincode.externalBuilders`. */
export interface ExternalBuilderConfig {
  readonly name: string;
  /** Folder with `bin/detect`, `bin/build` and, as needed, `bin/release` and `bin/run`. */
  readonly path: string;
  /** Variables of the peer's environment that its programs get. */
  readonly propagateEnvironment: readonly string[];
}

/** Its name in Fabric's sample configuration, which names a folder of Fabric's images. */
const CCAAS_BUILDER = 'ccaas_builder';
/** @see DefaultPropagateEnvironment in hyperledger/fabric v2.5, core/container/externalbuilder/externalbuilder.go */
const ALWAYS_PROPAGATED = ['LD_LIBRARY_PATH', 'LIBPATH', 'PATH', 'TMPDIR'] as const;

/**
 * An external builder: four programs of the operator's, called with folders and judged by their exit codes.
 * @see hyperledger/fabric v2.5, core/container/externalbuilder
 */
export class ProgramBuilder implements Builder {
  readonly name: string;
  readonly #path: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor({ name, path, propagateEnvironment }: ExternalBuilderConfig, host: HostEnvironment) {
    this.name = name;
    this.#path = path;
    const names = [...new Set([...propagateEnvironment, ...ALWAYS_PROPAGATED])];
    this.#env = Object.fromEntries(names.flatMap((each) => (host[each] === undefined ? [] : [[each, host[each]]])));
  }

  /** Why it cannot be asked, if so: for whoever configured it. What ships with Fabric's images and is built in here counts as there. */
  async problem(): Promise<string | undefined> {
    const problem = await programProblem(this.#program('detect'));
    return problem?.startsWith('no such file') === true && this.name === CCAAS_BUILDER ? undefined : problem;
  }

  /** What it prints goes to the log alone: the package may be none of its business. */
  async detect({ output: _, ...subject }: BuilderSubject, { signal }: Cancellable): Promise<boolean> {
    const program = this.#program('detect');
    const problem = await programProblem(program);
    if (problem !== undefined && (await this.problem()) === undefined) return false;
    if (problem !== undefined) throw this.#notAsked(problem, subject);
    const { source, metadata } = await subject.folders();
    const exit = await this.#exitOf('detect', [source, metadata], subject, signal).catch((thrown: unknown) => {
      signal.throwIfAborted();
      throw this.#notAsked(messageOf(thrown), subject);
    });
    subject.log.debug('external builder asked', { builder: this.name, ccid: subject.ccid, answer: statusOf(exit) });
    if (exit.code === 126 || exit.code === 127)
      throw this.#notAsked(`it ran a program that is not there, ${lastWords(exit.lastOutput)}`, subject);
    return exit.code === 0;
  }

  #notAsked(why: string, { ccid, log }: BuilderSubject): SelvageError {
    const program = this.#program('detect');
    const reason = `external builder '${this.name}' could not be asked whether the package is its own: ${program}: ${why}`;
    log.warn('external builder cannot be asked', { builder: this.name, program, ccid, reason: why });
    return new SelvageError('CHAINCODE_BUILD_FAILED', `external builder failed: ${reason}`, {
      details: { ccid, builder: this.name, program, reason },
      advice: 'Mend the builder, or take it out of chaincode.externalBuilders.',
    });
  }

  async build(subject: BuilderSubject, { signal }: Cancellable): Promise<void> {
    const { source, metadata, build } = await subject.folders();
    await this.#step(
      'build',
      [source, metadata, build],
      subject,
      signal,
      `external builder failed to build: external builder '${this.name}' failed`,
    );
  }

  /** A builder need not have it; one that may not be executed counts as none, as in Fabric, and is worth a word. */
  async release(subject: BuilderSubject, { signal }: Cancellable): Promise<void> {
    const program = this.#program('release');
    if (!(await allows(program, constants.X_OK))) {
      if (await allows(program, constants.F_OK))
        subject.log.warn('release step skipped: the program is not executable', { builder: this.name, program, ccid: subject.ccid });
      return;
    }
    const { build, release } = await subject.folders();
    await this.#step(
      'release',
      [build, release],
      subject,
      signal,
      `external builder failed to release: builder '${this.name}' release failed`,
    );
  }

  async run({ ccid }: LaunchSpec, buildFolder: string, runFolder: string, { onLine }: RunOptions): Promise<ProcessGroup> {
    try {
      return await ProcessGroup.start({ ...this.#command('run', [buildFolder, runFolder]), onLine });
    } catch (cause) {
      const why = (await programProblem(this.#program('run'))) ?? messageOf(cause);
      throw new SelvageError(
        'CHAINCODE_LAUNCH_FAILED',
        `could not execute run: builder '${this.name}' run failed to start: ${this.#program('run')}: ${why}`,
        {
          cause,
          details: { ccid, builder: this.name, reason: `bin/run of external builder '${this.name}' could not be run` },
          advice: `${this.#program('run')} must be there and executable, unless bin/release writes chaincode/server/connection.json.`,
        },
      );
    }
  }

  async #step(program: string, args: readonly string[], subject: BuilderSubject, signal: AbortSignal, text: string): Promise<void> {
    let exit: GroupExit;
    try {
      exit = await this.#exitOf(program, args, subject, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const why = (await programProblem(this.#program(program))) ?? messageOf(cause);
      throw this.#failed(`${text}: ${this.#program(program)}: ${why}`, program, subject, { cause });
    }
    if (exit.code === 0) return;
    throw this.#failed(`${text}: ${statusOf(exit)}, ${lastWords(exit.lastOutput)}`, program, subject, { exit });
  }

  #failed(
    text: string,
    program: string,
    { ccid }: BuilderSubject,
    { cause, exit }: { readonly cause?: unknown; readonly exit?: GroupExit },
  ): SelvageError {
    const { code = null, lastOutput = [] } = exit ?? {};
    const [scarce] = scarcity('the folders of the peer, of the builder and of TMPDIR').filter(({ pattern }) =>
      pattern.test(lastOutput.join('\n')),
    );
    const reason =
      scarce?.cause ?? `bin/${program} of external builder '${this.name}' ${exit === undefined ? 'could not be run' : 'failed'}`;
    const advice = `Run ${this.#program(program)} by hand on the unpacked package; its output is in the peer's log.`;
    return new SelvageError(reason === 'the disk is full' ? 'DISK_FULL' : 'CHAINCODE_BUILD_FAILED', `external builder failed: ${text}`, {
      cause,
      details: {
        ...{ ccid, builder: this.name, program, reason },
        ...(code !== null && { exitCode: code }),
        lastOutput: shownLines(lastOutput).join('\n'),
      },
      advice: scarce?.advice ?? advice,
    });
  }

  /** Runs a program to its end; when nobody waits any more it is killed with all it started. */
  async #exitOf(program: string, args: readonly string[], { ccid, log, output }: BuilderSubject, signal: AbortSignal): Promise<GroupExit> {
    signal.throwIfAborted();
    const onLine = (line: string, stream: string): void => {
      log.info('external builder output', { builder: this.name, command: program, ccid, stream, line });
      output?.({ stream: 'build', text: line });
    };
    await using group = await ProcessGroup.start({ ...this.#command(program, args), onLine });
    const stop = (): void => void group.stop(0);
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) stop();
      const exit = await group.exited;
      signal.throwIfAborted();
      return exit;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #command(program: string, args: readonly string[]) {
    return { file: this.#program(program), args, cwd: process.cwd(), env: this.#env };
  }

  #program(name: string): string {
    return join(this.#path, 'bin', basename(name));
  }
}

const allows = (file: string, mode: number): Promise<boolean> =>
  access(file, mode).then(
    () => true,
    () => false,
  );

/** How Go puts the end of a process. */
const statusOf = ({ code, signal }: GroupExit): string => (code === null ? `signal: ${signal}` : `exit status ${code}`);
