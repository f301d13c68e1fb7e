import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { utf8 } from '../../../common/bytes.ts';
import type { Cancellable } from '../../../common/cancel.ts';
import { SelvageError } from '../../../common/errors.ts';
import { silent } from '../../../common/log.ts';
import { packFolder } from '../../archive/pack.ts';
import { buildKey } from '../build-key.ts';
import { exists, isFolder, readText } from '../files.ts';
import { IMAGE_SETTINGS, IMAGE_VARIABLES, type ImageSettings, type ImageVariables, imageName } from '../image-names.ts';
import { checkCodePackage, RUNNABLE_NODE } from '../package-rules.ts';
import type { DockerBuild, HostCommand, HostPlan, InstallStep, PackageSubject, PackPlatformOptions, Platform } from '../platform.ts';
import { hasInstallScripts, hasLocalDependencies, type NodeManifest, parseManifest } from './node-manifest.ts';
import { explainNpm } from './node-verdicts.ts';
import { findNpm } from './npm.ts';
import { shownRegistry } from './npm-registry.ts';

export interface NodePlatformParts {
  /** The Node that runs chaincode; its own npm installs. The peer's own by default. */
  readonly nodePath?: string;
  /** From {@link parseRegistry}. Absent: whatever the user's npm is configured for. */
  readonly registry?: string | undefined;
  readonly images?: ImageSettings;
  readonly variables?: ImageVariables;
}

const SOURCES = 'src';
const MODULES = 'node_modules';
const LOCK_FILES = ['npm-shrinkwrap.json', 'package-lock.json'] as const; // npm's own order
const NPM_OPTIONS = ['--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier'] as const;

/** Chaincode in JavaScript: `src/package.json` with a `start` script. */
export class NodePlatform implements Platform {
  readonly name = 'node';
  readonly #nodePath: string;
  readonly #registry: string | undefined;
  readonly #images: ImageSettings;
  readonly #variables: ImageVariables;

  constructor(parts: NodePlatformParts = {}) {
    const { nodePath = process.execPath, registry, images = IMAGE_SETTINGS, variables = IMAGE_VARIABLES } = parts;
    this.#nodePath = nodePath;
    this.#registry = registry;
    this.#images = images;
    this.#variables = variables;
  }

  async validateSpec(path: string): Promise<void> {
    if (!(await isFolder(path))) throw invalid(`path to chaincode does not exist: ${path}`);
  }

  async validatePackage(codePackage: Uint8Array, options: Partial<Cancellable> = {}): Promise<void> {
    await checkCodePackage(codePackage, RUNNABLE_NODE, options);
  }

  async pack(path: string, { log = silent }: PackPlatformOptions = {}): Promise<Uint8Array> {
    await this.validateSpec(path);
    const skip = (file: string): boolean => file === MODULES || file.includes('.git');
    return packFolder(path, { skip, log });
  }

  async packagePath(path: string): Promise<string> {
    return path;
  }

  dockerfile(): readonly string[] {
    return [`FROM ${this.#runtimeImage()}`, 'ADD binpackage.tar /usr/local/src'];
  }

  /**
   * With a registry of our own it goes in as npm's variable, which needs no quoting in a shell.
   * @see DockerBuildOptions in hyperledger/fabric v2.5, core/chaincode/platforms/node/platform.go
   */
  dockerBuild({ codePackage }: PackageSubject): DockerBuild {
    const image = this.#runtimeImage();
    const plain = 'cp -R /chaincode/input/src/. /chaincode/output && cd /chaincode/output && npm install --production';
    return {
      image,
      command: `set -e; if [ -x /chaincode/build.sh ]; then /chaincode/build.sh; else ${plain}; fi`,
      env: this.#registry === undefined ? {} : { npm_config_registry: this.#registry },
      input: codePackage,
      output: 'binpackage.tar',
      runtimeImage: image,
      explain: explainNpm,
    };
  }

  dockerCommand(peerAddress: string): readonly string[] {
    const plain = `cd /usr/local/src; exec npm start -- --peer.address ${quoted(peerAddress)}`; // exec: signals reach npm, which passes them on
    const script = `if [ -x /chaincode/start.sh ]; then exec /chaincode/start.sh --peer.address ${quoted(peerAddress)}; else ${plain}; fi`;
    return ['/bin/sh', '-c', `set -e; ${script}`];
  }

