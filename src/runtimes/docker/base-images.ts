import { buffer } from 'node:stream/consumers';
import { type TarEntry, writeTar } from '../../chaincode/packaging/tar-writer.ts';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { ContainerOutput } from './container-output.ts';
import type { DockerEngine } from './engine.ts';
import { type ImagePurpose, imageContents, type LocalPrograms, scriptsFor } from './image-contents.ts';
import { JAVA_FOLDER, OWN_PROGRAMS } from './image-scripts.ts';
import { toItsEnd } from './lingering.ts';
import type { PeerName } from './names.ts';
import { LABELS, Traces } from './traces.ts';

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
 * Makes a builder or runtime image of this machine's own programs, or of a local image, so that no registry is needed.
 * @returns what the image said when it was tried: versions
 * @throws {SelvageError} `NOT_FOUND` when this machine lacks a program, `DOCKER_UNAVAILABLE`, `DOCKER_REFUSED`, `DISK_FULL`
 */
export async function buildBaseImage(order: BaseImageOrder, parts: BaseImageParts): Promise<readonly string[]> {
  const { engine, log } = parts;
  const { purpose, image, from, signal } = order;
  if (from !== undefined) await onto(from, order, parts);
  else await engine.importImage(writeTar((await imageContents(purpose, parts)).values()), image, changesFor(purpose), { signal });
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
