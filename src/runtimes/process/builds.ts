import { cp, mkdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cancellable } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { unpackArchive } from '../../packages/archive/unpack.ts';
import { buildEnded, buildStarted } from '../../packages/build-progress.ts';
import type { BuildSpec } from '../../packages/launch-spec.ts';
import { buildFailure, CAUSE } from '../../packages/platforms/build-failure.ts';
import type { HostCommand, HostPlan, InstallStep } from '../../packages/platforms/platform.ts';
import type { BuildCache } from './build-cache.ts';
import type { BuildPlace } from './build-reach.ts';
import { type GroupExit, ProcessGroup } from './process-group.ts';
import type { Scratch } from './scratch.ts';
import { SharedWork } from './shared-work.ts';
import { Turnstile } from './turnstile.ts';

export interface BuildsParts {
  /** Where finished builds stay. */
  readonly cache: BuildCache;
  readonly scratch: Scratch;
  readonly env: Readonly<Record<string, string>>;
  readonly maxConcurrent: number;
  readonly graceMs: number;
  /** Puts the command of a build into a sandbox, where there is one. */
  readonly confine: (command: HostCommand, place: BuildPlace) => Promise<HostCommand>;
}

/** Enough that the first cause is among them; the error shows fewer. */
const KEPT_LINES = 300;

/** Which package a build is for, in logs and errors. */
export interface BuildSubject {
  readonly ccid: string;
  readonly platform: string;
  readonly codePackage: Uint8Array;
  readonly log: Logger;
  /** Takes what the build prints, beside the log; of the launch that began it, should others wait for it too. */
  readonly output?: BuildSpec['output'];
}

/**
 * Installed dependencies, kept by what they depend on. However many instances need the same ones, they are installed once; a
 * build is complete in its place or not there.
 */
export class Builds {
  readonly #parts: BuildsParts;
  readonly #shared = new SharedWork<string>();
  readonly #turnstile: Turnstile;

  constructor(parts: BuildsParts) {
    this.#parts = parts;
    this.#turnstile = new Turnstile(parts.maxConcurrent);
  }

  /**
   * Makes what a package needs, or finds it made.
   * @returns its folder, which may go as soon as nobody uses it; undefined when the package needs nothing
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, or the signal's reason, with nothing half-built
   */
  async make(plan: HostPlan, subject: BuildSubject, { signal }: Cancellable): Promise<string | undefined> {
    const { install } = plan;
    if (install === undefined) return undefined;
    return this.#shared.run(install.key, (options) => this.#find(plan, install, subject, options), { signal });
  }

  /**
   * Gives the package unpacked in `folder` its dependencies. They are linked, not copied; of an install that also worked on the
   * package's own files, those are copied.
   * @returns keeps them there until it is disposed
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, or the signal's reason, with nothing half-built
   */
  async provide(folder: string, plan: HostPlan, subject: BuildSubject, { signal }: Cancellable): Promise<AsyncDisposable> {
    const { install, workingFolder } = plan;
    await using scope = new Scope();
    if (install === undefined) return scope.move();
    scope.use(await this.#parts.cache.use(install.key)); // before it is looked for
    const built = await this.make(plan, subject, { signal });
    if (built === undefined) return scope.move();
    const target = join(folder, workingFolder);
    const produced = join(built, install.produces);
    if (install.keeps === 'everything')
      await cp(built, target, { recursive: true, force: true, verbatimSymlinks: true, filter: (path) => path !== produced });
    await linked(produced, join(target, install.produces));
    signal.throwIfAborted();
    return scope.move();
  }

  async #find(plan: HostPlan, install: InstallStep, subject: BuildSubject, options: Cancellable): Promise<string> {
    const found = await this.#parts.cache.find(install.key);
    return found ?? this.#turnstile.run(() => this.#build(plan, install, subject, options), options);
  }