  async hostPlan(directory: string, { codePackage }: PackageSubject): Promise<HostPlan> {
    const folder = join(directory, SOURCES);
    const text = await readText(join(folder, 'package.json'));
    if (text === undefined) throw invalid('no package.json found at the root of the chaincode package');
    const manifest = parseManifest(text);
    const start = await this.#start(manifest);
    return { workingFolder: SOURCES, install: await this.#install(folder, text, manifest, codePackage), start };
  }

  #runtimeImage(): string {
    return imageName(this.#images.nodeRuntime, this.#variables);
  }

  async #install(folder: string, text: string, manifest: NodeManifest, codePackage: Uint8Array): Promise<InstallStep | undefined> {
    if (await isFolder(join(folder, MODULES))) return undefined; // vendored: what the owner packed is what runs
    const everything = hasInstallScripts(manifest) || (await exists(join(folder, 'binding.gyp')));
    if (!everything && Object.keys(manifest.dependencies).length === 0 && !manifest.hasWorkspaces) return undefined;
    const lockName = await firstThere(folder, LOCK_FILES);
    const lock = lockName === undefined ? '' : ((await readText(join(folder, lockName))) ?? '');
    const settings = await readText(join(folder, '.npmrc'));
    const whole = everything || hasLocalDependencies(manifest, lock);
    const needs = ['package.json', ...(lockName === undefined ? [] : [lockName]), ...(settings === undefined ? [] : ['.npmrc'])];
    return {
      work: 'installing the dependencies',
      command: await this.#installCommand(lockName),
      key: this.#key(whole ? [codePackage] : [utf8(text), utf8(lockName ?? ''), utf8(lock), utf8(settings ?? '')]),
      needs: whole ? 'everything' : needs,
      from: this.#registry === undefined ? undefined : shownRegistry(this.#registry),
      produces: MODULES,
      keeps: whole ? 'everything' : 'produced',
      finish: (built) => mkdir(join(built, MODULES), { recursive: true }).then(() => undefined), // npm makes none when nothing is to install
      explain: explainNpm,
    };
  }

  async #installCommand(lockName: string | undefined): Promise<HostCommand> {
    const npm = await findNpm(this.#nodePath);
    const env = this.#registry === undefined ? {} : { npm_config_registry: this.#registry };
    return { file: this.#nodePath, args: [npm, lockName === undefined ? 'install' : 'ci', ...NPM_OPTIONS], env };
  }

  #key(parts: readonly Uint8Array[]): string {
    return buildKey([process.version, process.platform, process.arch, this.#nodePath, this.#registry ?? ''].join('\n'), ...parts);
  }

  /**
   * What `npm start -- --peer.address ADDR` runs. The script is started directly, as npm would, which saves a process of npm's
   * size per chaincode; with scripts around it, or without a shell, npm itself does it.
   */
  async #start(manifest: NodeManifest): Promise<(peerAddress: string) => HostCommand> {
    const { scripts, name, version } = manifest;
    const script = scripts['start'];
    if (script === undefined) throw noStartScript();
    const bins = `${join(MODULES, '.bin')}${delimiter}`;
    const env = {
      npm_command: 'start',
      npm_lifecycle_event: 'start',
      npm_lifecycle_script: script,
      npm_package_name: name,
      npm_package_version: version,
      npm_node_execpath: this.#nodePath,
      NODE: this.#nodePath,
    };
    const places = `PATH="$PWD/${bins}$PATH" INIT_CWD="$PWD" npm_package_json="$PWD/package.json"; export PATH INIT_CWD npm_package_json`;
    if (process.platform !== 'win32' && scripts['prestart'] === undefined && scripts['poststart'] === undefined) {
      return (peerAddress) => ({
        file: '/bin/sh',
        args: ['-c', `${places}; ${script} --peer.address ${quoted(peerAddress)}`],
        env,
      });
    }
    const npm = await findNpm(this.#nodePath);
    return (peerAddress) => ({ file: this.#nodePath, args: [npm, 'start', '--', '--peer.address', peerAddress], env: {} });
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

async function firstThere(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await exists(join(folder, name))) return name;
  return undefined;
}

const noStartScript = (): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', 'package.json of the chaincode has no start script', {
    advice: 'Add "scripts": { "start": "fabric-chaincode-node start" } for a contract, or "node your-file.js" for a plain chaincode.',
  });

const invalid = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);
