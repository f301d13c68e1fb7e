import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SelvageError } from '../../../common/errors.ts';
import { silent } from '../../../common/log.ts';
import { packFolder } from '../../archive/pack.ts';
import { readText } from '../files.ts';
import { type ImageParts, LanguagePlatform } from '../language-platform.ts';
import { filesIn, filesOf } from '../package-files.ts';
import { invalidPackage, RUNNABLE_NODE } from '../package-rules.ts';
import type { DockerBuild, HostCommand, HostPlan, PackageSubject, PackPlatformOptions, Platform } from '../platform.ts';
import { type NodeManifest, parseManifest } from './node-manifest.ts';
import { nodeSteps } from './node-steps.ts';
import { explainNpm } from './node-verdicts.ts';
import { findNpm } from './npm.ts';
import { CONTAINER_BUILD } from './npm-commands.ts';
import { compilationIn, isCompiled, mustBeCompiled } from './typescript.ts';

export interface NodePlatformParts extends ImageParts {
  /** The Node that runs chaincode; its own npm installs. The peer's own by default. */
  readonly nodePath?: string;
  /** From {@link parseRegistry}. Absent: whatever the user's npm is configured for. */
  readonly registry?: string | undefined;
}

const SOURCES = 'src';
const MODULES = 'node_modules';
/** Folders of any depth. @see WriteFolderToTarPackage in hyperledger/fabric v2.5, core/chaincode/platforms/util/writer.go */
const NEVER_PACKED = /(^|\/)(node_modules|\.git)$/;

/** Chaincode in JavaScript, or in what its `build` script makes JavaScript of: `src/package.json` with a `start` script. */
export class NodePlatform extends LanguagePlatform implements Platform {
  readonly name = 'node';
  readonly #nodePath: string;
  readonly #registry: string | undefined;

  constructor({ nodePath = process.execPath, registry, ...images }: NodePlatformParts = {}) {
    super(images, RUNNABLE_NODE);
    this.#nodePath = nodePath;
    this.#registry = registry;
  }

  async pack(path: string, { log = silent, sourcesOnly = false }: PackPlatformOptions = {}): Promise<Uint8Array> {
    await this.validateSpec(path);
    const skipped = sourcesOnly ? await compiledIn(path) : () => false;
    const skip = (file: string, kind: 'file' | 'folder'): boolean => (kind === 'folder' && NEVER_PACKED.test(file)) || skipped(file);
    return packFolder(path, { skip, log });
  }

  async packagePath(path: string): Promise<string> {
    return path;
  }

  dockerfile(): readonly string[] {
    return [`FROM ${this.#runtimeImage()}`, 'ADD binpackage.tar /usr/local/src'];
  }

  /**
   * What must be compiled is, which Fabric's own build script does not do. With a registry of our own it goes in as npm's variable, which
   * needs no quoting in a shell.
   * @see DockerBuildOptions in hyperledger/fabric v2.5, core/chaincode/platforms/node/platform.go
   */
  async dockerBuild({ codePackage }: PackageSubject): Promise<DockerBuild> {
    const image = this.#runtimeImage();
    const files = await filesOf(codePackage);
    const compiled = await mustBeCompiled(files, parseManifest((await files.read('package.json')) ?? '{}'));
    const install = (command: string): string => `cp -R /chaincode/input/src/. /chaincode/output && cd /chaincode/output && ${command}`;
    const plain = `if [ -x /chaincode/build.sh ]; then /chaincode/build.sh; else ${install('npm install --production')}; fi`;
    return {
      image,
      command: `set -e; ${compiled ? install(CONTAINER_BUILD) : plain}`,
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
    if (text === undefined) throw invalidPackage('no package.json found at the root of the chaincode package');
    const manifest = parseManifest(text);
    const start = await this.#start(manifest);
    return {
      workingFolder: SOURCES,
      steps: await nodeSteps({ folder, text, manifest, codePackage }, { node: this.#nodePath, registry: this.#registry }),
      start,
    };
  }

  #runtimeImage(): string {
    return this.image(this.images.nodeRuntime);
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

/** Tells what of a folder was compiled from what is in it. */
async function compiledIn(folder: string): Promise<(file: string) => boolean> {
  const files = filesIn(folder);
  const manifest = await files.read('package.json');
  const compilation = manifest === undefined ? undefined : await compilationIn(files, parseManifest(manifest));
  return (file) => compilation !== undefined && isCompiled(file, compilation, (path) => existsSync(join(folder, path)));
}

const noStartScript = (): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', 'package.json of the chaincode has no start script', {
    advice: 'Add "scripts": { "start": "fabric-chaincode-node start" } for a contract, or "node your-file.js" for a plain chaincode.',
  });
