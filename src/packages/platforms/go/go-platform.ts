import { dirname, join, relative, resolve, sep } from 'node:path';
import { SelvageError } from '../../../common/errors.ts';
import { type Logger, silent } from '../../../common/log.ts';
import { type PackedSource, packFolder } from '../../archive/pack.ts';
import { buildKey } from '../build-key.ts';
import { isFolder, readText } from '../files.ts';
import { type ImageParts, LanguagePlatform } from '../language-platform.ts';
import { invalidPackage, RUNNABLE } from '../package-rules.ts';
import type { DockerBuild, HostCommand, HostPlan, PackageSubject, PackPlatformOptions, Platform } from '../platform.ts';
import { answerOf, findTool, identityOf, type ToolEnvironment } from '../tools.ts';
import { importedFromOutside, isGoSource } from './go-path.ts';
import { collectProgram } from './go-program.ts';
import { explainGoBuild } from './go-verdicts.ts';

export interface GoPlatformParts extends ImageParts {
  /** The peer's environment: where `go` is found, and the settings (`GOPROXY`, `GOFLAGS`, …) that builds obey. */
  readonly host?: ToolEnvironment;
}

/** Where the program goes, below the folder that it is built in. */
const OUTPUT = '.selvage';
const PROGRAM = 'chaincode';
/** Where Go is put by its own installer, which does not touch anybody's PATH. */
const USUAL_PLACES = ['/usr/local/go/bin', '/usr/lib/go/bin'] as const;
/** What decides what the compiler makes of the same sources. */
const KEY_VARIABLES = ['GOVERSION', 'GOOS', 'GOARCH', 'GOAMD64', 'GOARM', 'GOARM64', 'GOFLAGS', 'GOEXPERIMENT', 'CGO_ENABLED', 'CC'];
/** An import path that means one thing to the compiler and to a shell. */
const IMPORT_PATH = /^[A-Za-z0-9_~.][A-Za-z0-9_~.+@-]*(\/[A-Za-z0-9_~.][A-Za-z0-9_~.+@-]*)*$/;

/** Chaincode in Go: a module whose root is `src`, or `src/<import path>/…` in GOPATH's or a module's form. */
export class GoPlatform extends LanguagePlatform implements Platform {
  readonly name = 'golang';
  readonly #host: ToolEnvironment;

  constructor({ host = process.env, ...images }: GoPlatformParts = {}) {
    super(images, RUNNABLE);
    this.#host = host;
  }

