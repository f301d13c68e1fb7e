import { buffer } from 'node:stream/consumers';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { type TarEntry, writeTar } from '../../packages/archive/tar-writer.ts';
import { ContainerOutput } from './container-output.ts';
import type { DockerEngine, ImageFacts } from './engine.ts';
import { type ImagePurpose, imageContents, type LocalPrograms, scriptsFor } from './image-contents.ts';
import { JAVA_FOLDER, OWN_PROGRAMS } from './image-scripts.ts';
import { toItsEnd } from './lingering.ts';
import type { PeerName } from './names.ts';
import { LABELS, type Trace, Traces } from './traces.ts';

export interface BaseImageParts extends LocalPrograms {
  readonly engine: DockerEngine;
  readonly peer: PeerName;
  readonly log: Logger;
}

export interface BaseImageOrder extends Cancellable {
  readonly purpose: ImagePurpose;
  /** Name that the configuration gives the image. */
  readonly image: string;
  /** A local image to start from, instead of this machine's own programs. */
  readonly from?: string | undefined;
}

const SEARCH = `/${OWN_PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/local/go/bin:/opt/java/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
const STATIC = `go build -ldflags "-linkmode external -extldflags '-static'"`;

/** Asked of each new image; an image that cannot answer is removed again. What it prints is shown. */
const PROBES: Readonly<Record<ImagePurpose, string>> = {
  node: 'set -e; echo "Node $(node --version)"; echo "npm $(npm --version)"; cp --version >/dev/null || true',
  'golang-builder': [
    'set -e; go version; mkdir /tmp/a; cd /tmp/a',
    `printf 'package main\nfunc main() {}\n' > a.go; ${STATIC} -o a a.go; ./a`,
    'if ! command -v gcc >/dev/null; then echo "no C compiler: chaincode that uses cgo cannot be built"; exit; fi',
    `printf 'package main\n// int seven(void) { return 7; }\nimport "C"\nfunc main() { if C.seven() != 7 { panic("C") } }\n' > a.go`,
    `${STATIC} -o a a.go; ./a; gcc --version | sed -n 1p`,
  ].join('\n'),
  'golang-runtime': 'true',
  java: [
    'set -e; test -x ./build.sh; java -version 2>&1 | sed -n 1p; javac -version >/dev/null',
    'if ! command -v mvn >/dev/null; then gradle --version | grep Gradle; exit; fi',
    'mvn --batch-mode -Dstyle.color=never --version | sed -n "1s/.*Apache/Apache/p"; if command -v gradle >/dev/null; then gradle --version | grep Gradle; fi',
  ].join('\n'),
};

/**
 * What is done in a new image when it was tried, and stays in it: Go's standard library is compiled, which is most of the work of
 * building a chaincode.
 */
const PREPARATIONS: Readonly<Partial<Record<ImagePurpose, string>>> = { 'golang-builder': 'cd /; rm -r /tmp/a; go build std' };

/**
 * Makes a builder or runtime image of this machine's own programs, or of a local image, so that no registry is needed.
 * @returns what the image said when it was tried: versions
 * @throws {SelvageError} `NOT_FOUND` when this machine lacks a program, `DOCKER_UNAVAILABLE`, `DOCKER_REFUSED`, `DISK_FULL`
 */
export async function buildBaseImage(order: BaseImageOrder, parts: BaseImageParts): Promise<readonly string[]> {
  const { engine, log } = parts;
  const { purpose, image, from, signal } = order;
  const old = await engine.image(image, { signal });
  if (from !== undefined) await onto(from, order, parts);
  else await engine.importImage(writeTar((await imageContents(purpose, parts)).values()), image, changesFor(purpose), { signal });
  log.debug('image made', { image, purpose });
  try {
    const said = await probe(order, parts);
    if (old !== undefined) await discard(old, order, engine);
    return said;
  } catch (thrown) {
    await engine.removeImage(image, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    throw thrown;
  }
}

/** What lost its name to the new image goes, unless chaincode was built on it. */
async function discard({ id, tags }: ImageFacts, { image, signal }: BaseImageOrder, engine: DockerEngine): Promise<void> {
  const now = await engine.image(image, { signal });
  if (now?.id === id || tags.some((tag) => tag !== image)) return;
  await engine.removeImage(id, { signal, force: false }).catch(() => undefined);
}

const changesFor = (purpose: ImagePurpose): readonly string[] => [
  `ENV PATH=${SEARCH}`,
  'ENV HOME=/root',
  ...(purpose === 'golang-builder' ? ['ENV GOTOOLCHAIN=local'] : []),
  ...(purpose === 'java' ? ['ENV JAVA_HOME=/opt/java', `WORKDIR /${JAVA_FOLDER}`] : []),
  'CMD ["/bin/sh"]',
  `LABEL ${LABELS.image}=${purpose}`,
];

/** The same scripts and folders on top of an image that has the rest. */
async function onto(from: string, { purpose, image, signal }: BaseImageOrder, { engine }: BaseImageParts): Promise<void> {
  if ((await engine.image(from, { signal })) === undefined) {
    throw new SelvageError('NOT_FOUND', `there is no image ${from} in this engine`, {
      advice: 'Load or pull it first: docker load, docker pull.',
    });
  }
  const scripts = scriptsFor(purpose).map(([name, text]): TarEntry => ({ name, mode: 0o755, content: Buffer.from(text) }));
  const folders = ['chaincode/', 'chaincode/input/', 'chaincode/output/'].map((name): TarEntry => ({ name, folder: true }));
  const tar = await buffer(writeTar([...folders, ...scripts]));
  const dockerfile = [
    `FROM ${from}`,
    'ADD files.tar /',
    'ENTRYPOINT []',
    ...(purpose === 'golang-builder' ? [`ENV PATH=/${OWN_PROGRAMS}:$PATH`] : []),
    ...(purpose === 'java' ? [`WORKDIR /${JAVA_FOLDER}`] : []),
    `LABEL ${LABELS.image}="${purpose}"`,
    '',
  ].join('\n');
  const context = writeTar([
    { name: 'Dockerfile', content: Buffer.from(dockerfile) },
    { name: 'files.tar', content: tar },
  ]);
  await engine.build(context, { tag: image, pull: false, onLine: () => undefined, signal });
}

/** Tries an image in a container. What that container prepared becomes part of the image. */
async function probe({ purpose, image, signal }: BaseImageOrder, { engine, peer, log }: BaseImageParts): Promise<readonly string[]> {
  const trace = new Traces({ engine, peer, log }).begin();
  const preparation = PREPARATIONS[purpose];
  const script =
    preparation === undefined ? PROBES[purpose] : `(\n${PROBES[purpose]}\n)\ncode=$?; [ $code = 0 ] || exit $code\n${preparation}`;
  const command = ['/bin/sh', '-c', script];
  try {
    const spec = { image, command, env: {}, labels: trace.labels, hostConfig: { NetworkMode: 'none' } };
    const container = await toItsEnd(signal, (lingering) => engine.create(spec, { signal: lingering }));
    if (container === undefined) throw new SelvageError('DOCKER_REFUSED', `the image ${image} is gone again`);
    const output = new ContainerOutput(() => undefined);
    using attached = await engine.attach(container, output.push, { signal });
    await toItsEnd(signal, (lingering) => engine.start(container, { signal: lingering }));
    const code = await engine.wait(container, { signal });
    await orAbort(attached.ended, signal);
    output.end();
    if (code !== 0) throw doesNotWork(image, purpose, code, output.lines);
    if (preparation !== undefined) await keep(container, image, trace, { engine, signal });
    return output.lines;
  } finally {
    await trace.clear();
  }
}

/** The labels of the container, by which it is found and removed, are not for the image. */
async function keep(
  container: string,
  image: string,
  { labels }: Trace,
  { engine, signal }: Cancellable & Pick<BaseImageParts, 'engine'>,
): Promise<void> {
  const empty = Object.keys(labels).map((name) => `LABEL ${name}=""`);
  await toItsEnd(signal, (lingering) => engine.commit(container, image, ['CMD ["/bin/sh"]', ...empty], { signal: lingering }));
}

const doesNotWork = (image: string, purpose: ImagePurpose, code: number, output: readonly string[]): SelvageError =>
  new SelvageError('DOCKER_REFUSED', `the image ${image} does not work: ${PROBES[purpose]} exited with ${code}:\n${output.join('\n')}`, {
    advice: 'Take another image with --from, one that has the language, its package manager and a shell.',
  });