  async #build({ workingFolder }: HostPlan, install: InstallStep, subject: BuildSubject, { signal }: Cancellable): Promise<string> {
    const { ccid, log } = subject;
    const { cache, scratch } = this.#parts;
    await using staging = await scratch.folder();
    const folder = await stage(install, workingFolder, subject.codePackage, staging.path, signal);
    await rm(join(folder, install.produces), { recursive: true, force: true }); // a package may have put something there itself
    const started = performance.now();
    log.info('chaincode build started', { ccid, build: install.key, ...(install.from !== undefined && { registry: install.from }) });
    const exit = await this.#run(install, folder, staging.path, subject, signal);
    if (exit.code !== 0) throw failed(ccid, install, exit);
    await install.finish?.(folder);
    const place = await cache.keep(install.key, await kept(install, folder, staging.path));
    log.info('chaincode build finished', { ccid, build: install.key, buildMs: Math.round(performance.now() - started) });
    void cache.prune();
    return place;
  }

  async #run(
    { work, command: plain }: InstallStep,
    cwd: string,
    staging: string,
    { platform, log, output }: BuildSubject,
    signal: AbortSignal,
  ): Promise<GroupExit> {
    const env = overridden(this.#parts.env, plain.env);
    const command = await this.#parts.confine(plain, { platform, env, folder: staging });
    signal.throwIfAborted();
    const started = performance.now();
    output?.(buildStarted(work));
    const onLine = (line: string): void => {
      log.debug('chaincode build output', { line });
      output?.({ stream: 'build', text: line });
    };
    const group = await ProcessGroup.start({ file: command.file, args: command.args, cwd, env, onLine, keepLines: KEPT_LINES }).catch(
      (cause: unknown) => {
        output?.(buildEnded('failed', performance.now() - started));
        throw new SelvageError('CHAINCODE_BUILD_FAILED', `cannot start the chaincode build: ${messageOf(cause)}`, { cause });
      },
    );
    const stop = (): void => void group.stop(this.#parts.graceMs);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const exit = await group.exited;
      output?.(buildEnded(exit.code === 0 ? 'finished' : 'failed', performance.now() - started));
      signal.throwIfAborted();
      return exit;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

/**
 * The files that the install needs, in a folder of its own: unpacked once more, because whoever asked first may leave, and its
 * folder with it, while others still wait.
 */
async function stage(
  install: InstallStep,
  workingFolder: string,
  codePackage: Uint8Array,
  staging: string,
  signal: AbortSignal,
): Promise<string> {
  const unpacked = join(staging, 'code');
  await unpackArchive(codePackage, unpacked, { signal });
  const sources = join(unpacked, workingFolder);
  if (install.needs === 'everything') return sources;
  const folder = join(staging, 'build');
  await mkdir(folder);
  for (const name of install.needs) await cp(join(sources, name), join(folder, name));
  return folder;
}

/** In place of what a package may have put there. An install may have had nothing to put there. */
async function linked(built: string, place: string): Promise<void> {
  await rm(place, { recursive: true, force: true });
  const found = await stat(built).catch(() => undefined);
  if (found !== undefined) await symlink(built, place, 'junction');
}

/** What of a finished build stays, as one folder. */
async function kept({ keeps, produces }: InstallStep, folder: string, staging: string): Promise<string> {
  if (keeps === 'everything') return folder;
  const result = join(staging, 'kept');
  await mkdir(join(result, produces, '..'), { recursive: true });
  await rename(join(folder, produces), join(result, produces));
  return result;
}

/** npm reads its variables in any case, so a setting of ours replaces the user's in every spelling. */
function overridden(base: Readonly<Record<string, string>>, ours: Readonly<Record<string, string>>): Record<string, string> {
  const names = new Set(Object.keys(ours).map((name) => name.toLowerCase()));
  return { ...Object.fromEntries(Object.entries(base).filter(([name]) => !names.has(name.toLowerCase()))), ...ours };
}

function failed(ccid: string, { work, command, explain }: InstallStep, { code, signal, lastOutput }: GroupExit): SelvageError {
  const ending = code === null ? `was ended by ${signal ?? 'a signal'}` : `exited with ${code}`;
  return buildFailure((lines) => `${work} of ${ccid} ${ending}: ${CAUSE}\n${lines}`, {
    ccid,
    verdict: explain(lastOutput),
    output: lastOutput,
    exitCode: code,
    signal,
    more: { command: [command.file, ...command.args].join(' ') },
  });
}