  /**
   * A module is packed from its root, whatever folder of it is named; hidden folders and files stay out. Below GOPATH, what it imports
   * from elsewhere goes in as vendored.
   */
  async pack(path: string, { log = silent }: PackPlatformOptions = {}): Promise<Uint8Array> {
    await this.validateSpec(path);
    const module = await moduleOf(path);
    if (module !== undefined) return packFolder(module.root, { skip: hidden, log });
    const importPath = this.#gopathImport(path);
    const skip = (file: string, kind: 'file' | 'folder'): boolean => hidden(file) || (kind === 'file' && !isGoSource(file));
    return packFolder(path, { skip, below: `src/${importPath}`, more: await this.#outside(importPath, log), log });
  }

  async #outside(importPath: string, log: Logger): Promise<readonly PackedSource[]> {
    const go = await findTool('go', this.#host, USUAL_PLACES);
    if (go !== undefined) return importedFromOutside(importPath, go, this.#host);
    log.warn('there is no Go here to tell what the chaincode imports: only its own folder is packed', { path: importPath });
    return [];
  }

  async packagePath(path: string): Promise<string> {
    const module = await moduleOf(path);
    if (module === undefined) return this.#gopathImport(path);
    const below = relative(module.root, resolve(path)).split(sep).join('/');
    return below === '' ? module.name : `${module.name}/${below}`;
  }

  dockerfile(): readonly string[] {
    return [`FROM ${this.#runtimeImage()}`, 'ADD binpackage.tar /usr/local/bin'];
  }

  async dockerBuild({ path, codePackage }: PackageSubject): Promise<DockerBuild> {
    const flags = this.images.golangDynamicLink ? '' : ` -ldflags "-linkmode external -extldflags '-static'"`;
    const env = Object.fromEntries(['GOPROXY', 'GOSUMDB'].flatMap((name) => (this.#host[name] ? [[name, this.#host[name]]] : [])));
    return {
      image: this.image(this.images.builder),
      command: dockerScript(importPathOf(path), flags),
      env,
      input: codePackage,
      output: 'binpackage.tar',
      runtimeImage: this.#runtimeImage(),
      explain: explainGoBuild,
    };
  }

  dockerCommand(peerAddress: string): readonly string[] {
    return ['chaincode', `-peer.address=${peerAddress}`];
  }

  async hostPlan(directory: string, { path, codePackage }: PackageSubject): Promise<HostPlan> {
    const go = await findTool('go', this.#host, USUAL_PLACES);
    if (go === undefined) throw noGo();
    const { workingFolder, command } = await layoutOf(directory, importPathOf(path), go);
    const facts = await this.#facts(go, directory);
    const finish = (folder: string): Promise<void> => collectProgram(join(folder, OUTPUT, PROGRAM));
    const key = buildKey('go', facts, workingFolder, command.args.join('\n'), codePackage);
    return {
      workingFolder,
      steps: [
        {
          work: 'go build',
          command,
          key,
          needs: 'everything',
          from: undefined,
          produces: OUTPUT,
          keeps: 'produced',
          finish,
          explain: explainGoBuild,
        },
      ],
      start: (peerAddress, { memoryBytes } = {}) => ({
        file: `./${OUTPUT}/${PROGRAM}`,
        args: [`-peer.address=${peerAddress}`],
        env: memoryBytes === undefined ? {} : { GOMEMLIMIT: `${Math.floor(memoryBytes * 0.9)}B` },
      }),
    };
  }

  async #facts(go: string, cwd: string): Promise<string> {
    return `${await identityOf(go)}\n${await answerOf(go, ['env', ...KEY_VARIABLES], { ...this.#host, GOTOOLCHAIN: 'local' }, cwd)}`;
  }

  #runtimeImage(): string {
    return this.image(this.images.golangRuntime);
  }

  #gopathImport(path: string): string {
    const roots = (this.#host['GOPATH'] ?? join(this.#host['HOME'] ?? '/', 'go')).split(':').map((root) => join(root, 'src'));
    for (const root of roots) {
      const below = relative(root, resolve(path)).split(sep).join('/');
      if (below !== '' && !below.startsWith('..')) return below;
    }
    throw new SelvageError('CHAINCODE_PACKAGE_INVALID', `${path} is in no Go module and not below GOPATH`, {
      advice: 'Run "go mod init MODULE" in the folder of the chaincode.',
    });
  }
}

interface Layout {
  readonly workingFolder: string;
  readonly command: HostCommand;
}

/** The same cases in the same order as in Fabric's build script, see {@link dockerScript}. */
async function layoutOf(directory: string, path: string, go: string): Promise<Layout> {
  for (const [workingFolder, target] of [
    ['src', path],
    [`src/${path}`, '.'],
  ] as const) {
    const folder = join(directory, workingFolder);
    const manifest = await readText(join(folder, 'go.mod'));
    if (manifest === undefined) continue;
    const args = ['build', `-mod=${(await isFolder(join(folder, 'vendor'))) ? 'vendor' : 'readonly'}`, '-trimpath', '-buildvcs=false'];
    const wanted = target === '.' ? target : await targetIn(folder, target, manifest);
    return { workingFolder, command: { file: go, args: [...args, '-o', `${OUTPUT}/${PROGRAM}`, wanted], env: { GO111MODULE: 'on' } } };
  }
  if (!(await isFolder(join(directory, 'src', path)))) throw noSources(path);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: for the shell
  const script = 'GOPATH="$PWD${GOPATH:+:$GOPATH}"; export GOPATH; exec "$0" "$@"';
  const args = ['-c', script, go, 'build', '-trimpath', '-buildvcs=false', '-o', `${OUTPUT}/${PROGRAM}`, path];
  return { workingFolder: '.', command: { file: '/bin/sh', args, env: { GO111MODULE: 'off' } } };
}

/** Clients also send where the sources were on their disk; the module says what was meant. */
async function targetIn(folder: string, path: string, manifest: string): Promise<string> {
  const name = moduleName(manifest);
  if (path === name || path.startsWith(`${name}/`)) return path;
  return path !== '.' && (await isFolder(join(folder, path))) ? `./${path}` : '.';
}

/**
 * How the builder image makes the program.
 * @see DockerBuildOptions in hyperledger/fabric v2.5, core/chaincode/platforms/golang/platform.go; the last case is all there was in 1.1
 */
function dockerScript(path: string, flags: string): string {
  const input = '/chaincode/input';
  const build = (prefix: string, mode: string, target: string): string =>
    `${prefix} go build -v${mode}${flags} -o /chaincode/output/chaincode ${target}`;
  const inModule = (folder: string, target: string): string =>
    `if [ -d "${folder}/vendor" ]; then mode=vendor; else mode=readonly; fi; cd "${folder}"; ${build('GO111MODULE=on', ' -mod=$mode', target)}`;
  return [
    'set -e',
    `if [ -f "${input}/src/go.mod" ]; then ${inModule(`${input}/src`, path)}`,
    `elif [ -f "${input}/src/${path}/go.mod" ]; then ${inModule(`${input}/src/${path}`, '.')}`,
    `else ${build(`GO111MODULE=off GOPATH=${input}:$GOPATH`, '', path)}`,
    'fi',
  ].join('\n');
}

/**
 * `ChaincodeID.path` without scheme and without a slash at either end.
 * @see decodeUrl in hyperledger/fabric v1.1.0, core/chaincode/platforms/golang/platform.go
 */
function importPathOf(path: string): string {
  const bare = path.replace(/^https?:\/\//, '').replace(/\/$/, '');
  if (bare.length < 2 && bare !== '.') throw invalidPackage("could not decode url: ChaincodeSpec's path/URL invalid");
  const inside = bare.replace(/^\/+/, '');
  if (!IMPORT_PATH.test(inside) || inside.split('/').includes('..')) throw invalidPackage(`"${path}" is not an import path of Go`);
  return inside;
}

interface GoModule {
  readonly root: string;
  readonly name: string;
}

/** The module that a folder belongs to. */
async function moduleOf(path: string): Promise<GoModule | undefined> {
  for (let root = resolve(path); ; root = dirname(root)) {
    const manifest = await readText(join(root, 'go.mod'));
    if (manifest !== undefined) return { root, name: moduleName(manifest) };
    if (dirname(root) === root) return undefined;
  }
}

/** @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` */
export function moduleName(manifest: string): string {
  const name = /^\s*module\s+(?:"([^"]+)"|`([^`]+)`|([^\s"`]+))/m.exec(manifest);
  const found = name?.[1] ?? name?.[2] ?? name?.[3];
  if (found === undefined) throw invalidPackage('go.mod names no module');
  return found;
}

const hidden = (file: string): boolean => /(^|\/)\./.test(file);

const noGo = (): SelvageError =>
  new SelvageError('CHAINCODE_BUILD_FAILED', 'there is no Go on this machine to build the chaincode with', {
    advice: 'Install Go and put it on the PATH of the peer, or run the chaincode by Docker or as a service.',
  });

const noSources = (path: string): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `the code package has no Go module and no folder src/${path}`, {
    advice: 'The path of the chaincode must be the import path of its main package.',
  });
