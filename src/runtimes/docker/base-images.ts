import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TarEntry, writeTar } from '../../chaincode/packaging/tar-writer.ts';
import { findNpm } from '../../chaincode/platforms/npm.ts';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { ContainerOutput } from './container-output.ts';
import type { DockerEngine } from './engine.ts';
import { toItsEnd } from './lingering.ts';
import { addLink, addProgram, addText, addTree, exists, findProgram, missing, type RootFiles, smallSystem } from './local-toolchain.ts';
import type { PeerName } from './names.ts';
import { LABELS, Traces } from './traces.ts';

/** What an image is for. Node has one image for both stages, so that native modules fit. */
export type ImagePurpose = 'node' | 'golang-builder' | 'golang-runtime';

export interface BaseImageParts {
  readonly engine: DockerEngine;
  readonly peer: PeerName;
  /** The Node that goes into the image. */
  readonly nodePath: string;
  /** `PATH`, where tools are looked for. */
  readonly path: string;
  readonly log: Logger;
}

export interface BaseImageOrder extends Cancellable {
  readonly purpose: ImagePurpose;
  /** Name that the configuration gives the image. */
  readonly image: string;
  /** A local image to start from, instead of this machine's own programs. */
  readonly from?: string | undefined;
}

const SEARCH = '/usr/local/sbin:/usr/local/bin:/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Installed with a lock file exactly as locked; development dependencies stay out. */
const NODE_BUILD = `#!/bin/sh
set -e
cp -R /chaincode/input/src/. /chaincode/output
cd /chaincode/output
if [ -d node_modules ]; then exit 0; fi
if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then npm ci --omit=dev --no-audit --no-fund; else npm install --omit=dev --no-audit --no-fund; fi
`;

/**
 * What `npm start` would run, but directly where the start script is one plain command: signals then reach the chaincode, which npm's
 * shell would keep to itself, and npm does not start beside each chaincode.
 */
const NODE_START = `#!/bin/sh
set -e
cd /usr/local/src
start=$(node -e 'const s = require("./package.json").scripts ?? {}; const c = s.start ?? ""; process.stdout.write(/^[\\w@%+:,./-]+( [\\w@%+=:,./-]+)*$/.test(c) && !s.prestart && !s.poststart ? c : "")')
if [ -z "$start" ]; then exec npm start -- "$@"; fi
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
exec $start "$@"
`;

/**
 * The peer asks for external linking, so that programs which use C are static. There is no C compiler here: then Go links by itself,
 * and statically in any case.
 */
const GO_WITHOUT_C = `#!/bin/sh
for argument do
  shift
  case "$argument" in *'-linkmode external'*) argument='-linkmode=internal' ;; esac
  set -- "$@" "$argument"
done
exec /usr/local/go/bin/go "$@"
`;

/** Asked of each new image; an image that cannot answer is removed again. */
const PROBES: Readonly<Record<ImagePurpose, string>> = {
  node: 'set -e; node --version; npm --version; cp --version >/dev/null || true',
  'golang-builder': `set -e; go version; mkdir /tmp/a; cd /tmp/a; printf 'package main\\nfunc main() {}\\n' > a.go; go build -ldflags "-linkmode external -extldflags '-static'" -o a a.go; ./a`,
  'golang-runtime': 'true',
};

/**
 * Makes a builder or runtime image of this machine's own programs, or of a local image, so that no registry is needed.
 * @returns what the image said when it was tried: versions
 * @throws {SelvageError} `NOT_FOUND` when this machine lacks a program, `DOCKER_UNAVAILABLE`, `DOCKER_REFUSED`, `DISK_FULL`
 */
