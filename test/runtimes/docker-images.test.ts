/** `selvage images build|list|prune` against a real engine, as somebody types them. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportFailure } from '../../src/cli/failure.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { writeTar } from '../../src/packages/archive/tar-writer.ts';
import { findTool } from '../../src/packages/platforms/tools.ts';
import { HttpEngine } from '../../src/runtimes/docker/http-engine.ts';
import { imageContents } from '../../src/runtimes/docker/image-contents.ts';
import { GO_SCRIPTS } from '../../src/runtimes/docker/image-scripts.ts';
import { vmNames } from '../../src/runtimes/docker/names.ts';
import { DOCKER_ENDPOINT, docker, needsDocker, noDocker } from '../docker.ts';
import { writeProgram } from '../program-file.ts';
import { openDocker } from './docker-fixture.ts';

const never = new AbortController().signal;
const mark = randomBytes(5).toString('hex');
const repository = `selvage-test/images-${mark}`;
const named = (name: string): string => `${repository}:${name}`;

const SETTINGS = {
  FABRIC_CFG_PATH: import.meta.dirname,
  CORE_VM_ENDPOINT: DOCKER_ENDPOINT,
  CORE_PEER_NETWORKID: 'test',
  CORE_PEER_ID: `p${mark}`,
  CORE_CHAINCODE_NODE_RUNTIME: named('node'),
  CORE_CHAINCODE_BUILDER: named('ccenv'),
  CORE_CHAINCODE_GOLANG_RUNTIME: named('baseos'),
  CORE_CHAINCODE_JAVA_RUNTIME: named('javaenv'),
};

interface Said {
  readonly out: readonly string[];
  readonly err: string;
  readonly code: number;
}

async function selvage(argv: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (line: string) => void out.push(line),
    write: () => undefined,
    say: (line: string) => void err.push(line),
    env: { PATH: process.env['PATH'], ...SETTINGS, ...settings },
    cwd: '/',
    signal: never,
    colours: false,
    interactive: false,
  };
  const code = await buildProgram(terminal)
    .parseAsync([...argv], { from: 'user' })
    .then(
      () => 0,
      (thrown: unknown) => reportFailure(thrown, terminal),
    );
  return { out, err: err.join('\n'), code };
}

/** Columns of the list, by the image. */
const listed = async (): Promise<Readonly<Record<string, string | undefined>>> => {
  const { out, code } = await selvage(['images', 'list']);
  expect(code).toBe(0);
  expect(out[0]).toMatch(/^Docker engine \S+ \(API \d+\.\d+, linux\/\w+\) at /);
  expect(out[1]).toMatch(/^LANGUAGE +SETTING +IMAGE +STATE$/);
  return Object.fromEntries(out.slice(2).map((line) => [line.split(/ {2,}/)[2], line.split(/ {2,}/)[3]]));
};

