import { access, readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { hex, sha256, utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import { packFolder } from '../packaging/pack.ts';
import { hasInstallScripts, hasLocalDependencies, type NodeManifest, parseManifest } from './node-manifest.ts';
import { findNpm } from './npm.ts';
import type { HostCommand, HostPlan, InstallStep, Platform } from './platform.ts';
import { shownRegistry } from './registry.ts';

export interface NodePlatformParts {
  /** The Node that runs chaincode; its own npm installs. The peer's own by default. */
  readonly nodePath?: string;
  /** From {@link parseRegistry}. Absent: whatever the user's npm is configured for. */
  readonly registry?: string | undefined;
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

  constructor({ nodePath = process.execPath, registry }: NodePlatformParts = {}) {
    this.#nodePath = nodePath;
    this.#registry = registry;
  }

  async validateSpec(path: string): Promise<void> {
    if (!(await isFolder(path))) throw invalid(`path to chaincode does not exist: ${path}`);
  }

  async pack(path: string, { log = silent }: { readonly log?: Logger } = {}): Promise<Uint8Array> {
    await this.validateSpec(path);
    const skip = (file: string): boolean => file === MODULES || file.includes('.git');
    return packFolder(path, { skip, log });
  }

  async hostPlan(directory: string, codePackage: Uint8Array): Promise<HostPlan> {
    const folder = join(directory, SOURCES);
    const text = await readText(join(folder, 'package.json'));
    if (text === undefined) throw invalid('no package.json found at the root of the chaincode package');
    const manifest = parseManifest(text);
    const start = await this.#start(manifest);
    return { workingFolder: SOURCES, install: await this.#install(folder, text, manifest, codePackage), start };
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
      command: await this.#installCommand(lockName),
      key: this.#key(whole ? [codePackage] : [utf8(text), utf8(lockName ?? ''), utf8(lock), utf8(settings ?? '')]),
      needs: whole ? 'everything' : needs,
      from: this.#registry === undefined ? undefined : shownRegistry(this.#registry),
      produces: MODULES,
    };
  }

  async #installCommand(lockName: string | undefined): Promise<HostCommand> {
    const npm = await findNpm(this.#nodePath);
    const env = this.#registry === undefined ? {} : { npm_config_registry: this.#registry };
    return { file: this.#nodePath, args: [npm, lockName === undefined ? 'install' : 'ci', ...NPM_OPTIONS], env };
  }

  /** Each part's own hash goes in, so that no two lists of parts read the same. */
  #key(parts: readonly Uint8Array[]): string {
    const machine = [process.version, process.platform, process.arch, this.#nodePath, this.#registry ?? ''].join('\n');
    return hex(sha256(...[utf8(machine), ...parts].map((part) => sha256(part))));
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
    const env = { npm_lifecycle_event: 'start', npm_package_name: name, npm_package_version: version, npm_node_execpath: this.#nodePath };
    if (process.platform !== 'win32' && scripts['prestart'] === undefined && scripts['poststart'] === undefined) {
      return (peerAddress) => ({
        file: '/bin/sh',
        args: ['-c', `PATH="$PWD/${bins}$PATH"; export PATH; ${script} --peer.address ${quoted(peerAddress)}`],
        env,
      });
    }
    const npm = await findNpm(this.#nodePath);
    return (peerAddress) => ({ file: this.#nodePath, args: [npm, 'start', '--', '--peer.address', peerAddress], env: {} });
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function firstThere(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await exists(join(folder, name))) return name;
  return undefined;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR')) return undefined;
    throw thrown;
  }
}

const noStartScript = (): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', 'package.json of the chaincode has no start script', {
    advice: 'Add "scripts": { "start": "fabric-chaincode-node start" } for a contract, or "node your-file.js" for a plain chaincode.',
  });

const invalid = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);