export async function buildBaseImage(order: BaseImageOrder, parts: BaseImageParts): Promise<readonly string[]> {
  const { engine, log } = parts;
  const { purpose, image, from, signal } = order;
  if (from !== undefined) await onto(from, order, parts);
  else await engine.importImage(writeTar((await rootFiles(purpose, parts)).values()), image, changesFor(purpose), { signal });
  log.debug('image made', { image, purpose });
  try {
    return await probe(order, parts);
  } catch (thrown) {
    await engine.removeImage(image, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    throw thrown;
  }
}

const changesFor = (purpose: ImagePurpose): readonly string[] => [
  `ENV PATH=${SEARCH}`,
  'ENV HOME=/root',
  ...(purpose === 'golang-builder' ? ['ENV CGO_ENABLED=0', 'ENV GOTOOLCHAIN=local', 'ENV GOFLAGS='] : []),
  'CMD ["/bin/sh"]',
  `LABEL ${LABELS.image}=${purpose}`,
];

async function rootFiles(purpose: ImagePurpose, parts: BaseImageParts): Promise<RootFiles> {
  const files = await smallSystem(parts.path);
  if (purpose === 'node') await addNode(files, parts);
  if (purpose === 'golang-builder') await addGo(files, parts);
  return files;
}

async function addNode(files: RootFiles, { nodePath }: BaseImageParts): Promise<void> {
  await addProgram(files, 'usr/local/bin/node', nodePath);
  const npm = await findNpm(nodePath);
  await addTree(files, 'usr/local/lib/node_modules/npm', dirname(dirname(npm)), (path) => /\/(docs|man)$/.test(path));
  for (const name of ['npm', 'npx']) addLink(files, `usr/local/bin/${name}`, `../lib/node_modules/npm/bin/${name}-cli.js`);
  for (const [name, text] of nodeScripts()) addText(files, name, text, 0o755);
}

const nodeScripts = (): readonly (readonly [string, string])[] => [
  ['chaincode/build.sh', NODE_BUILD],
  ['chaincode/start.sh', NODE_START],
];

async function addGo(files: RootFiles, { path }: BaseImageParts): Promise<void> {
  const go = await findProgram('go', path);
  if (go === undefined) throw missing('go');
  const root = dirname(dirname(go));
  if (!(await exists(join(root, 'src', 'runtime')))) throw missing('standard library of Go beside its go command');
  addText(files, 'usr/local/bin/go', GO_WITHOUT_C, 0o755);
  await addTree(files, 'usr/local/go', root, (name) => /^usr\/local\/go\/(test|doc|api|misc)$/.test(name));
}

/** The same scripts and folders on top of an image that has the rest. */
async function onto(from: string, { purpose, image, signal }: BaseImageOrder, { engine }: BaseImageParts): Promise<void> {
  if ((await engine.image(from, { signal })) === undefined) {
    throw new SelvageError('NOT_FOUND', `there is no image ${from} in this engine`, {
      advice: 'Load or pull it first: docker load, docker pull.',
    });
  }
  const scripts: TarEntry[] =
    purpose === 'node' ? nodeScripts().map(([name, text]) => ({ name, mode: 0o755, content: Buffer.from(text) })) : [];
  const folders = ['chaincode/', 'chaincode/input/', 'chaincode/output/'].map((name): TarEntry => ({ name, folder: true }));
  const tar = await buffer(writeTar([...folders, ...scripts]));
  const dockerfile = `FROM ${from}\nADD files.tar /\nENTRYPOINT []\nLABEL ${LABELS.image}="${purpose}"\n`;
  const context = writeTar([
    { name: 'Dockerfile', content: Buffer.from(dockerfile) },
    { name: 'files.tar', content: tar },
  ]);
  await engine.build(context, { tag: image, pull: false, onLine: () => undefined, signal });
}

async function probe({ purpose, image, signal }: BaseImageOrder, { engine, peer, log }: BaseImageParts): Promise<readonly string[]> {
  const trace = new Traces({ engine, peer, log }).begin();
  try {
    const spec = { image, command: ['/bin/sh', '-c', PROBES[purpose]], env: {}, labels: trace.labels, hostConfig: { NetworkMode: 'none' } };
    const container = await toItsEnd(signal, (lingering) => engine.create(spec, { signal: lingering }));
    if (container === undefined) throw new SelvageError('DOCKER_REFUSED', `the image ${image} is gone again`);
    const output = new ContainerOutput(20, () => undefined);
    using attached = await engine.attach(container, output.push, { signal });
    await toItsEnd(signal, (lingering) => engine.start(container, { signal: lingering }));
    const code = await engine.wait(container, { signal });
    await orAbort(attached.ended, signal);
    output.end();
    if (code === 0) return output.lines;
    throw new SelvageError(
      'DOCKER_REFUSED',
      `the image ${image} does not work: ${PROBES[purpose]} exited with ${code}:\n${output.lines.join('\n')}`,
      {
        advice: 'Take another image with --from, one that has the language, its package manager and a shell.',
      },
    );
  } finally {
    await trace.clear();
  }
}