describe.skipIf(noDocker !== undefined)(needsDocker('selvage images'), () => {
  const engine = new HttpEngine({ endpoint: DOCKER_ENDPOINT });

  afterAll(async () => {
    const tags = await docker('image', 'ls', repository, '--format', '{{.Repository}}:{{.Tag}}');
    for (const tag of tags.split('\n').filter((line) => line !== '')) await engine.removeImage(tag, { signal: never });
  });

  it('lists what is missing with the way to get it, and makes it once', async () => {
    expect(await listed()).toEqual({
      [named('node')]: `missing: selvage images build node, or docker pull ${named('node')}`,
      [named('ccenv')]: `missing: selvage images build golang, or docker pull ${named('ccenv')}`,
      [named('baseos')]: `missing: selvage images build golang, or docker pull ${named('baseos')}`,
      [named('javaenv')]: `missing: selvage images build java, or docker pull ${named('javaenv')}`,
    });
    const made = await selvage(['images', 'build', 'node']);
    expect(made).toMatchObject({ code: 0, err: `Docker engine at ${DOCKER_ENDPOINT}\nmaking ${named('node')}` });
    expect(made.out).toEqual([expect.stringMatching(new RegExp(`^${named('node')}  made for node  Node ${process.version}, npm \\d+\\.`))]);
    expect((await listed())[named('node')]).toMatch(/^present, \d+ MB, made by selvage$/);
    const [id] = await identity();
    expect((await selvage(['images', 'build', 'node'])).out).toEqual([`${named('node')}  is there already (--force makes it anew)`]);
    expect(await identity()).toEqual([id]);
    expect((await selvage(['images', 'build', 'node', '--force'])).out[0]).toContain('made for node');
    expect(await identity()).not.toEqual([id]);
    expect(await engine.image(id ?? '', { signal: never })).toBeUndefined();
    const { images } = JSON.parse((await selvage(['images', 'list', '--json'])).out[0] ?? '');
    expect(images).toHaveLength(4);
    expect(images[0]).toMatchObject({
      language: 'node',
      setting: 'chaincode.node.runtime',
      image: named('node'),
      present: true,
      madeHere: true,
    });
  });

  const identity = async (): Promise<readonly string[]> => [(await engine.image(named('node'), { signal: never }))?.id ?? 'none'];

  it('says what it does not know', async () => {
    expect(await selvage(['images', 'build', 'cobol'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no images are made for "cobol"[\s\S]*node, golang and java/),
    });
    expect(await selvage(['images', 'build', 'node', '--force', '--from', named('absent')])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/there is no image \S+:absent in this engine[\s\S]*docker load, docker pull/),
    });
    expect(await selvage(['images', 'list'], { CORE_VM_ENDPOINT: 'unix:///nowhere/docker.sock' })).toMatchObject({
      code: 1,
      err: expect.stringContaining('does not answer'),
    });
  });

  describe('--from', () => {
    /** A local image as somebody imported it: a file system with a shell, Node and npm, and nothing of ours. */
    beforeAll(async () => {
      const files = await imageContents('node', { nodePath: process.execPath, path: process.env['PATH'] ?? '' });
      const plain = [...files.values()].filter(({ name }) => !name.startsWith('chaincode'));
      await engine.importImage(writeTar(plain), named('plain'), ['ENV PATH=/usr/local/bin:/usr/bin:/bin'], { signal: never });
    });

    it('makes an image of a local one, and chaincode is built and run with it', async () => {
      const settings = { CORE_CHAINCODE_NODE_RUNTIME: named('from') };
      const { out, code } = await selvage(['images', 'build', '--from', named('plain')], settings);
      expect({ out, code }).toEqual({ code: 0, out: [expect.stringMatching(/:from {2}made for node {2}Node v/)] });
      await using fixture = await openDocker({ image: named('from') });
      const manifest = { name: 'cc', version: '1.0.0', scripts: { start: 'node index.js', install: 'node -e "console.log(6 * 7)"' } };
      const lines: string[] = [];
      const spec = await fixture.packed({ 'package.json': JSON.stringify(manifest), 'index.js': "console.log('ran', process.argv[2])" });
      const output = ({ text }: { readonly text: string }) => void lines.push(text);
      const { exited } = await fixture.runtime.launch({ ...spec, output }, { signal: never });
      expect((await exited).lastOutput).toEqual(['ran --peer.address']);
      expect(lines).toContain('ran --peer.address');
    });

    it('makes none of an image that lacks the language', async () => {
      const { err, code } = await selvage(['images', 'build', 'java', '--from', named('plain')]);
      expect(code).toBe(1);
      expect(err).toMatch(/the image \S+:javaenv does not work[\s\S]*java: not found[\s\S]*Take another image with --from/);
      expect((await listed())[named('javaenv')]).toMatch(/^missing/);
    });
  });

  it('prunes images of chaincode that is not installed any more, and says what that freed', async () => {
    await using fixture = await openDocker({ peer: { networkId: 'test', peerId: `p${mark}` } });
    const folder = await mkdtemp(join(tmpdir(), 'selvage-prune-'));
    try {
      const files = (name: string) => ({
        'package.json': JSON.stringify({ name, version: '1.0.0', scripts: { start: 'node index.js' } }),
        'index.js': `setInterval(() => {}, 1e6); // ${name} ${mark} ${'x'.repeat(200_000)}`,
      });
      const kept = { ...(await fixture.packed(files('kept'))), ccid: `label:${'a'.repeat(64)}` };
      const gone = { ...(await fixture.packed(files('gone'))), ccid: `label:${'b'.repeat(64)}` };
      const used = { ...(await fixture.packed(files('used'))), ccid: 'used:1.0' };
      for (const spec of [kept, gone]) await fixture.runtime.build(spec, { signal: never });
      const running = await fixture.runtime.launch(used, { signal: never });
      const nameOf = ({ ccid }: { readonly ccid: string }) => `${vmNames({ networkId: 'test', peerId: `p${mark}` }, ccid).image}:latest`;

      const settings = { CORE_PEER_FILESYSTEMPATH: folder };
      await mkdir(join(folder, 'lifecycle', 'chaincodes'), { recursive: true });
      await writeFile(join(folder, 'lifecycle', 'chaincodes', `label.${'a'.repeat(64)}.tar.gz`), '');
      const first = await selvage(['images', 'prune'], settings);
      expect(first).toMatchObject({ code: 0, err: '' });
      expect(first.out.slice(0, 2)).toEqual([`${nameOf(gone)}  removed`, `${nameOf(used)}  kept: a container uses it`]);
      expect(first.out[2]).toMatch(/^1 image removed, \d+\.\d MB freed$/);

      await running[Symbol.asyncDispose]();
      const { removed, inUse } = JSON.parse((await selvage(['images', 'prune', '--all', '--json'], settings)).out[0] ?? '');
      expect({ removed, inUse }).toEqual({ removed: [nameOf(kept), nameOf(used)].sort(), inUse: [] });
      expect((await selvage(['images', 'prune'], settings)).out).toEqual([expect.stringMatching(/^0 images removed/)]);
      expect(await selvage(['images', 'prune'], { CORE_PEER_FILESYSTEMPATH: join(folder, 'absent') })).toMatchObject({
        code: 2,
        err: expect.stringMatching(/there is no \S+absent, where the peer keeps its packages[\s\S]*--all/),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const noGo = (await findTool('go', process.env)) === undefined ? 'no go here' : undefined;

describe.skipIf(noGo !== undefined)(
  `the go command of an image without a C compiler${noGo === undefined ? '' : ` (skipped: ${noGo})`}`,
  () => {
    const STATIC = ['-ldflags', "-linkmode external -extldflags '-static'"];
    const USES_C = 'package main\n\n// int seven(void) { return 7; }\nimport "C"\n\nfunc main() { println(C.seven()) }\n';
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'selvage-cgo-'));
      await writeProgram(join(folder, 'go'), GO_SCRIPTS[0]?.[1] ?? '');
      await writeFile(join(folder, 'go.mod'), 'module example/cc\n\ngo 1.20\n');
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    const build = async (source: string): Promise<{ readonly stderr: string; readonly code: number }> => {
      await writeFile(join(folder, 'main.go'), source);
      const env = { ...process.env, CC: '/nowhere/gcc', GO111MODULE: 'on', GOFLAGS: '' };
      const building = promisify(execFile)(join(folder, 'go'), ['build', '-v', '-mod=readonly', ...STATIC, '-o', 'cc', '.'], {
        cwd: folder,
        env,
      });
      return building.then(
        ({ stderr }) => ({ stderr, code: 0 }),
        ({ stderr, code }: { readonly stderr: string; readonly code: number }) => ({ stderr, code }),
      );
    };

    it('links programs in Go statically by itself', async () => {
      expect((await build('package main\n\nfunc main() {}\n')).code).toBe(0);
      expect(
        (await promisify(execFile)('ldd', [join(folder, 'cc')]).catch(({ stderr }: { readonly stderr: string }) => ({ stdout: stderr })))
          .stdout,
      ).toContain('not a dynamic executable');
    });

    it('names the packages that need C', async () => {
      const { stderr, code } = await build(USES_C);
      expect(code).toBe(1);
      expect(stderr).toContain('cgo: C compiler "gcc" not found in the builder image, and these packages use C: example/cc');
    });
  },
);
