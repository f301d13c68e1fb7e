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
import { forgetWrites } from './private-caches.ts';
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

/** Finished builds that a package was given. They stay until this is disposed. */
export interface ProvidedBuilds extends AsyncDisposable {
  readonly folders: readonly string[];
}

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
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, or the signal's reason, with nothing half-built
   */
  async make(plan: HostPlan, subject: BuildSubject, { signal }: Cancellable): Promise<void> {
    for (const step of plan.steps) await this.#made(plan, step, subject, { signal });
  }

  /**
   * Gives the package unpacked in `folder` its dependencies. They are linked, not copied; of a step that also worked on the
   * package's own files, those are copied.
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, or the signal's reason, with nothing half-built
   */
  async provide(folder: string, plan: HostPlan, subject: BuildSubject, { signal }: Cancellable): Promise<ProvidedBuilds> {
    await using scope = new Scope();
    const folders: string[] = [];
    const target = join(folder, plan.workingFolder);
    for (const step of plan.steps) {
      scope.use(await this.#parts.cache.use(step.key)); // before it is looked for
      const built = await this.#made(plan, step, subject, { signal });
      folders.push(built);
      const produced = step.produces === undefined ? undefined : join(built, step.produces);
      if (step.keeps === 'everything')
        await cp(built, target, { recursive: true, force: true, verbatimSymlinks: true, filter: (path) => path !== produced });
      if (produced !== undefined) await linked(produced, join(target, step.produces ?? ''));
    }
    signal.throwIfAborted();
    const kept = scope.move();
    return { folders, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
  }

  /** The folder of a finished step, which may go as soon as nobody uses it. */
  #made(plan: HostPlan, step: InstallStep, subject: BuildSubject, { signal }: Cancellable): Promise<string> {
    return this.#shared.run(step.key, (options) => this.#find(plan, step, subject, options), { signal });
  }

  /** What a step stands on is made before the step takes its turn, or two of them could wait for each other. */
  async #find(plan: HostPlan, step: InstallStep, subject: BuildSubject, options: Cancellable): Promise<string> {
    const found = await this.#parts.cache.find(step.key);
    if (found !== undefined) return found;
    const { tools } = step;
    if (tools === undefined) return this.#turnstile.run(() => this.#build(plan, step, subject, options), options);
    await using _used = await this.#parts.cache.use(tools.key);
    const built = await this.#made(plan, tools, subject, options);
    const place: Tools = { from: join(built, tools.produces ?? ''), to: tools.produces ?? '' };
    return this.#turnstile.run(() => this.#build(plan, step, subject, options, place), options);
  }

  async #build(
    { workingFolder }: HostPlan,
    install: InstallStep,
    subject: BuildSubject,
    { signal }: Cancellable,
    tools?: Tools,
  ): Promise<string> {
    const { ccid, log } = subject;
    const { cache, scratch } = this.#parts;
    await using staging = await scratch.folder();
    await using _ = { [Symbol.asyncDispose]: () => forgetWrites(staging.path) };
    const folder = await stage(install, workingFolder, subject.codePackage, staging.path, signal);
    if (install.produces !== undefined) await rm(join(folder, install.produces), { recursive: true, force: true }); // a package may have put something there itself
    if (tools !== undefined) await linked(tools.from, join(folder, tools.to));
    const started = performance.now();
    log.info('chaincode build started', { ccid, build: install.key, ...(install.from !== undefined && { registry: install.from }) });
    const { exit, good } = await this.#run(install, folder, { folder: staging.path, reads: tools && [tools.from] }, subject, signal);
    if (!good) throw failed(ccid, install, exit);
    if (tools !== undefined) await rm(join(folder, tools.to), { recursive: true, force: true });
    await install.finish?.(folder);
    const place = await cache.keep(install.key, await kept(install, folder, staging.path));
    log.info('chaincode build finished', { ccid, build: install.key, buildMs: Math.round(performance.now() - started) });
    void cache.prune();
    return place;
  }

  /** @returns how it ended, and whether what it made is good: a step may put up with a command that failed */
  async #run(
    { work, command: plain, tolerates }: InstallStep,
    cwd: string,
    place: Pick<BuildPlace, 'folder' | 'reads'>,
    { platform, log, output }: BuildSubject,
    signal: AbortSignal,
  ): Promise<{ readonly exit: GroupExit; readonly good: boolean }> {
    const env = overridden(this.#parts.env, plain.env);
    const command = await this.#parts.confine(plain, { ...place, platform, env });
    signal.throwIfAborted();
    const started = performance.now();
    output?.(buildStarted(work));
    const onLine = (line: string): void => {
      log.debug('chaincode build output', { line });
      output?.({ stream: 'build', text: line });
    };
    const group = await ProcessGroup.start({ file: command.file, args: command.args, cwd, env, onLine }).catch((cause: unknown) => {
      output?.(buildEnded('failed', performance.now() - started));
      throw new SelvageError('CHAINCODE_BUILD_FAILED', `cannot start the chaincode build: ${messageOf(cause)}`, { cause });
    });
    const stop = (): void => void group.stop(this.#parts.graceMs);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const exit = await group.exited;
      const good = exit.code === 0 || (await tolerates?.(exit.lastOutput, cwd)) === true;
      output?.(buildEnded(good ? 'finished' : 'failed', performance.now() - started));
      signal.throwIfAborted();
      return { exit, good };
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

/** A folder that is lent to a build. */
interface Tools {
  readonly from: string;
  /** Relative to the folder that the build works in. */
  readonly to: string;
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
  if (keeps === 'everything' || produces === undefined) return folder;
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
