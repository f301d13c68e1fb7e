import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8 } from '../../../common/bytes.ts';
import { buildKey } from '../build-key.ts';
import { exists, isFolder, readText } from '../files.ts';
import { filesIn } from '../package-files.ts';
import type { InstallStep } from '../platform.ts';
import { hasInstallScripts, hasLocalDependencies, type NodeManifest } from './node-manifest.ts';
import { explainNpm } from './node-verdicts.ts';
import { findNpm } from './npm.ts';
import { buildCommand, installAndBuildCommand, installCommand, type NpmParts } from './npm-commands.ts';
import { shownRegistry } from './npm-registry.ts';
import { isOnlyUnused, mustBeCompiled } from './typescript.ts';

export interface NodeSources {
  /** Where they are unpacked. */
  readonly folder: string;
  /** Of package.json. */
  readonly text: string;
  readonly manifest: NodeManifest;
  readonly codePackage: Uint8Array;
}

export interface NodeTools {
  /** The Node that runs chaincode; its own npm installs. */
  readonly node: string;
  /** Absent: whatever the user's npm is configured for. */
  readonly registry: string | undefined;
}

const MODULES = 'node_modules';
const LOCK_FILES = ['npm-shrinkwrap.json', 'package-lock.json'] as const; // npm's own order

/**
 * What is made of a package before it runs: its dependencies, and its JavaScript where it brings none along. Installing looks only at the
 * manifest and the lock file where that is enough, so that other sources need no other install.
 */
export async function nodeSteps(sources: NodeSources, tools: NodeTools): Promise<readonly InstallStep[]> {
  const { folder, text, manifest, codePackage } = sources;
  const lockName = await firstThere(folder, LOCK_FILES);
  const lock = lockName === undefined ? '' : ((await readText(join(folder, lockName))) ?? '');
  const compiled = (await mustBeCompiled(filesIn(folder), manifest)) ? manifest : undefined;
  const vendored = await isFolder(join(folder, MODULES)); // what the owner packed is what runs
  const whole =
    hasInstallScripts(manifest) ||
    (await exists(join(folder, 'binding.gyp'))) ||
    hasLocalDependencies(manifest, lock, compiled !== undefined);
  if (compiled === undefined && (vendored || (!whole && isEmpty(manifest.dependencies)))) return [];
  const make = new StepMaker(tools, await npmOf(tools, lockName !== undefined));
  if (vendored) return compiled ? [make.compile(compiled, codePackage)] : [];
  if (whole) return [make.whole(compiled, codePackage)];
  const settings = await readText(join(folder, '.npmrc'));
  const needs = ['package.json', ...(lockName === undefined ? [] : [lockName]), ...(settings === undefined ? [] : ['.npmrc'])];
  const facts = [text, lockName ?? '', lock, settings ?? ''].map(utf8);
  const runs = isEmpty(manifest.dependencies) ? [] : [make.install('run', needs, facts)];
  if (compiled === undefined) return runs;
  return [...runs, make.compile(compiled, codePackage, isEmpty(manifest.devDependencies) ? runs[0] : make.install('all', needs, facts))];
}

/** Makes the steps of one package. */
class StepMaker {
  readonly #tools: NodeTools;
  readonly #npm: NpmParts;

  constructor(tools: NodeTools, npm: NpmParts) {
    this.#tools = tools;
    this.#npm = npm;
  }

  /** @param which what runs, or also what is for development */
  install(which: 'run' | 'all', needs: readonly string[], facts: readonly Uint8Array[]): InstallStep {
    return {
      ...this.#step(which === 'run' ? 'installing the dependencies' : 'installing what the build needs'),
      command: installCommand(which, this.#npm),
      key: this.#key(which === 'run' ? facts : [...facts, utf8(which)]),
      needs,
      produces: MODULES,
      keeps: 'produced',
      finish: withModules,
    };
  }

  /** What the build script makes of the package, with what is installed for it. */
  compile(manifest: NodeManifest, codePackage: Uint8Array, tools?: InstallStep): InstallStep {
    return {
      ...this.#step('compiling the sources'),
      command: buildCommand(this.#npm),
      key: this.#key([utf8('build'), utf8(tools?.key ?? ''), codePackage]),
      needs: 'everything',
      produces: undefined,
      keeps: 'everything',
      tools,
      tolerates: unused(manifest),
    };
  }

  /** Where installing may look at, and change, any file of the package. @param compiled what is to be compiled; undefined when nothing is */
  whole(compiled: NodeManifest | undefined, codePackage: Uint8Array): InstallStep {
    return {
      ...this.#step(compiled ? 'installing the dependencies and compiling' : 'installing the dependencies'),
      command: compiled ? installAndBuildCommand(this.#npm) : installCommand('run', this.#npm),
      key: this.#key([codePackage]),
      needs: 'everything',
      produces: MODULES,
      keeps: 'everything',
      finish: withModules,
      ...(compiled && { tolerates: unused(compiled) }),
    };
  }

  #step(work: string): Pick<InstallStep, 'work' | 'from' | 'explain'> {
    const { registry } = this.#tools;
    return { work, from: registry === undefined ? undefined : shownRegistry(registry), explain: explainNpm };
  }

  #key(parts: readonly Uint8Array[]): string {
    const { node, registry = '' } = this.#tools;
    return buildKey([process.version, process.platform, process.arch, node, registry].join('\n'), ...parts);
  }
}

async function npmOf({ node, registry }: NodeTools, hasLock: boolean): Promise<NpmParts> {
  return { node, npm: await findNpm(node), env: registry === undefined ? {} : { npm_config_registry: registry }, hasLock };
}

const unused =
  (manifest: NodeManifest) =>
  (output: readonly string[], folder: string): Promise<boolean> =>
    isOnlyUnused(output, filesIn(folder), manifest);

/** npm makes none when nothing is to install. */
const withModules = (built: string): Promise<void> => mkdir(join(built, MODULES), { recursive: true }).then(() => undefined);

const isEmpty = (dependencies: Readonly<Record<string, string>>): boolean => Object.keys(dependencies).length === 0;

async function firstThere(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await exists(join(folder, name))) return name;
  return undefined;
}
